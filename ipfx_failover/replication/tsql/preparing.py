"""PURE: what is switched off in a restored copy, how that is remembered, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.replication.sqlserver.switches import Switch, SwitchKind
from ipfx_failover.replication.tsql.text import name, text
from ipfx_failover.replication.tsql.tracking import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_COPY = name(SCHEMA, "copy")
_SWITCHED_OFF = name(SCHEMA, "switched_off")
NUMBERS_LEFT = name(SCHEMA, "numbers_left")
"""The tables and sequences whose numbers could not be taken further at a takeover."""
_ROWS_AT_ONCE = 100


def use(catalog: str) -> str:
    return f"USE {name(catalog)}"


def standby_options(catalog: str) -> str:
    """As a copy has to be: its files stay open, nothing but us takes the one place in it.

    A background update of statistics would take that place (ALTER DATABASE, SINGLE_USER).
    """
    return (
        f"ALTER DATABASE {name(catalog)} SET AUTO_CLOSE OFF, "
        "AUTO_UPDATE_STATISTICS_ASYNC OFF, RECOVERY SIMPLE"
    )


# What is on. NOT FOR REPLICATION makes no difference: we are no replication agent.


def switched_on() -> str:
    """kind, schema, table, name, trusted (0, 1) of all triggers and constraints that are on."""
    database_triggers = (
        f"SELECT '{SwitchKind.DATABASE_TRIGGER}', N'', N'', x.name, 1 FROM sys.triggers x "  # noqa: S608 - constants
        "WHERE x.parent_class = 0 AND x.is_disabled = 0"
    )
    of_tables = (
        _on_in(SwitchKind.TRIGGER, "sys.triggers", "parent_id", "1"),
        _on_in(SwitchKind.FOREIGN_KEY, "sys.foreign_keys", "parent_object_id", _TRUSTED),
        _on_in(SwitchKind.CHECK, "sys.check_constraints", "parent_object_id", _TRUSTED),
    )
    return " UNION ALL ".join((database_triggers, *of_tables))


_TRUSTED = "1 - CONVERT(int, x.is_not_trusted)"


def _on_in(kind: SwitchKind, view: str, parent: str, trusted: str) -> str:
    return (
        f"SELECT '{kind}', s.name, t.name, x.name, {trusted} FROM {view} x "  # noqa: S608 - constants
        f"JOIN sys.tables t ON t.object_id = x.{parent} "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE x.is_disabled = 0"
    )


def switch_off_database_triggers() -> str:
    return "DISABLE TRIGGER ALL ON DATABASE"


def switch_off(switches: Iterable[Switch]) -> list[str]:
    """One statement for each table and kind; DDL triggers are switched off all at once."""
    found = []
    for (kind, table), names in _by_table(switches).items():
        if kind == SwitchKind.TRIGGER:
            found.append(f"ALTER TABLE {table} DISABLE TRIGGER {names}")
        elif table:
            found.append(f"ALTER TABLE {table} NOCHECK CONSTRAINT {names}")
    return found


def switch_on_unchecked(switches: Iterable[Switch]) -> list[str]:
    """Rows that are there are not looked at: it is quick, and constraints are not trusted then."""
    return [_on(kind, table, names) for (kind, table), names in _by_table(switches).items()]


def _on(kind: SwitchKind, table: str, names: str) -> str:
    match kind:
        case SwitchKind.DATABASE_TRIGGER:
            return f"ENABLE TRIGGER {names} ON DATABASE"
        case SwitchKind.TRIGGER:
            return f"ALTER TABLE {table} ENABLE TRIGGER {names}"
        case _:
            return f"ALTER TABLE {table} WITH NOCHECK CHECK CONSTRAINT {names}"


def switch_on_checked(switch: Switch) -> str:
    """A constraint, with all rows looked at (547: one does not keep to it)."""
    table = name(switch.schema, switch.table)
    return f"ALTER TABLE {table} WITH CHECK CHECK CONSTRAINT {name(switch.name)}"


def _by_table(switches: Iterable[Switch]) -> dict[tuple[SwitchKind, str], str]:
    """The quoted names of those of one kind and table, in one list; no table: ""."""
    found: dict[tuple[SwitchKind, str], list[str]] = {}
    for each in switches:
        table = name(each.schema, each.table) if each.table else ""
        found.setdefault((each.kind, table), []).append(name(each.name))
    return {key: ", ".join(names) for key, names in found.items()}


# What stands in the way of a constraint.


def columns_of_foreign_key(switch: Switch) -> str:
    """column, referenced schema, table and column, in the order of the key."""
    key = text(name(switch.schema, switch.name))
    return (
        "SELECT c.name, s.name, t.name, r.name FROM sys.foreign_key_columns k "  # noqa: S608 - quoted
        "JOIN sys.columns c ON c.object_id = k.parent_object_id "
        "AND c.column_id = k.parent_column_id "
        "JOIN sys.tables t ON t.object_id = k.referenced_object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.columns r ON r.object_id = k.referenced_object_id "
        "AND r.column_id = k.referenced_column_id "
        f"WHERE k.constraint_object_id = OBJECT_ID({key}) ORDER BY k.constraint_column_id"
    )


def rows_without_parent(switch: Switch, columns: Sequence[tuple[str, str, str, str]]) -> str:
    """How many rows a foreign key forbids, by `columns_of_foreign_key`."""
    _, schema, table, _ = columns[0]
    equal = " AND ".join(f"p.{name(there)} = c.{name(here)}" for here, _, _, there in columns)
    given = " AND ".join(f"c.{name(here)} IS NOT NULL" for here, *_ in columns)
    return (
        f"SELECT COUNT(*) FROM {name(switch.schema, switch.table)} c WHERE {given} "  # noqa: S608
        f"AND NOT EXISTS (SELECT 1 FROM {name(schema, table)} p WHERE {equal})"
    )


def definition_of_check(switch: Switch) -> str:
    key = text(name(switch.schema, switch.name))
    return f"SELECT definition FROM sys.check_constraints WHERE object_id = OBJECT_ID({key})"  # noqa: S608 - quoted


def rows_against_check(switch: Switch, definition: str) -> str:
    """How many rows a check forbids: those for which it is false, not those where it is NULL."""
    table = name(switch.schema, switch.table)
    return f"SELECT COUNT(*) FROM {table} WHERE NOT ({definition})"  # noqa: S608 - the server's own


# The record in the copy.


def create_record() -> list[str]:
    """Its tables, where they are not there; the schema must be."""
    named = "schema_name nvarchar(128) NOT NULL, table_name nvarchar(128) NOT NULL"
    return [
        _create(
            _COPY,
            "run_id nvarchar(64) NOT NULL PRIMARY KEY, taken_at datetime2(3) NULL, "
            "version bigint NULL",
        ),
        _create(
            _SWITCHED_OFF,
            f"kind char(2) NOT NULL, {named}, name nvarchar(128) NOT NULL, is_trusted bit NOT NULL",
        ),
        _create(NUMBERS_LEFT, "schema_name nvarchar(128) NOT NULL, name nvarchar(128) NOT NULL"),
    ]


def _create(table: str, columns: str) -> str:
    return f"IF OBJECT_ID({text(table)}) IS NULL CREATE TABLE {table} ({columns})"


def has_record() -> str:
    """One value: NULL if there is no table for it."""
    return f"SELECT OBJECT_ID({text(_COPY)})"


def read_run() -> str:
    """The run whose copy it is; whether its role was taken (0, 1); its watermark's version then."""
    return (
        "SELECT run_id, CASE WHEN taken_at IS NULL THEN 0 ELSE 1 END, version "  # noqa: S608 - a constant
        f"FROM {_COPY}"
    )


def remember(switches: Sequence[Switch], run_id: str) -> Iterator[str]:
    """Keep in the copy what was on; the run comes last: with it the record is whole."""
    for start in range(0, len(switches), _ROWS_AT_ONCE):
        rows = ", ".join(map(_values, switches[start : start + _ROWS_AT_ONCE]))
        yield (
            f"INSERT INTO {_SWITCHED_OFF} (kind, schema_name, table_name, name, is_trusted) "  # noqa: S608 - quoted
            f"VALUES {rows}"
        )
    yield f"INSERT INTO {_COPY} (run_id) VALUES ({text(run_id)})"  # noqa: S608 - quoted


def _values(switch: Switch) -> str:
    texts = ", ".join(text(each) for each in (switch.schema, switch.table, switch.name))
    return f"('{switch.kind}', {texts}, {int(switch.is_trusted)})"


def remembered() -> str:
    """What `switched_on` told when the copy was restored."""
    return f"SELECT kind, schema_name, table_name, name, is_trusted FROM {_SWITCHED_OFF}"  # noqa: S608 - a constant


def drop_record() -> list[str]:
    return [
        f"IF OBJECT_ID({text(table)}) IS NOT NULL DROP TABLE {table}"
        for table in (_COPY, _SWITCHED_OFF, NUMBERS_LEFT)
    ]
