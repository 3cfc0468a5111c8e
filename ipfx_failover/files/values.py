"""PURE: the values that a sync works with: direction, manifest entry, plan, result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.errors import DoneWithExceptions, Refused
from ipfx_failover.files import names

if TYPE_CHECKING:
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.files.listing import Skipped, Stamp


class Direction(Enum):
    """Which side is the source."""

    FROM_LIVE = "from-live"
    TO_LIVE = "to-live"


class Known(NamedTuple):
    """What both sides had when a file was last in sync."""

    source: Stamp
    target: Stamp
    settled: bool = True
    """False: the source may have changed once more without a sign; copy it again."""


class Copy(NamedTuple):
    """One file to copy."""

    path: str
    stamp: Stamp
    """The source's, as listed."""
    replaces: Stamp | None
    """What the target has under that name."""
    keep_old: bool
    """Whether what is replaced goes to the trash."""


@dataclass(frozen=True)
class Plan:
    """What to do, in this order; nothing of it has been done."""

    make_directories: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()
    deletions: tuple[str, ...] = ()
    empty_directories: tuple[str, ...] = ()
    """Gone at the source; to be removed after the deletions where nothing is left in them."""
    adopted: tuple[tuple[str, Known], ...] = ()
    """Alike on both sides already, but not so in the manifest."""
    forgotten: tuple[str, ...] = ()
    """In the manifest, and on neither side any more."""
    kept_target_only: tuple[str, ...] = ()
    kept_changed: tuple[str, ...] = ()
    """Changed at the target alone, which is the newer version; not overwritten, not deleted."""
    skipped: tuple[Skipped, ...] = ()
    """Left out by rule: links, devices, names that are not safe."""
    blocked: tuple[Skipped, ...] = ()
    """Wanted, and not possible: something is in the way, or could not be looked at."""
    withheld: str | None = None
    """Why the deletions must not be carried out; None when they may."""

    @property
    def is_empty(self) -> bool:
        """Whether both sides are alike as far as this direction is concerned."""
        return not (self.make_directories or self.copies or self.deletions)


@dataclass(frozen=True)
class SyncResult:
    """What a pass did."""

    direction: Direction
    copied: int
    deleted: int
    copied_bytes: int
    skipped: tuple[Skipped, ...]
    """Left out by rule: links, devices, names that are not safe."""
    failed: tuple[Skipped, ...]
    """Wanted, and not done; the next pass tries again."""
    kept_target_only: tuple[str, ...]
    kept_changed: tuple[str, ...]
    withheld: str | None
    """Why nothing was deleted, though something should have been."""
    notes: tuple[str, ...]
    duration_s: float
    withheld_deletions: tuple[str, ...] = ()
    """What should have been deleted, and is still there."""

    @property
    def problem(self) -> FailoverError | None:
        """The error to end with; None when all is in sync.

        Links and devices are left alone on purpose; files whose names are not safe are missed.
        """
        lost = [each for each in self.skipped if each.reason in names.REFUSALS]
        if self.setback is not None or not lost:
            return self.setback
        return DoneWithExceptions(
            f"{len(lost)} cannot be synced under that name, the first: {lost[0]}",
            "rename at the source what is listed",
        )

    @property
    def setback(self) -> FailoverError | None:
        """What the next pass tries again; None when nothing is left for it."""
        if self.withheld is not None:
            return Refused(
                self.withheld,
                "see them with --dry-run; if they were meant to go, sync once with "
                "--allow-deletions",
            )
        if self.failed:
            return DoneWithExceptions(
                f"{len(self.failed)} of the files could not be synced, the first: {self.failed[0]}",
                "see the list; the next sync tries again",
            )
        return None
