"""What of a catalog goes into its files: an image of all, and records of what a commit changed."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sqlserver.engine.storage import Storage
    from tests.sqlserver.engine.tables import Change, Row, Table
    from tests.sqlserver.engine.tracking import Logged

    RowsById = dict[int, dict[int, Row]]


@dataclass(slots=True)
class TableChange:
    """What a commit did to a table. `rows`: None for those that are gone."""

    rows: dict[int, Row | None] = field(default_factory=dict)
    identity: int | None = None
    logged: list[Logged] = field(default_factory=list)
    versions: tuple[int, int] | None = None
    """Where its history begins now, when TRUNCATE has ended it."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did to a catalog; tables by their object id."""

    version: int
    when: int
    row_version: int
    tables: dict[int, TableChange]


def image_of(catalog: Catalog, rows: RowsById | None = None) -> bytes:
    """A catalog with its rows, or with others than it has now."""
    tables = catalog.tables.values()
    found = {each.object_id: each.rows for each in tables} if rows is None else rows
    logs = {each.object_id: each.tracking.log for each in tables if each.tracking is not None}
    return pickle.dumps((catalog, found, logs))


def from_image(image: bytes) -> Catalog:
    catalog, rows, logs = pickle.loads(image)  # noqa: S301 - what we have written ourselves
    assert isinstance(catalog, Catalog)
    for table in catalog.tables.values():
        _attach(table, rows.get(table.object_id, {}), logs.get(table.object_id, []))
    return catalog


def _attach(table: Table, rows: dict[int, Row], logged: list[Logged]) -> None:
    table.take_rows(rows)
    if table.tracking is not None:
        table.tracking.log = logged


def shape_of(catalog: Catalog) -> bytes:
    """A record of all but the rows: behind a definition."""
    return pickle.dumps(catalog)


def committed(catalog: Catalog, changes: Iterable[Change], *, is_new_version: bool) -> bytes:
    """A record of a transaction's changes, in which each row is once."""
    found: dict[int, TableChange] = {}
    for change in changes:
        table = change.table
        about = found.setdefault(table.object_id, TableChange(identity=table.identity))
        if change.number:
            about.rows[change.number] = change.after
        if is_new_version and table.tracking is not None and not about.logged:
            about.logged = table.tracking.logged_at(catalog.version)
            if change.is_truncation:
                about.versions = table.tracking.min_valid_version, table.tracking.begin_version
    when = catalog.commits[catalog.version] if is_new_version else 0
    return pickle.dumps(Committed(catalog.version, when, catalog.row_version, found))


def loaded(storage: Storage) -> Catalog:
    """A catalog as its files have it."""
    catalog = from_image(storage.image())
    for record in storage.records():
        found: Any = pickle.loads(record)  # noqa: S301 - as above
        if isinstance(found, Committed):
            _replay(catalog, found)
        else:
            catalog = _reshaped(catalog, found)
    catalog.storage = storage
    return catalog


def _reshaped(before: Catalog, shape: Catalog) -> Catalog:
    old = {each.object_id: each for each in before.tables.values()}
    for table in shape.tables.values():
        was = old.get(table.object_id)
        tracked = was.tracking.log if was is not None and was.tracking is not None else []
        _attach(table, was.rows if was is not None else {}, tracked)
    return shape


def _replay(catalog: Catalog, found: Committed) -> None:
    if found.when:
        catalog.version = found.version
        catalog.commits[found.version] = found.when
    catalog.row_version = found.row_version
    tables = {each.object_id: each for each in catalog.tables.values()}
    for number, about in found.tables.items():
        table = tables[number]
        for row_number, row in about.rows.items():
            if row is None:
                table.rows.pop(row_number, None)
            else:
                table.rows[row_number] = row
        table.take_rows(table.rows)
        table.identity = about.identity
        if table.tracking is not None:
            if about.versions is not None:
                table.tracking.log.clear()
                table.tracking.min_valid_version, table.tracking.begin_version = about.versions
            table.tracking.log += about.logged
