"""The options of a catalog: those of the live one are put back at failback."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class CatalogOptions:
    """As sys.databases has them; those that a copy has otherwise, and that a RESTORE resets.

    `owner`: the login's name; empty where there is none of that SID any more.
    """

    recovery: str
    page_verify: str
    is_auto_close: bool
    is_auto_shrink: bool
    is_statistics_async: bool
    is_trustworthy: bool
    is_db_chaining: bool
    is_read_committed_snapshot: bool
    is_snapshot_isolation: bool
    is_broker: bool
    compatibility: int
    owner: str

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Self:
        """Of values in the order of the fields, whatever a driver makes of a bit."""
        names = [field.name for field in fields(cls)]
        values: dict[str, Any] = dict(zip(names, row, strict=True))
        flags = {name: bool(value) for name, value in values.items() if name.startswith("is_")}
        return cls(**values | flags)
