"""Sequences: numbers of their own, given out whatever becomes of the transaction.

The disk knows the end of what is in memory (CACHE): who is killed, or is a backup, goes on behind
it. After the reference of CREATE SEQUENCE and `sys.sequences`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.compiled import Compiled
from tests.sqlserver.engine.durability import shape_of
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.results import Done, Kind, Message, SqlType
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result
    from tests.sqlserver.sql.tree import Name

_SINCE = 11
_CACHED = 50
"""How many are in memory where CACHE says no number; Microsoft does not tell, and may change it."""
_RANGES = {
    Kind.TINYINT: (0, 2**8 - 1),
    Kind.SMALLINT: (-(2**15), 2**15 - 1),
    Kind.INT: (-(2**31), 2**31 - 1),
    Kind.BIGINT: (-(2**63), 2**63 - 1),
}


@dataclass(slots=True)
class Sequence:
    """`current`: the number that was given out last, or with which it begins (`is_new`).

    `kept`: what the disk knows in its place. `cache_size`: None where CACHE says no number.
    """

    schema: str
    name: str
    type: SqlType
    start: int
    increment: int
    minimum: int
    maximum: int
    is_cycling: bool
    is_cached: bool
    cache_size: int | None
    object_id: int
    current: int
    is_new: bool = True
    kept: int | None = None
    created: int = field(default_factory=datetime_now)
    modified: int = field(default_factory=datetime_now)

    def __getstate__(self) -> dict[str, Any]:
        """As the disk has it."""
        state = {name: getattr(self, name) for name in self.__slots__}
        return state | {"current": self.current if self.kept is None else self.kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def settle(self) -> None:
        """The server ends in peace: nothing in memory is lost."""
        self.kept = None if self.is_new else self.current

    def restart(self, at: int) -> None:
        self.current, self.is_new, self.kept = at, True, None

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_exhausted(self) -> bool:
        return not self.is_new and not self.is_cycling and not self._has(self._following)

    def take(self) -> int:
        """The next number.

        Raises:
            SqlError: there is none (11728).
        """
        if self.is_exhausted:
            text = (
                f"The sequence object '{self.name}' has reached its minimum or maximum value. "
                "Restart the sequence object to allow new values to be generated."
            )
            raise SqlError(Message(11728, 16, text))
        if not self.is_new and self._has(self._following):
            self.current = self._following
        elif not self.is_new:
            self.current, self.kept = self.minimum if self.increment > 0 else self.maximum, None
        self.is_new = False
        return self.current

    def is_beyond_kept(self) -> bool:
        """Whether the disk must hear of the number that was given out; then it is told of more."""
        if self.kept is not None and (self.kept - self.current) * self.increment >= 0:
            return False
        ahead = (_CACHED if self.cache_size is None else self.cache_size) - 1
        end = self.current + (ahead if self.is_cached else 0) * self.increment
        self.kept = max(self.minimum, min(self.maximum, end))
        return True

    @property
    def _following(self) -> int:
        return self.current + self.increment

    def _has(self, value: int) -> bool:
        return self.minimum <= value <= self.maximum


def next_value(session: EngineSession, name: Name) -> Compiled:
    """NEXT VALUE FOR: another number for each row.

    Raises:
        SqlError: there is none of that name (208), or it is something else (11726).
    """
    catalog = session.catalog_of(name)
    sequence = catalog.find_sequence(name)
    if sequence is None:
        catalog.table(name)
        raise SqlError(Message(11726, 16, f"Object '{name}' is not a sequence object."))

    def run(_: Any) -> int:
        taken = sequence.take()
        if sequence.is_beyond_kept():
            _keep(catalog)
        return taken

    return Compiled(sequence.type, run)


def _keep(catalog: Catalog) -> None:
    if catalog.storage is not None:
        catalog.storage.append(shape_of(catalog))


def _create(session: EngineSession, statement: s.CreateSequence) -> Iterator[Result]:
    if session.server.profile.version[0] < _SINCE:
        text = "Unknown object type 'SEQUENCE' used in a CREATE, DROP, or ALTER statement."
        raise SqlError(Message(343, 15, text))
    catalog, name = session.catalog, statement.name
    schema = name.schema or "dbo"
    if schema.casefold() not in {each.casefold() for each in catalog.schemas}:
        text = f'The specified schema name "{schema}" either does not exist or cannot be used.'
        raise SqlError(Message(2760, 16, text))
    if catalog.find(name) is not None or catalog.find_sequence(name) is not None:
        text = f"There is already an object named '{name.last}' in the database."
        raise SqlError(Message(2714, 16, text))
    made = _made(schema, name.last, statement, catalog.new_object_id())
    catalog.sequences[made.full_name.casefold()] = made
    yield Done()


def _made(schema: str, name: str, statement: s.CreateSequence, number: int) -> Sequence:
    kind, told = statement.type, statement.options
    if kind.kind not in _RANGES and (kind.kind not in _DECIMALS or kind.scale):
        text = (
            f"The sequence object '{name}' must be of data type int, bigint, smallint, tinyint, or "
            "decimal or numeric with a scale of 0."
        )
        raise SqlError(Message(11702, 16, text))
    most = 10**kind.precision - 1
    lowest, highest = _RANGES.get(kind.kind, (-most, most))
    increment = told.get("INCREMENT") or 1
    minimum, maximum = told.get("MINVALUE"), told.get("MAXVALUE")
    minimum = lowest if minimum is None else minimum
    maximum = highest if maximum is None else maximum
    start = told.get("START")
    start = (minimum if increment > 0 else maximum) if start is None else start
    cache = told.get("CACHE")
    made = Sequence(schema, name, kind, start, increment, minimum, maximum,
                    bool(told.get("CYCLE")), cache != 0, cache or None, number, start)  # fmt: skip
    _check(made, (lowest, highest))
    if told.get("INCREMENT") == 0:
        text = f"The increment for sequence object '{name}' cannot be zero."
        raise SqlError(Message(11700, 16, text))
    return made


_DECIMALS = {Kind.DECIMAL, Kind.NUMERIC}


def _check(made: Sequence, limits: tuple[int, int]) -> None:
    lowest, highest = limits
    for word, value in (("MINVALUE", made.minimum), ("MAXVALUE", made.maximum)):
        if not lowest <= value <= highest:
            text = f"An invalid value was specified for argument '{word}' for the given data type."
            raise SqlError(Message(11708, 16, text))
    if made.minimum >= made.maximum:
        text = f"The minimum value for sequence object '{made.name}' must be less than its maximum."
        raise SqlError(Message(11705, 16, text))
    if not made.minimum <= made.start <= made.maximum:
        text = (
            f"The start value for sequence object '{made.name}' must be between the minimum and "
            "maximum value of the sequence object."
        )
        raise SqlError(Message(11703, 16, text))


def _alter(session: EngineSession, statement: s.AlterSequence) -> Iterator[Result]:
    catalog = session.catalog_of(statement.name)
    found = catalog.find_sequence(statement.name)
    if found is None:
        text = (
            f"Cannot alter the sequence '{statement.name.last}', because it does not exist or you "
            "do not have permission."
        )
        raise SqlError(Message(15151, 16, text))
    at = found.start if statement.restart is None else statement.restart
    if not found.minimum <= at <= found.maximum:
        text = (
            f"The current value '{at}' for sequence object '{found.name}' must be between the "
            "minimum and maximum value of the sequence object."
        )
        raise SqlError(Message(11704, 16, text))
    found.restart(at)
    found.modified = datetime_now()
    yield Done()


SEQUENCES: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.CreateSequence: _create,
    s.AlterSequence: _alter,
}
