"""The views about what is defined inside of a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import table_key
from tests.sqlserver.engine.type_numbers import TYPE_IDS, fixed_sizes, sizes, system_id
from tests.sqlserver.engine.view_registry import (
    BIGINT,
    BIT,
    DATETIME,
    INT,
    NAME,
    SHORT_TEXT,
    SID,
    SMALLINT,
    TINYINT,
    VARIANT,
    fixed_text,
    view,
)
from tests.sqlserver.results import MAX, OF_CLR, Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.sequences import Sequence
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.tables import Column, Table
    from tests.sqlserver.engine.view_registry import Rows

_WITH_COLLATION = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}
_OBJECT_COLUMNS = {
    "name": NAME,
    "object_id": INT,
    "schema_id": INT,
    "parent_object_id": INT,
    "type": fixed_text(2),
    "type_desc": SHORT_TEXT,
    "create_date": DATETIME,
    "modify_date": DATETIME,
    "is_ms_shipped": BIT,
}


@view("sys.schemas", name=NAME, schema_id=INT, principal_id=INT)
def _schemas(_: SimulatedServer, catalog: Catalog) -> Rows:
    return ((name, schema_id(catalog, name), 1) for name in sorted(catalog.schemas))


def schema_id(catalog: Catalog, name: str) -> int:
    fixed = {"dbo": 1, "sys": 4}
    return fixed.get(name) or 5 + sorted(catalog.schemas).index(name)


def _object(
    catalog: Catalog, table: Table, of: Any, parent: int, kind: tuple[str, str]
) -> tuple[Any, ...]:
    schema = schema_id(catalog, table.schema)
    modified = table.modified if of is table else catalog.created
    return (of.name, of.object_id, schema, parent, *kind, catalog.created, modified, 0)


_TABLE = ("U ", "USER_TABLE")
_PRIMARY, _UNIQUE = ("PK", "PRIMARY_KEY_CONSTRAINT"), ("UQ", "UNIQUE_CONSTRAINT")
_FOREIGN = ("F ", "FOREIGN_KEY_CONSTRAINT")
_CHECK = ("C ", "CHECK_CONSTRAINT")
_TRIGGER = ("TR", "SQL_TRIGGER")


@view("sys.tables", **_OBJECT_COLUMNS, is_filetable=BIT, is_memory_optimized=BIT, is_external=BIT,
      is_node=BIT, is_edge=BIT, ledger_type=TINYINT)  # fmt: skip
def _tables(_: SimulatedServer, catalog: Catalog) -> Rows:
    words = ("FILETABLE", "MEMORY_OPTIMIZED", "EXTERNAL", "NODE", "EDGE")
    for table in catalog.tables.values():
        flags = (int(word in table.traits) for word in words)
        ledger = 2 if "LEDGER" in table.traits else 0
        yield *_object(catalog, table, table, 0, _TABLE), *flags, ledger


@view("sys.security_policies", **_OBJECT_COLUMNS, is_enabled=BIT, is_not_for_replication=BIT)
def _policies(_: SimulatedServer, catalog: Catalog) -> Rows:
    return ((*each, 1, 0) for each in _each_policy(catalog))


def _each_policy(catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    """One for each table that has it, whose number it shares."""
    for table in catalog.tables.values():
        if "POLICY" in table.traits:
            yield _object(catalog, table, table, 0, ("SP", "SECURITY_POLICY"))


@view("sys.security_predicates", object_id=INT, security_predicate_id=INT, target_object_id=INT,
      predicate_definition=SqlType(Kind.NVARCHAR, MAX), predicate_type=INT,
      predicate_type_desc=SHORT_TEXT)  # fmt: skip
def _predicates(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        if "POLICY" in table.traits:
            yield table.object_id, 1, table.object_id, "(dbo.seen())", 0, "FILTER"


@view("sys.objects", **_OBJECT_COLUMNS)
def _objects(_: SimulatedServer, catalog: Catalog) -> Rows:
    yield from _each_policy(catalog)
    for each in catalog.sequences.values():
        yield _sequence_object(catalog, each)
    for table in catalog.tables.values():
        yield _object(catalog, table, table, 0, _TABLE)
        inside: list[tuple[Any, tuple[str, str]]] = [
            *((each, _PRIMARY if each.is_primary else _UNIQUE)
              for each in table.keys if each.is_constraint),
            *((each, _FOREIGN) for each in table.foreign_keys),
            *((each, _CHECK) for each in table.checks),
            *((each, _TRIGGER) for each in table.triggers),
        ]  # fmt: skip
        for each, kind in inside:
            yield _object(catalog, table, each, table.object_id, kind)


_COLUMN_COLUMNS = {
    "object_id": INT,
    "name": NAME,
    "column_id": INT,
    "system_type_id": TINYINT,
    "user_type_id": INT,
    "max_length": SMALLINT,
    "precision": TINYINT,
    "scale": TINYINT,
    "collation_name": NAME,
    "is_nullable": BIT,
    "is_ansi_padded": BIT,
    "is_rowguidcol": BIT,
    "is_identity": BIT,
    "is_computed": BIT,
    "is_filestream": BIT,
    "is_xml_document": BIT,
    "is_sparse": BIT,
    "is_column_set": BIT,
}
_ENCRYPTION = {"encryption_type": INT, "encryption_type_desc": SHORT_TEXT}


def _each_column(catalog: Catalog) -> Iterator[tuple[Table, int, Column]]:
    for table in catalog.tables.values():
        for position, column in enumerate(table.columns, start=1):
            yield table, position, column


def _column_row(table: Table, position: int, column: Column) -> tuple[Any, ...]:
    of = column.type
    numbers = system_id(of.kind), TYPE_IDS[of.kind]
    collation = column.collation if of.kind in _WITH_COLLATION else None
    identity, computed = int(column.identity is not None), int(column.computed is not None)
    stream, is_set = (int(word in column.traits) for word in ("FILESTREAM", "COLUMN_SET"))
    flags = (int(column.is_nullable), 1, 0, identity, computed, stream, 0, 0, is_set)
    return (table.object_id, column.name, position, *numbers, *sizes(of), collation, *flags)


@view("sys.columns", **_COLUMN_COLUMNS, **_ENCRYPTION)
def _columns(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table, position, column in _each_column(catalog):
        how = (2, "RANDOMIZED") if "ENCRYPTED" in column.traits else (None, None)
        yield *_column_row(table, position, column), *how


@view("sys.masked_columns", **_COLUMN_COLUMNS, is_masked=BIT,
      masking_function=SqlType(Kind.NVARCHAR, 4000))  # fmt: skip
def _masked_columns(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table, position, column in _each_column(catalog):
        if "MASKED" in column.traits:
            yield *_column_row(table, position, column), 1, "default()"


@view("sys.identity_columns", **_COLUMN_COLUMNS, seed_value=VARIANT, increment_value=VARIANT,
      last_value=VARIANT, is_not_for_replication=BIT)  # fmt: skip
def _identity_columns(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table, position, column in _each_column(catalog):
        if column.identity is not None:
            seed, step = ((column.type, value) for value in column.identity)
            last = None if table.identity is None else (column.type, table.identity)
            yield *_column_row(table, position, column), seed, step, last, 0


@view("sys.computed_columns", **_COLUMN_COLUMNS, definition=SqlType(Kind.NVARCHAR, MAX),
      uses_database_collation=BIT, is_persisted=BIT)  # fmt: skip
def _computed_columns(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table, position, column in _each_column(catalog):
        if column.computed is not None:
            yield *_column_row(table, position, column), column.definition, 1, 0


@view("sys.types", name=NAME, system_type_id=TINYINT, user_type_id=INT, schema_id=INT,
      max_length=SMALLINT, precision=TINYINT, scale=TINYINT, is_nullable=BIT, is_user_defined=BIT,
      is_assembly_type=BIT, is_table_type=BIT)  # fmt: skip
def _types(_: SimulatedServer, __: Catalog) -> Rows:
    for kind, number in TYPE_IDS.items():
        made_of, is_of_clr = system_id(kind), int(kind in OF_CLR)
        yield str(kind), made_of, number, 4, *fixed_sizes(kind), 1, 0, is_of_clr, 0
    yield "sysname", 231, 256, 4, 256, 0, 0, 0, 0, 0, 0


def _each_key(catalog: Catalog) -> Iterator[tuple[Table, int, Any]]:
    """With the number of its index: 1 has the clustered one, which is the primary key here."""
    for table in catalog.tables.values():
        number = 2
        for key in table.keys:
            yield table, 1 if key.is_primary else number, key
            number += 0 if key.is_primary else 1


@view("sys.indexes", object_id=INT, name=NAME, index_id=INT, type=TINYINT, type_desc=SHORT_TEXT,
      is_unique=BIT, data_space_id=INT, ignore_dup_key=BIT, is_primary_key=BIT,
      is_unique_constraint=BIT, is_disabled=BIT, is_hypothetical=BIT, has_filter=BIT)  # fmt: skip
def _indexes(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        if table.primary_key is None:
            yield table.object_id, None, 0, 0, "HEAP", *(0, 1, 0, 0, 0, 0, 0, 0)
    for table, number, key in _each_key(catalog):
        kind = (1, "CLUSTERED") if number == 1 else (2, "NONCLUSTERED")
        primary, unique = int(key.is_primary), int(key.is_constraint and not key.is_primary)
        head = (table.object_id, key.name, number, *kind, int(key.is_unique))
        yield *head, 1, 0, primary, unique, 0, 0, 0


@view("sys.index_columns", object_id=INT, index_id=INT, index_column_id=INT, column_id=INT,
      key_ordinal=TINYINT, partition_ordinal=TINYINT, is_descending_key=BIT,
      is_included_column=BIT)  # fmt: skip
def _index_columns(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table, number, key in _each_key(catalog):
        for ordinal, at in enumerate(key.columns, start=1):
            yield table.object_id, number, ordinal, at + 1, ordinal, 0, 0, 0


@view("sys.partitions", partition_id=BIGINT, object_id=INT, index_id=INT, partition_number=INT,
      rows=BIGINT)  # fmt: skip
def _partitions(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        index = 0 if table.primary_key is None else 1
        yield table.object_id, table.object_id, index, 1, len(table.rows)


@view("sys.key_constraints", **_OBJECT_COLUMNS, unique_index_id=INT, is_system_named=BIT)
def _key_constraints(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table, number, key in _each_key(catalog):
        if key.is_constraint:
            kind = _PRIMARY if key.is_primary else _UNIQUE
            yield *_object(catalog, table, key, table.object_id, kind), number, 0


@view("sys.foreign_keys", **_OBJECT_COLUMNS, referenced_object_id=INT, key_index_id=INT,
      is_disabled=BIT, is_not_for_replication=BIT, is_not_trusted=BIT,
      delete_referential_action=TINYINT, delete_referential_action_desc=SHORT_TEXT,
      update_referential_action=TINYINT,
      update_referential_action_desc=SHORT_TEXT)  # fmt: skip
def _foreign_keys(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        for key in table.foreign_keys:
            there = catalog.tables[table_key(key.schema, key.table)].object_id
            action = (1, "CASCADE") if key.cascades else (0, "NO_ACTION")
            head = _object(catalog, table, key, table.object_id, _FOREIGN)
            flags = (int(not key.is_enabled), 0, int(not key.is_trusted))
            yield *head, there, 1, *flags, *action, 0, "NO_ACTION"


@view("sys.foreign_key_columns", constraint_object_id=INT, constraint_column_id=INT,
      parent_object_id=INT, parent_column_id=INT, referenced_object_id=INT,
      referenced_column_id=INT)  # fmt: skip
def _foreign_key_columns(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        for key in table.foreign_keys:
            there = catalog.tables[table_key(key.schema, key.table)]
            pairs = zip(key.columns, key.referenced, strict=True)
            for number, (here, name) in enumerate(pairs, start=1):
                ids = (key.object_id, number, table.object_id, here + 1)
                yield (*ids, there.object_id, there.position(name) + 1)


@view("sys.check_constraints", **_OBJECT_COLUMNS, is_disabled=BIT, is_not_for_replication=BIT,
      is_not_trusted=BIT, parent_column_id=INT, definition=SqlType(Kind.NVARCHAR, MAX))  # fmt: skip
def _check_constraints(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        for check in table.checks:
            head = _object(catalog, table, check, table.object_id, _CHECK)
            yield (
                *head,
                int(not check.is_enabled),
                0,
                int(not check.is_trusted),
                0,
                check.definition,
            )


@view("sys.triggers", name=NAME, object_id=INT, parent_class=TINYINT, parent_class_desc=SHORT_TEXT,
      parent_id=INT, type=fixed_text(2), type_desc=SHORT_TEXT, create_date=DATETIME,
      modify_date=DATETIME, is_ms_shipped=BIT, is_disabled=BIT, is_not_for_replication=BIT,
      is_instead_of_trigger=BIT)  # fmt: skip
def _triggers(_: SimulatedServer, catalog: Catalog) -> Rows:
    owners: list[tuple[int, str, int, Any]] = [(0, "DATABASE", 0, catalog)]
    owners += [(1, "OBJECT_OR_COLUMN", t.object_id, t) for t in catalog.tables.values()]
    for level, word, parent, owner in owners:
        for each in owner.triggers:
            dates = (catalog.created, catalog.created)
            flags = (0, int(not each.is_enabled), 0, 0)
            yield each.name, each.object_id, level, word, parent, *_TRIGGER, *dates, *flags


@view("sys.trigger_events", object_id=INT, type=INT, type_desc=SHORT_TEXT)
def _trigger_events(_: SimulatedServer, catalog: Catalog) -> Rows:
    numbers = {"INSERT": 1, "UPDATE": 2, "DELETE": 3}
    numbers |= {"CREATE_TABLE": 21, "ALTER_TABLE": 22, "DROP_TABLE": 23}
    owners: list[Any] = [catalog, *catalog.tables.values()]
    for owner in owners:
        for trigger in owner.triggers:
            for event in sorted(trigger.events):
                yield trigger.object_id, numbers[event], event


@view("sys.change_tracking_tables", object_id=INT, is_track_columns_updated_on=BIT,
      min_valid_version=BIGINT, begin_version=BIGINT, cleanup_version=BIGINT)  # fmt: skip
def _tracking_tables(_: SimulatedServer, catalog: Catalog) -> Rows:
    for table in catalog.tables.values():
        if (tracking := table.tracking) is not None:
            columns = int(tracking.tracks_columns)
            begin, low = tracking.begin_version, tracking.min_valid_version
            yield table.object_id, columns, low, begin, low


@view("sys.internal_tables", **_OBJECT_COLUMNS, internal_type=TINYINT,
      internal_type_desc=SHORT_TEXT, parent_id=INT, parent_minor_id=INT)  # fmt: skip
def _internal_tables(_: SimulatedServer, catalog: Catalog) -> Rows:
    """Those of change tracking, each made when it was switched on for its table."""
    schema, kind = schema_id(catalog, "sys"), ("IT", "INTERNAL_TABLE")
    for table in catalog.tables.values():
        if (tracking := table.tracking) is not None:
            name, parent = f"change_tracking_{table.object_id}", table.object_id
            dates = (tracking.created, tracking.created)
            head = (name, tracking.object_id, schema, parent, *kind, *dates, 1)
            yield *head, 209, "CHANGE_TRACKING", parent, 0


@view("sys.database_principals", name=NAME, principal_id=INT, type=fixed_text(1),
      type_desc=SHORT_TEXT, default_schema_name=NAME, sid=SID, is_fixed_role=BIT,
      authentication_type=INT, authentication_type_desc=SHORT_TEXT)  # fmt: skip
def _principals(_: SimulatedServer, catalog: Catalog) -> Rows:
    instance, nobody = (1, "INSTANCE"), (0, "NONE")
    yield "public", 0, "R", "DATABASE_ROLE", None, b"\x01\x05", 0, *nobody
    yield "dbo", 1, "S", "SQL_USER", "dbo", catalog.owner_sid, 0, *instance
    yield "guest", 2, "S", "SQL_USER", "guest", b"\x00", 0, *nobody
    yield "INFORMATION_SCHEMA", 3, "S", "SQL_USER", None, None, 0, *nobody
    yield "sys", 4, "S", "SQL_USER", None, None, 0, *nobody
    for number, user in enumerate(catalog.users.values(), start=5):
        kind = ("U", "WINDOWS_USER") if "\\" in user.name else ("S", "SQL_USER")
        how = (3, "WINDOWS") if kind[0] == "U" else instance if user.sid else nobody
        yield user.name, number, *kind, "dbo", user.sid, 0, *how


@view("sys.dm_db_persisted_sku_features", feature_name=NAME, feature_id=INT)
def _edition_features(_: SimulatedServer, __: Catalog) -> Rows:
    """Nothing that an edition could lack is known here."""
    return iter(())


_SEQUENCE = ("SO", "SEQUENCE_OBJECT")


@view("sys.sequences", **_OBJECT_COLUMNS, start_value=VARIANT, increment=VARIANT,
      minimum_value=VARIANT, maximum_value=VARIANT, is_cycling=BIT, is_cached=BIT, cache_size=INT,
      system_type_id=TINYINT, user_type_id=INT, precision=TINYINT, scale=TINYINT,
      current_value=VARIANT, is_exhausted=BIT, last_used_value=VARIANT)  # fmt: skip
def _sequences(_: SimulatedServer, catalog: Catalog) -> Rows:
    for each in catalog.sequences.values():
        kind, number = each.type, TYPE_IDS[each.type.kind]
        range_of = ((kind, v) for v in (each.start, each.increment, each.minimum, each.maximum))
        flags = (int(each.is_cycling), int(each.is_cached), each.cache_size)
        of = (number, number, *sizes(kind)[1:])
        used = None if each.is_new else (kind, each.current)
        last = ((kind, each.current), int(each.is_exhausted), used)
        yield *_sequence_object(catalog, each), *range_of, *flags, *of, *last


def _sequence_object(catalog: Catalog, each: Sequence) -> tuple[Any, ...]:
    schema = schema_id(catalog, each.schema)
    return (each.name, each.object_id, schema, 0, *_SEQUENCE, each.created, each.modified, 0)
