"""Building blocks for tests of file sync."""

from __future__ import annotations

from dataclasses import dataclass

from ipfx_failover.files.listing import Listing, Stamp
from ipfx_failover.files.names import Selection
from ipfx_failover.files.ports import Incoming
from ipfx_failover.files.values import Copy

T0 = 1_700_000_000_123_456_789


@dataclass(frozen=True)
class Row:
    """A row of the inclusion table."""

    dir: str
    patterns: tuple[str, ...] = ("*",)
    recursive: bool = True


def selection(*rows: Row) -> Selection:
    return Selection(rows or (Row("Mail"),))


def stamp(size_bytes: int = 1, seconds: float = 0.0) -> Stamp:
    return Stamp(size_bytes, T0 + round(seconds * 1e9))


def listing(
    files: dict[str, Stamp] | None = None,
    *,
    directories: tuple[str, ...] = (),
    taken_at_s: float = 86_400.0,
) -> Listing:
    """A listing; the directories that the files need are in it by themselves."""
    found = files or {}
    above = {"/".join(path.split("/")[:n]) for path in found for n in range(1, path.count("/") + 1)}
    return Listing(
        files=found,
        directories=frozenset(above | set(directories)),
        skipped=(),
        unreadable=(),
        leftovers=(),
        taken_at_ns=T0 + round(taken_at_s * 1e9),
        blur_ns=50_000_000,
    )


def incoming(path: str, content: bytes, **how: object) -> Incoming:
    """A new file on its way to a tree."""
    return Incoming(copy_of(path, len(content), **how), iter([content]))


def copy_of(
    path: str, size_bytes: int, *, replaces: object = None, keep_old: object = False
) -> Copy:
    assert replaces is None or isinstance(replaces, Stamp)
    return Copy(path, Stamp(size_bytes, T0), replaces, bool(keep_old))
