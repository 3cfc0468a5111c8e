"""Makes one directory tree like the other: look at both, check, plan, carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused
from ipfx_failover.files.execute import Execution, Tally
from ipfx_failover.files.names import MARKER
from ipfx_failover.files.plan import make_plan
from ipfx_failover.files.trash import expired, trash_name
from ipfx_failover.files.values import Direction, SyncResult
from ipfx_failover.progress import unreported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.files.listing import Listing
    from ipfx_failover.files.manifest import Manifest
    from ipfx_failover.files.names import Selection
    from ipfx_failover.files.ports import Tree
    from ipfx_failover.files.values import Known, Plan
    from ipfx_failover.progress import Report

LOOK_AGAIN_S = 600.0
"""After so long the target is looked at too, even if nothing changed at the source."""
RETRY_S = 60.0
"""After so long what failed is tried again, even if nothing changed at the source."""
PURGE_EVERY_S = 3600.0
_DAMAGED = ("the sync manifest was damaged and has been begun anew",)


@dataclass(frozen=True)
class SyncRules:
    """What a server's config says about its files."""

    selection: Selection
    deletion_cap_percent: int
    trash_days: int


class FileSync:
    """Keeps the files of one server alike. Used by one thread; `close` ends its connections."""

    def __init__(
        self,
        *,
        live: Tree,
        standby: Tree,
        manifest: Manifest,
        rules: SyncRules,
        clock: Clock,
        should_stop: Callable[[], bool] = lambda: False,
        report: Report = unreported,
    ) -> None:
        """`should_stop` is asked between pieces of files; the pass then ends with Interrupted."""
        self._live = live
        self._standby = standby
        self._manifest = manifest
        self._rules = rules
        self._clock = clock
        self._should_stop = should_stop
        self._report = report
        self._done_fingerprint = b""
        self._look_again_at_ns = 0
        self._purge_at_ns = 0

    def close(self) -> None:
        self._manifest.close()
        self._live.close()
        self._standby.close()

    def plan(self, direction: Direction, *, allow_deletions: bool = False) -> Plan:
        """What `run` would do now; changes nothing."""
        source, target = self._sides(direction)
        known = self._manifest.load(direction)
        looked = self._look(source)
        self._check_source(source, known)
        return self._plan(direction, looked, self._look(target), known, allow=allow_deletions)

    def run(self, direction: Direction, *, allow_deletions: bool = False) -> SyncResult:
        """One pass.

        Args:
            direction: which side is the source.
            allow_deletions: delete even more than the cap.

        Returns:
            What was done; its `problem` is the error to end with, if any.

        Raises:
            Refused: the source's root or its marker is missing: nothing was changed.
            Unreachable: a side was lost on the way.
            Failed: the target's disk is full, or cannot be written.
            Interrupted: `should_stop` said so.
        """
        source, _ = self._sides(direction)
        looked = self._look(source)
        return self._pass(direction, looked, allow=allow_deletions)

    def has_changed(self) -> bool:
        """Whether a pass from the live server has anything to look at; needs no lock."""
        return self._changed() is not None

    def run_if_changed(self) -> SyncResult | None:
        """A pass from the live server; None when nothing has changed there since the last one."""
        looked = self._changed()
        return None if looked is None else self._pass(Direction.FROM_LIVE, looked, allow=False)

    def _changed(self) -> Listing | None:
        if self._clock.monotonic_ns() >= self._look_again_at_ns:
            self._done_fingerprint = b""
        windows = self._live.windows or self._standby.windows
        return self._live.look(
            self._rules.selection, windows=windows, unless=self._done_fingerprint
        )

    def _sides(self, direction: Direction) -> tuple[Tree, Tree]:
        if direction is Direction.FROM_LIVE:
            return self._live, self._standby
        return self._standby, self._live

    def _look(self, tree: Tree) -> Listing:
        windows = self._live.windows or self._standby.windows
        looked = tree.look(self._rules.selection, windows=windows)
        assert looked is not None  # noqa: S101 - only a fingerprint to compare with makes it None
        return looked

    def _check_source(self, source: Tree, known: Mapping[str, Known]) -> None:
        # After the look, so that a disk that was unmounted in between is noticed too.
        if not source.is_there():
            raise Refused(
                f"the directory {source.location} is not there",
                "mount it, or correct vm_dir, local_vm_dir or files.path in the config",
            )
        if known and not source.has_marker():
            raise Refused(
                f"{source.location} has lost its marker file {MARKER}: it may not be mounted, or "
                f"be another disk; nothing was changed, {len(known)} files are known",
                f"mount the right one; if this is the right one, make an empty file {MARKER} in it",
            )

    def _plan(
        self,
        direction: Direction,
        looked: Listing,
        there: Listing,
        known: Mapping[str, Known],
        *,
        allow: bool,
    ) -> Plan:
        _, target = self._sides(direction)
        return make_plan(
            looked,
            there,
            known,
            direction=direction,
            target_ignores_case=target.windows,
            deletion_cap_percent=self._rules.deletion_cap_percent,
            allow_deletions=allow,
        )

    def _pass(self, direction: Direction, looked: Listing, *, allow: bool) -> SyncResult:
        began_ns = self._clock.monotonic_ns()
        source, target = self._sides(direction)
        known = self._manifest.load(direction)
        self._check_source(source, known)
        self._prepare(source, target)
        there = self._look(target)
        plan = self._plan(direction, looked, there, known, allow=allow)
        target.remove_leftovers(there.leftovers)
        tally = Tally(failed=[*plan.blocked])
        Execution(
            direction=direction,
            source=source,
            target=target,
            looked=looked,
            manifest=self._manifest,
            trash=trash_name(self._clock.now()),
            should_stop=self._should_stop,
            report=self._report,
        ).carry_out(plan, tally)
        self._purge(target)
        self._remember(direction, looked, plan, tally)
        return self._result(direction, plan, tally, began_ns)

    def _prepare(self, source: Tree, target: Tree) -> None:
        if target is self._live and not target.is_there():
            raise Refused(
                f"the directory {target.location} is not there",
                "mount it or make it on the live server, or correct vm_dir in the config",
            )
        for tree in (source, target):
            if not tree.has_marker():
                tree.prepare()

    def _purge(self, target: Tree) -> None:
        if self._clock.monotonic_ns() < self._purge_at_ns:
            return
        self._purge_at_ns = self._clock.monotonic_ns() + round(PURGE_EVERY_S * 1e9)
        for name in expired(target.trash_names(), self._clock.now(), self._rules.trash_days):
            target.purge(name)

    def _remember(self, direction: Direction, looked: Listing, plan: Plan, tally: Tally) -> None:
        if direction is not Direction.FROM_LIVE or tally.unsettled:
            self._done_fingerprint = b""
            return
        self._done_fingerprint = looked.fingerprint
        wait_s = RETRY_S if tally.failed or plan.withheld else LOOK_AGAIN_S
        self._look_again_at_ns = self._clock.monotonic_ns() + round(wait_s * 1e9)

    def _result(self, direction: Direction, plan: Plan, tally: Tally, began_ns: int) -> SyncResult:
        return SyncResult(
            direction=direction,
            copied=tally.copied,
            deleted=tally.deleted,
            copied_bytes=tally.copied_bytes,
            skipped=plan.skipped,
            failed=tuple(tally.failed),
            kept_target_only=plan.kept_target_only,
            kept_changed=plan.kept_changed,
            withheld=plan.withheld,
            notes=_DAMAGED if self._manifest.was_damaged else (),
            duration_s=(self._clock.monotonic_ns() - began_ns) / 1e9,
            withheld_deletions=plan.deletions if plan.withheld else (),
        )
