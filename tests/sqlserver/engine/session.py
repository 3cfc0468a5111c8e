"""A session: it runs batches, statement by statement, in its catalog."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import Catalog
from tests.sqlserver.engine.conversion import converted
from tests.sqlserver.engine.functions import FUNCTIONS, SINCE
from tests.sqlserver.engine.languages import result_in
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.engine.procedures import call_procedure
from tests.sqlserver.engine.queries import Planner, Relation
from tests.sqlserver.engine.sequences import next_value
from tests.sqlserver.engine.session_functions import session_function, system_variable
from tests.sqlserver.engine.sources import relation_of
from tests.sqlserver.engine.statements import run_statements, undo_failed
from tests.sqlserver.engine.transactions import Snapshot, Transaction, snapshot_of, wait_for
from tests.sqlserver.results import Done, Message, OpenTransaction
from tests.sqlserver.sql.cursor import Cursor
from tests.sqlserver.sql.lexer import SqlError, unknown, words
from tests.sqlserver.sql.parser import parse_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from tests.sqlserver.engine.compiled import Compiled, Field, Row, Rows, Scope
    from tests.sqlserver.engine.remembering import LoginAccount
    from tests.sqlserver.engine.seeking import Finder
    from tests.sqlserver.engine.server import Doing, SimulatedServer
    from tests.sqlserver.engine.tables import Table, Trigger
    from tests.sqlserver.results import Login, Parameter, Prepared, Result, SqlType, Welcome
    from tests.sqlserver.sql import tree


_KNOWN_TO_OTHERS = words(
    """
    CHANGE_TRACKING_IS_COLUMN_IN_MASK CHOOSE CONCAT_WS CONTAINS DATEFROMPARTS EOMONTH
    ERROR_PROCEDURE FORMAT FREETEXT GROUPING ISJSON JSON_VALUE LAG LEAD NTILE PARSE PERCENT_RANK
    SOUNDEX STRING_AGG STRING_SPLIT TRANSLATE TRIM TRY_CAST TRY_PARSE
    """
)
"""Functions that a server has, and this one has not."""
_NUMBERS = count(1)
_MOST_PARTS = 3
"""Catalog, schema and name; a fourth one would be another server."""
_KILLED = Message(
    596, 21, "Cannot continue the execution because the session is in the kill state."
)


class EngineSession:
    """Implements `Session` on a simulated server; everything runs under the server's lock."""

    def __init__(
        self,
        server: SimulatedServer,
        number: int,
        account: LoginAccount,
        login: Login,
        database: str,
    ) -> None:
        self.server: SimulatedServer = server
        self.number: int = number
        self.account = account
        self.login_name = account.name
        self.host, self.program = login.host, login.application
        self.login_time = datetime_now()
        self.database = database
        self.transaction: Transaction = Transaction()
        self.waits_for: EngineSession | None = None
        self.doing: Doing | None = None
        self.caught: Message | None = None
        self.row_count: int = 0
        self.last_error: int = 0
        self.last_identity: int | None = None
        self.batch = ""
        """What it runs, or ran last."""
        self.is_killed = False
        self.is_victim = False
        self._cancelled = threading.Event()
        self._begin()

    def _begin(self) -> None:
        self._told = OpenTransaction()
        self.variables: dict[str, tuple[SqlType, Any]] = {}
        self.options: dict[str, str] = {}
        self.identity_insert: Table | None = None
        self.temporary = Catalog("tempdb", 2, [], 100)
        self.tries = 0
        """How many TRY blocks, or triggers, would catch an error."""
        self.triggers: list[tuple[Trigger, dict[str, tuple[Table, list[Row]]]]] = []
        """Those that run, each with what it sees as inserted and deleted."""

    # The port

    @property
    def welcome(self) -> Welcome:
        return self.server.welcome(self.database)

    def execute(self, statement: Prepared) -> Iterator[Result]:
        """Run a batch; each of its parameters is a variable in it."""
        language = self.server.profile.language
        with closing(self._execute(statement)) as results:
            for result in results:
                if not isinstance(result, Message) or result.number not in self.server.muted:
                    yield result_in(language, result)

    def _execute(self, statement: Prepared) -> Generator[Result, None, None]:
        self._cancelled.clear()
        self.batch = statement.sql
        self.server.hear(self, statement)
        mark = len(self.transaction.changes)
        try:
            self.server.on_statement(self, statement.sql)
            with self.server.changed:
                self.check_alive()
                parsed = parse_batch(statement.sql)
                self.variables = dict(self.parameters(statement))
        except SqlError as error:
            undo_failed(self, error, mark)
            yield from self.failed(error)
            return
        yield from run_statements(self, parsed)
        yield from self._afterwards(statement)

    def _afterwards(self, statement: Prepared) -> Iterator[Result]:
        try:
            self.server.after_statement(self, statement.sql)
        except SqlError as error:
            yield from self.failed(error)
        if self.is_killed and self.last_error != _KILLED.number:
            yield from self.failed(SqlError(_KILLED))

    def call(self, procedure: str, parameters: Sequence[Parameter]) -> Iterator[Result]:
        self._cancelled.clear()
        try:
            yield from call_procedure(self, procedure, parameters)
        except SqlError as error:
            yield from self.failed(error)

    def cancel(self) -> None:
        self._cancelled.set()
        with self.server.changed:
            self.server.changed.notify_all()

    def reset(self) -> None:
        with self.server.changed:
            self.roll_back()
            self._begin()

    def close(self) -> None:
        with self.server.changed:
            self.roll_back()
            self.server.sessions.pop(self.number, None)
            self.server.changed.notify_all()

    # For what runs in it

    def failed(self, error: SqlError) -> Iterator[Result]:
        """An error as the client hears it, all of its messages before the end."""
        self.last_error = error.messages[0].number
        yield from error.messages
        yield Done(is_error=True)

    def check_alive(self) -> None:
        """Stop here, when the client has called it off or somebody has killed the session.

        Raises:
            SqlError: so it is.
        """
        if self.is_killed:
            raise SqlError(_KILLED)
        if self._cancelled.is_set():
            raise SqlError(Message(3617, 11, "Operation cancelled by user."))

    def pause(self, seconds: float) -> None:
        """Do nothing for a while.

        Raises:
            SqlError: it was called off, or the session was killed.
        """
        self._cancelled.wait(seconds)
        self.check_alive()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set() or self.is_killed

    @property
    def catalog(self) -> Catalog:
        return self.server.catalog(self.database)

    def catalog_of(self, name: tree.Name) -> Catalog:
        """The catalog that a name with so many parts is in."""
        if len(name.parts) > _MOST_PARTS:
            text = f"Could not find server '{name.parts[0]}' in sys.servers."
            raise SqlError(Message(7202, 11, text))
        catalog = self.server.catalog(name.database) if name.database else self.catalog
        self.server.check_usable(catalog, self)
        return catalog

    def table(self, name: tree.Name) -> Table:
        """A table, or a temporary one of this session."""
        return self.home_of(name).table(name)

    def home_of(self, name: tree.Name) -> Catalog:
        """Where a table is: in a catalog, or among this session's temporary ones."""
        return self.temporary if name.last.startswith("#") else self.catalog_of(name)

    def rows_of(self, table: Table, name: tree.Name) -> list[Row]:
        """What this session sees of a table: by its isolation, its own changes included."""
        seen = self._seen(table, name)
        return list((table.rows if seen is None else seen.rows[table.object_id]).values())

    def finder(self, table: Table, name: tree.Name, key: tuple[int, ...]) -> Finder:
        """Finds a row of `rows_of` by its mark in a unique key."""
        seen = self._seen(table, name)
        if seen is not None:
            return seen.index(table, key).get
        numbers = table.index(key)
        return lambda mark: table.rows.get(numbers.get(mark, 0))

    def _seen(self, table: Table, name: tree.Name) -> Snapshot | None:
        """The snapshot that a table is seen in, if it is not seen as it is."""
        if table.name.startswith("#"):
            return None
        catalog = self.catalog_of(name)
        if self.is_snapshot:
            found = self._snapshot(catalog)
            if table.object_id not in found.rows:
                text = f"Snapshot isolation transaction failed: '{table.name}' was changed."
                raise SqlError(Message(3961, 16, text))
            return found
        if catalog.options.get("READ_COMMITTED_SNAPSHOT") == "ON":
            return snapshot_of(catalog, self._others)
        if self.options.get("TRANSACTION ISOLATION LEVEL") != "READ UNCOMMITTED":
            wait_for(self.server, self, table)
        return None

    @property
    def _others(self) -> list[EngineSession]:
        return [each for each in self.server.sessions.values() if each is not self]

    def _snapshot(self, catalog: Catalog) -> Snapshot:
        if catalog.options.get("ALLOW_SNAPSHOT_ISOLATION") != "ON" and not catalog.is_system:
            text = f"Snapshot isolation transaction failed accessing database '{catalog.name}'."
            raise SqlError(Message(3952, 16, text))
        key = catalog.name.casefold()
        if key not in self.transaction.snapshots:
            self.transaction.snapshots[key] = snapshot_of(catalog, self._others)
        return self.transaction.snapshots[key]

    def version_of(self, catalog: Catalog) -> int:
        """The version of change tracking as this transaction sees it."""
        return self._snapshot(catalog).version if self.is_snapshot else catalog.version

    def seen_by_trigger(self, name: str) -> tuple[Table, list[Row]] | None:
        """The tables `inserted` and `deleted`, in a trigger."""
        return self.triggers[-1][1].get(name.casefold()) if self.triggers else None

    @property
    def is_implicit(self) -> bool:
        return self.options.get("IMPLICIT_TRANSACTIONS") == "ON"

    @property
    def is_snapshot(self) -> bool:
        """Whether transactions, those of one statement too, are under SNAPSHOT isolation."""
        return self.options.get("TRANSACTION ISOLATION LEVEL") == "SNAPSHOT"

    def begin(self) -> None:
        if not self.transaction.depth:
            self.transaction = Transaction()
            self._told = OpenTransaction(next(_NUMBERS))
        self.transaction.depth += 1

    @property
    def open_transaction(self) -> OpenTransaction:
        return self._told

    def roll_back(self) -> None:
        if self.transaction.depth:
            self._told = OpenTransaction(was_rolled_back=True)
        self.transaction.roll_back()
        self.transaction = Transaction()
        self.server.changed.notify_all()

    def commit(self) -> None:
        if self.transaction.depth:
            self._told = OpenTransaction()
        self.transaction.commit()
        self.transaction = Transaction()
        self.server.changed.notify_all()

    # What expressions ask for

    def variable(self, name: str) -> tuple[SqlType, Any]:
        if name.startswith("@@"):
            return system_variable(self, name)
        found = self.variables.get(name.casefold())
        if found is None:
            raise SqlError(Message(137, 15, f'Must declare the scalar variable "{name}".'))
        return found

    def set_variable(self, name: str, value: Any, source: SqlType) -> None:
        kind, _ = self.variable(name)
        self.variables[name.casefold()] = kind, converted(value, source, kind)

    def function(self, call: tree.Call, arguments: Sequence[Compiled]) -> Compiled:
        name = call.name.removeprefix("SYS.")
        if SINCE.get(name, 0) > self.server.profile.version[0]:
            text = f"'{call.name}' is not a recognized built-in function name."
            raise SqlError(Message(195, 15, text))
        found = session_function(self, name, arguments)
        if found is not None:
            return found
        if name not in FUNCTIONS:
            if name in _KNOWN_TO_OTHERS:
                raise unknown(f"the function {call.name}", 1)
            if "." in call.name:
                raise SqlError(Message(4121, 16, f"Cannot find the function {call.name}."))
            text = f"'{call.name}' is not a recognized built-in function name."
            raise SqlError(Message(195, 15, text))
        return FUNCTIONS[name](arguments)

    def next_value(self, sequence: tree.Name) -> Compiled:
        return next_value(self, sequence)

    def subquery(
        self, query: tree.Query, scope: Scope | None
    ) -> tuple[Sequence[Field], Callable[[Rows], list[Row]]]:
        planned = Planner(self).query(query, scope)
        return planned.fields, planned.run

    def source(self, source: tree.Source, outer: Scope | None) -> Relation:
        return relation_of(self, source, outer)

    def parameters(self, statement: Prepared) -> Iterator[tuple[str, tuple[SqlType, Any]]]:
        declared = _declared(statement.declarations)
        kinds = {name.casefold(): kind for name, kind in declared}
        for (position, _), given in zip(declared, statement.values, strict=False):
            name = given.name.casefold() or position.casefold()
            if name not in kinds:
                text = f"{given.name} is not a parameter for procedure sp_executesql."
                raise SqlError(Message(8145, 16, text))
            yield name, (kinds[name], converted(given.value, given.type, kinds[name]))
        if len(declared) > len(statement.values):
            missing = declared[len(statement.values)][0]
            text = f"The parameterized query expects the parameter '{missing}'."
            raise SqlError(Message(8178, 16, text))


@lru_cache(maxsize=1024)
def _declared(declarations: str) -> Sequence[tuple[str, SqlType]]:
    cursor = Cursor(declarations)
    found = []
    while not cursor.is_at_end:
        name = cursor.text()
        cursor.skip("AS")
        found.append((name, cursor.type()))
        if cursor.skip("OUTPUT"):
            raise unknown("output parameters of a statement", 1)
        cursor.skip(",")
    return found
