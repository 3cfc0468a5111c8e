"""INSERT, UPDATE, DELETE, TRUNCATE: rows change, and all that must hold of them is seen to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tests.sqlserver.engine.compiled import Compiled, Field, Scope, Surroundings
from tests.sqlserver.engine.conversion import assigned
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.tables import TERMINATED, Change, Column, ForeignKey, Row, Table
from tests.sqlserver.results import Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError
from tests.sqlserver.sql.tree import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.sql.tree import Expression


class Triggered(Protocol):
    """Runs what a table's triggers do."""

    def __call__(self, table: Table, event: str, changes: Sequence[Change]) -> None: ...


@dataclass
class RowWriter:
    """Changes rows of one catalog for one statement; `record` hears of each at once."""

    catalog: Catalog
    around: Surroundings
    identity_insert: Table | None
    fire: Triggered
    record: Callable[[Change], None]

    def insert(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows of (type, value) or None for the default; how many.

        Raises:
            SqlError: a constraint does not hold; 544, 8107 and 8101 about identity columns; 271.
        """
        positions = self._positions(table, columns)
        self._check_identity(table, columns, positions)
        changes = []
        for given in rows:
            if len(given) != len(positions):
                text = "Column name or number of supplied values does not match table definition."
                raise SqlError(Message(213, 16, text))
            values = dict(zip(positions, given, strict=True))
            number, row = table.new_number(), self._new_row(table, values)
            self._put(table, number, row)
            changes.append(Change(table, number, None, row))
        self._finish(table, "INSERT", changes)
        return len(rows)

    def update(self, table: Table, changed: Sequence[tuple[int, dict[int, Any]]]) -> int:
        """Change rows: for each its number, and (type, value) by position."""
        # Off with all first, so that keys may be exchanged.
        before = {number: table.remove(number) for number, _ in changed}
        for number, row in before.items():
            self.record(Change(table, number, row, None))
        for number, values in changed:
            row = self._changed_row(table, before[number], values)
            self._put(table, number, row)
        pairs = [Change(table, n, before[n], table.rows[n]) for n, _ in changed]
        self._finish(table, "UPDATE", pairs)
        return len(changed)

    def delete(self, table: Table, numbers: Sequence[int]) -> int:
        gone = [Change(table, number, table.remove(number), None) for number in numbers]
        for change in gone:
            self.record(change)
        self._check_not_referenced(table, gone)
        self._fire(table, "DELETE", gone)
        return len(numbers)

    def width(self, table: Table, columns: Sequence[str]) -> int:
        """How many values a row has that is inserted."""
        return len(self._positions(table, columns))

    def _positions(self, table: Table, columns: Sequence[str]) -> list[int]:
        if columns:
            positions = [table.position(column) for column in columns]
            for at in positions:
                _see_not_computed(table.columns[at])
            return positions
        return [
            at
            for at, column in enumerate(table.columns)
            if column.computed is None
            and column.type.kind is not Kind.TIMESTAMP
            and (column.identity is None or self.identity_insert is table)
        ]

    def _check_identity(
        self, table: Table, columns: Sequence[str], positions: Sequence[int]
    ) -> None:
        at = next((n for n, column in enumerate(table.columns) if column.identity), None)
        if at is None:
            return
        allowed = self.identity_insert is table
        if at in positions and not allowed:
            text = (
                f"Cannot insert explicit value for identity column in table '{table.name}' when "
                "IDENTITY_INSERT is set to OFF."
            )
            raise SqlError(Message(544, 16, text))
        if allowed and not columns:
            text = (
                "An explicit value for the identity column in table can only be specified when a "
                "column list is used and IDENTITY_INSERT is ON."
            )
            raise SqlError(Message(8101, 16, text))

    def _new_row(self, table: Table, given: dict[int, Any]) -> Row:
        row: list[Any] = []
        for at, column in enumerate(table.columns):
            if column.type.kind is Kind.TIMESTAMP:
                if given.get(at) is not None:
                    text = "Cannot insert an explicit value into a timestamp column."
                    raise SqlError(Message(273, 16, text))
                row.append(self.catalog.new_row_version())
            elif given.get(at) is not None:
                kind, value = given[at]
                row.append(self._assigned(value, kind, table, column))
                self._remember_identity(table, column, row[-1])
            elif column.identity is not None:
                row.append(self._next_identity(table, column))
            elif column.default is not None and at not in _explicit_nulls(given):
                row.append(self._default(table, column))
            else:
                row.append(None)
        return self._with_computed(table, row)

    def _changed_row(self, table: Table, before: Row, values: dict[int, Any]) -> Row:
        row = list(before)
        for at, (kind, value) in values.items():
            column = table.columns[at]
            if column.identity is not None:
                raise SqlError(Message(8102, 16, f"Cannot update identity column '{column.name}'."))
            _see_not_computed(column)
            row[at] = self._assigned(value, kind, table, column)
        for at, column in enumerate(table.columns):
            if column.type.kind is Kind.TIMESTAMP:
                row[at] = self.catalog.new_row_version()
        return self._with_computed(table, row)

    def _with_computed(self, table: Table, row: list[Any]) -> Row:
        for at, column in enumerate(table.columns):
            if column.computed is not None:
                compiled = self._compiled(table, column.computed)
                row[at] = compiled.run((tuple(row),))
        return tuple(row)

    def _compiled(self, table: Table, expression: Expression) -> Compiled:
        return Compiler(self.around, Scope(fields_of(table, table.name))).compile(expression)

    def _default(self, table: Table, column: Column) -> Any:
        assert column.default is not None
        compiled = Compiler(self.around, no_number=0).compile(column.default)
        value = compiled.run(())
        return self._assigned(value, compiled.type, table, column)

    def _assigned(self, value: Any, kind: SqlType, table: Table, column: Column) -> Any:
        """Before SQL Server 2019 it was not told which value is too long."""
        try:
            return assigned(value, kind, column.type, column.name, table.full_name)
        except SqlError as error:
            if error.messages[0].number != 2628 or self.catalog.compatibility >= 150:
                raise
            text = "String or binary data would be truncated."
            raise SqlError(Message(8152, 16, text), TERMINATED) from None

    def _next_identity(self, table: Table, column: Column) -> int:
        assert column.identity is not None
        seed, step = column.identity
        table.identity = seed if table.identity is None else table.identity + step
        return table.identity

    def _remember_identity(self, table: Table, column: Column, value: Any) -> None:
        if column.identity is None or value is None:
            return
        step = column.identity[1]
        if table.identity is None or (value - table.identity) * step > 0:
            table.identity = value

    def _put(self, table: Table, number: int, row: Row) -> None:
        self._check_row(table, row)
        table.put(number, row)
        self.record(Change(table, number, None, row))

    def _check_row(self, table: Table, row: Row) -> None:
        for column, value in zip(table.columns, row, strict=True):
            if value is None and not column.is_nullable:
                text = (
                    f"Cannot insert the value NULL into column '{column.name}', table "
                    f"'{self.catalog.name}.{table.full_name}'; column does not allow nulls."
                )
                raise SqlError(Message(515, 16, text), TERMINATED)
        for check in table.checks:
            if check.is_enabled and self._compiled(table, check.condition).run((row,)) is False:
                raise self._conflict("CHECK", check.name, table)

    def _finish(self, table: Table, event: str, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.after is not None:
                self._check_references(table, change.after)
        if event == "UPDATE":
            self._check_not_referenced(table, changes, is_update=True)
        self._fire(table, event, changes)

    def _fire(self, table: Table, event: str, changes: Sequence[Change]) -> None:
        if any(each.is_enabled and event in each.events for each in table.triggers):
            self.fire(table, event, changes)

    def _check_references(self, table: Table, row: Row) -> None:
        for key in table.foreign_keys:
            values = [row[at] for at in key.columns]
            if not key.is_enabled or any(value is None for value in values):
                continue
            if not self._is_there(table, key, row):
                raise self._conflict("FOREIGN KEY", key.name, table)

    def _is_there(self, table: Table, key: ForeignKey, row: Row) -> bool:
        referenced = self.catalog.table(Name((key.schema, key.table)))
        columns = tuple(referenced.position(name) for name in key.referenced)
        return table.key_of(row, key.columns) in referenced.index(columns)

    def _check_not_referenced(
        self, table: Table, gone: Sequence[Change], *, is_update: bool = False
    ) -> None:
        for other in list(self.catalog.tables.values()):
            for key in other.foreign_keys:
                is_ours = (key.schema.casefold(), key.table.casefold()) == (
                    table.schema.casefold(),
                    table.name.casefold(),
                )
                if is_ours and key.is_enabled:
                    orphans = self._orphans(table, other, key, gone)
                    if orphans and key.cascades and not is_update:
                        self.delete(other, orphans)
                    elif orphans:
                        raise self._conflict("REFERENCE", key.name, other)

    def _orphans(
        self, table: Table, other: Table, key: ForeignKey, gone: Sequence[Change]
    ) -> list[int]:
        columns = tuple(table.position(name) for name in key.referenced)
        still = table.index(columns)
        lost = {table.key_of(change.before, columns) for change in gone if change.before}
        lost = {each for each in lost if each not in still}
        return [n for n, row in other.rows.items() if other.key_of(row, key.columns) in lost]

    def _conflict(self, kind: str, name: str, table: Table) -> SqlError:
        text = (
            f'The statement conflicted with the {kind} constraint "{name}". The conflict occurred '
            f'in database "{self.catalog.name}", table "{table.full_name}".'
        )
        return SqlError(Message(547, 16, text), TERMINATED)


def _see_not_computed(column: Column) -> None:
    if column.computed is not None:
        raise SqlError(Message(271, 16, f'The column "{column.name}" cannot be modified.'))


def _explicit_nulls(given: dict[int, Any]) -> set[int]:
    return {at for at, value in given.items() if value is not None and value[1] is None}


def fields_of(table: Table, source: str) -> list[Field]:
    """A table's columns as fields of a query."""
    return [
        Field(
            source,
            column.name,
            column.type,
            column.collation if _is_text(column.type) else "",
            column.is_nullable,
            column.identity is not None,
            column.computed is not None,
        )
        for column in table.columns
    ]


def _is_text(of: SqlType) -> bool:
    return of.kind in {
        *(Kind.CHAR, Kind.VARCHAR, Kind.TEXT),
        *(Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT),
    }
