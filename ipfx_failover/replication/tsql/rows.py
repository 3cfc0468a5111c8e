"""PURE: the statements that read changed rows on the live server and apply them to a copy.

Net state: what counts is whether a row is there in the snapshot, not which operation was told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.replication.tsql.converting import converted
from ipfx_failover.replication.tsql.text import name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.replication.sqlserver.conversion import Conversion
    from ipfx_failover.replication.tsql.tables import Table

# The live server; all in one transaction.


def begin_snapshot() -> str:
    return "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION"


def end_snapshot() -> str:
    return "COMMIT TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED"


# The version that changes are asked from is a parameter: the server knows the statement again.
_SINCE = "DECLARE @since bigint = ?; "


def changed_tables(tables: Sequence[Table]) -> str:
    """The numbers (from 0) of the tables with changes since a version."""
    return _SINCE + " UNION ALL ".join(
        f"SELECT {number} WHERE EXISTS "  # noqa: S608 - quoted
        f"(SELECT 1 FROM CHANGETABLE(CHANGES {table.quoted}, @since) c)"
        for number, table in enumerate(tables)
    )


def count_changes(table: Table) -> str:
    """How many rows have changed since a version."""
    return f"{_SINCE}SELECT COUNT(*) FROM CHANGETABLE(CHANGES {table.quoted}, @since) c"  # noqa: S608 - quoted


def changes(table: Table) -> str:
    """Each row that has changed since a version: gone (0, 1), then the columns that are written."""
    first = name(table.key[0])
    columns = [
        column.read(f"ISNULL(b.{name(column.name)}, c.{name(column.name)})")
        if column.name in table.key
        else column.read(f"b.{name(column.name)}")
        for column in table.written
    ]
    joined = _equal("b", "c", table.key)
    return (
        f"{_SINCE}SELECT CASE WHEN b.{first} IS NULL THEN 1 ELSE 0 END, {', '.join(columns)} "  # noqa: S608 - quoted
        f"FROM CHANGETABLE(CHANGES {table.quoted}, @since) c "
        f"LEFT JOIN {table.quoted} b ON {joined}"
    )


def all_rows(table: Table) -> str:
    """Every row, in the shape of `changes`."""
    columns = [column.read(f"b.{name(column.name)}") for column in table.written]
    return f"SELECT 0, {', '.join(columns)} FROM {table.quoted} b"  # noqa: S608 - quoted


def count_rows(table: Table) -> str:
    """How many rows there are."""
    return f"SELECT COUNT(*) FROM {table.quoted}"  # noqa: S608 - quoted


# The copy.


def stage(number: int) -> str:
    """The name of the temporary table where a table's rows wait."""
    return f"#rows_{number}"


def create_stage(number: int, table: Table) -> str:
    """All nullable, no IDENTITY: of a row that is gone only the key is known."""
    columns = "".join(f", {name(c.name)} {c.staged} NULL" for c in table.written)
    return f"CREATE TABLE {stage(number)} (gone_ int NOT NULL{columns})"


def drop_stages(numbers: Iterable[int]) -> str:
    return f"DROP TABLE {', '.join(map(stage, numbers))}"


def empty_stage(number: int) -> str:
    return f"TRUNCATE TABLE {stage(number)}"


def fill_stage(number: int, table: Table, rows: Sequence[Sequence[object]]) -> str:
    """Put rows there, in the shape of `changes`."""
    columns = table.written
    aliases = [f"c{at}" for at in range(len(columns))]
    written = [c.written(f"v.{alias}") for c, alias in zip(columns, aliases, strict=True)]
    values = ", ".join(
        "("
        + ", ".join(
            [
                str(row[0]),
                *(
                    column.literal(value, is_typed=at == 0)
                    for column, value in zip(columns, row[1:], strict=True)
                ),
            ]
        )
        + ")"
        for at, row in enumerate(rows)
    )
    names = ", ".join(name(c.name) for c in columns)
    return (
        f"INSERT INTO {stage(number)} (gone_, {names}) "  # noqa: S608 - quoted
        f"SELECT v.gone_, {', '.join(written)} "
        f"FROM (VALUES {values}) v (gone_, {', '.join(aliases)})"
    )


def convert_staged(number: int, conversions: Sequence[Conversion]) -> str:
    """Convert the paths of a column, as those of the copy were; all `conversions` are of it."""
    column = name(conversions[0].column)
    return f"UPDATE {stage(number)} SET {column} = {converted(column, conversions)}"  # noqa: S608 - quoted


def remove_staged(number: int, table: Table) -> str:
    """Take the rows away that have changed, whatever became of them."""
    joined = " AND ".join(
        f"b.{name(c.name)} = {c.applied('s.' + name(c.name))}" for c in table.keys
    )
    return f"DELETE b FROM {table.quoted} b JOIN {stage(number)} s ON {joined}"


def remove_all(table: Table) -> str:
    """TRUNCATE would be refused where a foreign key points, though it is switched off (4712)."""
    return f"DELETE FROM {table.quoted}"  # noqa: S608 - quoted


def insert_staged(number: int, table: Table) -> str:
    """Put those there that are on the live server."""
    columns = table.written
    names = ", ".join(name(c.name) for c in columns)
    values = ", ".join(c.applied(f"s.{name(c.name)}") for c in columns)
    insert = (
        f"INSERT INTO {table.quoted} ({names}) "  # noqa: S608 - quoted
        f"SELECT {values} FROM {stage(number)} s WHERE s.gone_ = 0"
    )
    if not table.has_identity:
        return insert
    switch = f"SET IDENTITY_INSERT {table.quoted}"
    return f"{switch} ON; {insert}; {switch} OFF"


def _equal(one: str, other: str, key: Sequence[str]) -> str:
    return " AND ".join(f"{one}.{name(each)} = {other}.{name(each)}" for each in key)
