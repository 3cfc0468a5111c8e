"""Carries out a plan: directories, copies in batches, deletions last.

Small files go in batches: all are written under temporary names and flushed, then all get their
final names, then the manifest says so. Whatever happens in between, a final name stands for a
whole file, and the next pass goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.files.flow import Flow
from ipfx_failover.files.listing import Skipped
from ipfx_failover.files.ports import Placed, Staged
from ipfx_failover.files.values import Direction, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipfx_failover.files.listing import Listing
    from ipfx_failover.files.manifest import Manifest
    from ipfx_failover.files.ports import Tree
    from ipfx_failover.files.values import Copy, Plan
    from ipfx_failover.progress import Report

BATCH_FILES = 256
BATCH_BYTES = 32 << 20
RESERVE_BYTES = 64 << 20
"""Left free on the target's disk: state, logs and the database may be on it."""


@dataclass
class Tally:
    """What a pass has done so far."""

    copied: int = 0
    copied_bytes: int = 0
    deleted: int = 0
    unsettled: int = 0
    """Files that the source may have changed once more without a sign."""
    failed: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True)
class Execution:
    """Where a plan is carried out."""

    direction: Direction
    source: Tree
    target: Tree
    looked: Listing
    """The source as the plan was made from it."""
    manifest: Manifest
    trash: str
    should_stop: Callable[[], bool]
    report: Report

    def carry_out(self, plan: Plan, tally: Tally) -> None:
        """Do it; what happened is in `tally`, also when an error ends it early."""
        self.manifest.forget(plan.forgotten)
        self.manifest.record(self.direction, plan.adopted)
        tally.unsettled += sum(not known.settled for _, known in plan.adopted)
        tally.failed += self.target.make_directories(plan.make_directories)
        flow = Flow(plan.copies, self.should_stop, self.report)
        for batch in _batches(plan.copies):
            self._copy(batch, tally, flow)
        if plan.deletions and plan.withheld is None:
            flow.stop_if_wanted()
            self._delete(plan, tally)

    def _copy(self, batch: Sequence[Copy], tally: Tally, flow: Flow) -> None:
        flow.stop_if_wanted()
        _check_space(self.target, batch)
        outcomes = self.target.stage(flow.through(self.source.read(batch)))
        staged = [outcome for outcome in outcomes if isinstance(outcome, Staged)]
        tally.failed += [outcome for outcome in outcomes if isinstance(outcome, Skipped)]
        try:
            results = self.target.place(staged, self.trash)
        except Failed:
            self.target.remove_leftovers([one.temporary for one in staged])
            raise
        tally.failed += [result for result in results if isinstance(result, Skipped)]
        self._record([result for result in results if isinstance(result, Placed)], tally)

    def _record(self, placed: Sequence[Placed], tally: Tally) -> None:
        entries = [(one.copy.path, self._known(one)) for one in placed]
        self.manifest.record(self.direction, entries)
        tally.copied += len(placed)
        tally.copied_bytes += sum(one.copy.stamp.size_bytes for one in placed)
        tally.unsettled += sum(not known.settled for _, known in entries)

    def _known(self, placed: Placed) -> Known:
        # When files go back, the stand-in's application is stopped: nothing writes there.
        settled = self.direction is Direction.TO_LIVE or not self.looked.is_blurred(
            placed.copy.stamp
        )
        return Known(placed.copy.stamp, placed.stamp, settled)

    def _delete(self, plan: Plan, tally: Tally) -> None:
        failed = self.target.move_to_trash(plan.deletions, self.trash)
        kept = {skipped.path for skipped in failed}
        self.manifest.forget(path for path in plan.deletions if path not in kept)
        self.target.remove_empty(plan.empty_directories)
        tally.failed += failed
        tally.deleted += len(plan.deletions) - len(failed)


def _batches(copies: Sequence[Copy]) -> Iterator[list[Copy]]:
    batch: list[Copy] = []
    batch_bytes = 0
    for copy in copies:
        if batch and (len(batch) == BATCH_FILES or batch_bytes > BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(copy)
        batch_bytes += copy.stamp.size_bytes
    if batch:
        yield batch


def _check_space(target: Tree, batch: Sequence[Copy]) -> None:
    needed = sum(copy.stamp.size_bytes for copy in batch) + RESERVE_BYTES
    free = target.free_bytes()
    if free is not None and free < needed:
        raise Failed(
            f"the disk that holds {target.location} has {free >> 20} MiB left and needs "
            f"{needed >> 20} MiB",
            "free some space there, then sync again; what was copied so far is whole",
        )
