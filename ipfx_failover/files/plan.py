"""PURE: what has to be done to make the target of a sync like its source.

Three things are compared: both trees as they are, and the manifest, which says what both sides had
when a file was last in sync. Deletions come last and concern only files that the manifest knows
and the source no longer has. What only the target has, and the manifest never knew, is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.files.listing import Skipped
from ipfx_failover.files.values import Copy, Direction, Known, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ipfx_failover.files.listing import Listing, Stamp

_SECOND_NS = 1_000_000_000
_FINE_NS = 100
"""NTFS keeps hundreds of nanoseconds."""
SHORT_LIVED_NS = 60 * _SECOND_NS
"""A version that lived for less, as of a recording that still grows, does not go to the trash."""


def make_plan(
    source: Listing,
    target: Listing,
    known: Mapping[str, Known],
    *,
    direction: Direction,
    target_ignores_case: bool = False,
    deletion_cap_percent: int = 100,
    allow_deletions: bool = False,
) -> Plan:
    """Compare and decide.

    Args:
        source: where files come from.
        target: where they go.
        known: the manifest, seen from this direction.
        direction: from-live restores the live server's version of a file that only the target
            changed; to-live keeps it, because on the live server it is the newer one.
        target_ignores_case: whether `A.wav` and `a.wav` are one file at the target.
        deletion_cap_percent: more deletions than this share of the known files are withheld.
        allow_deletions: whether the operator has allowed them all the same.
    """
    planner = _Planner(source, target, known, direction, ignores_case=target_ignores_case)
    planner.compare_sources()
    planner.compare_targets()
    cap = None if allow_deletions else deletion_cap_percent
    return planner.plan(cap)


def deletion_refusal(deletions: int, known: int, cap_percent: int) -> str | None:
    """Why so many deletions in one pass are suspicious; None when they are not."""
    allowed = -(-known * cap_percent // 100)
    if deletions <= allowed:
        return None
    return (
        f"{deletions} of {known} known files are gone at the source, more than "
        f"deletion_cap_percent = {cap_percent} allows ({allowed}): none is deleted"
    )


def same_time(one_ns: int, other_ns: int) -> bool:
    """Whether two mtimes are one, given that some systems keep whole seconds only."""
    whole = one_ns % _SECOND_NS == 0 or other_ns % _SECOND_NS == 0
    return abs(one_ns - other_ns) < (_SECOND_NS if whole else _FINE_NS)


def same(one: Stamp, other: Stamp) -> bool:
    """Whether two stamps say the same."""
    return one.size_bytes == other.size_bytes and same_time(one.mtime_ns, other.mtime_ns)


class _Paths:
    """Answers whether a path is at or below one of some paths."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)

    def cover(self, path: str) -> bool:
        if not self._paths:
            return False
        parts = path.split("/")
        return "" in self._paths or any(
            "/".join(parts[:depth]) in self._paths for depth in range(1, len(parts) + 1)
        )


def _ancestors(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]


class _Planner:
    """Collects decisions; paths are compared by `_key`, which may ignore case."""

    def __init__(
        self,
        source: Listing,
        target: Listing,
        known: Mapping[str, Known],
        direction: Direction,
        *,
        ignores_case: bool,
    ) -> None:
        self._source, self._target, self._known = source, target, known
        self._from_live = direction is Direction.FROM_LIVE
        self._ignores_case = ignores_case
        self._target_files = {self._key(path): path for path in sorted(target.files)}
        self._target_directories = {self._key(path) for path in target.directories}
        self._known_paths = {self._key(path): path for path in sorted(known)}
        self._no_entry = _Paths(
            self._key(skipped.path) for skipped in target.skipped + target.unreadable
        )
        self._unseen = _Paths(
            self._key(skipped.path) for skipped in source.skipped + source.unreadable
        )
        self._seen: dict[str, str] = {}
        self._copies: list[Copy] = []
        self._adopted: list[tuple[str, Known]] = []
        self._forgotten: list[str] = []
        self._deletions: list[str] = []
        self._kept_target_only: list[str] = []
        self._kept_changed: list[str] = []
        self._blocked = [*source.unreadable, *target.unreadable]

    def _key(self, path: str) -> str:
        return path.casefold() if self._ignores_case else path

    def compare_sources(self) -> None:
        for path in sorted(self._source.files):
            key = self._key(path)
            twin = self._seen.setdefault(key, path)
            reason = self._obstacle(key)
            if twin != path:
                reason = f"differs from {twin} only in case, which the target ignores"
            if reason is not None:
                self._blocked.append(Skipped(path, reason))
            else:
                self._compare(path, key, self._source.files[path])

    def _obstacle(self, key: str) -> str | None:
        if key in self._target_directories:
            return "at the target a directory has its name"
        return self._directory_obstacle(key)

    def _directory_obstacle(self, key: str) -> str | None:
        if self._no_entry.cover(key):
            return "at the target something that is not synced has its name"
        if any(above in self._target_files for above in _ancestors(key)):
            return "at the target a file has the name of its directory"
        return None

    def _compare(self, path: str, key: str, stamp: Stamp) -> None:
        there = self._target_files.get(key)
        spelled = self._known_paths.get(key)
        known = None if spelled is None else self._known[spelled]
        if spelled is not None and spelled != path:
            self._forgotten.append(spelled)
        if there is None:
            self._copies.append(Copy(path, stamp, replaces=None, keep_old=False))
        elif known is not None:
            self._compare_known(path, stamp, self._target.files[there], known)
        elif same(stamp, self._target.files[there]):
            self._adopt(path, stamp, self._target.files[there])
        else:
            self._copies.append(Copy(path, stamp, self._target.files[there], keep_old=True))

    def _compare_known(self, path: str, stamp: Stamp, there: Stamp, known: Known) -> None:
        settled = known.settled or not self._from_live
        source_changed = not (settled and same(stamp, known.source))
        target_changed = not same(there, known.target)
        if not source_changed and not target_changed:
            if path not in self._known:
                self._adopted.append((path, known))
        elif settled and same(stamp, there):
            self._adopt(path, stamp, there)
        elif source_changed or self._from_live:
            keep_old = target_changed or not _short_lived(known.source, stamp)
            self._copies.append(Copy(path, stamp, there, keep_old))
        else:
            self._kept_changed.append(path)

    def _adopt(self, path: str, stamp: Stamp, there: Stamp) -> None:
        settled = not self._source.is_blurred(stamp)
        self._adopted.append((path, Known(stamp, there, settled)))

    def compare_targets(self) -> None:
        for key, path in self._target_files.items():
            if key in self._seen or self._unseen.cover(key):
                continue
            known = self._known.get(self._known_paths.get(key, ""))
            if known is None:
                self._kept_target_only.append(path)
            elif same(self._target.files[path], known.target):
                self._deletions.append(path)
            else:
                self._kept_changed.append(path)
        for key, path in self._known_paths.items():
            if key not in self._seen and key not in self._target_files:
                self._forget(key, path)

    def _forget(self, key: str, path: str) -> None:
        # What could not be looked at may still be there.
        if not self._unseen.cover(key) and not self._no_entry.cover(key):
            self._forgotten.append(path)

    def _directories(self) -> list[str]:
        wanted: dict[str, str] = {}
        for path in sorted(self._source.directories):
            key = self._key(path)
            if key in self._target_directories or key in wanted:
                continue
            reason = self._directory_obstacle(f"{key}/")
            if reason is None:
                wanted[key] = path
            else:
                self._blocked.append(Skipped(path, reason))
        return list(wanted.values())

    def _empty_directories(self) -> list[str]:
        at_source = {self._key(path) for path in self._source.directories}
        gone = {
            above
            for path in self._deletions
            for above in _ancestors(path)
            if above in self._target.directories
            and self._key(above) not in at_source
            and not self._unseen.cover(self._key(above))
        }
        return sorted(gone, reverse=True)

    def plan(self, cap_percent: int | None) -> Plan:
        directories = self._directories()
        withheld = None
        if cap_percent is not None:
            withheld = deletion_refusal(len(self._deletions), len(self._known), cap_percent)
        return Plan(
            make_directories=tuple(directories),
            copies=tuple(self._copies),
            deletions=tuple(self._deletions),
            empty_directories=tuple(self._empty_directories()),
            adopted=tuple(self._adopted),
            forgotten=tuple(self._forgotten),
            kept_target_only=tuple(self._kept_target_only),
            kept_changed=tuple(self._kept_changed),
            skipped=self._source.skipped,
            blocked=tuple(self._blocked),
            withheld=withheld,
        )


def _short_lived(old: Stamp, new: Stamp) -> bool:
    return 0 <= new.mtime_ns - old.mtime_ns < SHORT_LIVED_NS
