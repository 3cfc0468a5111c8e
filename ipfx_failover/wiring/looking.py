"""What `status` reads, as lightly as can be."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock, SystemLocalTime
from ipfx_failover.adapters.paths import places
from ipfx_failover.config.find import find
from ipfx_failover.config.outline import outline_of, read_outline, state_dir_of_broken
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.errors import Refused
from ipfx_failover.report import draw
from ipfx_failover.snapshot import aged, read_snapshot
from ipfx_failover.standin.record import MachineRecord
from ipfx_failover.standin.restoring import noted
from ipfx_failover.state.creation import empty
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.reading import Reading
from ipfx_failover.state.store import DATABASE, Store
from ipfx_failover.wiring.boot import boot_id

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.outline import Outline
    from ipfx_failover.records import StandIn
    from ipfx_failover.report import StatusReport

LOCKS = "locks"
"""The directory of the locks below `state_dir`."""


def look(config_path: Path | None) -> StatusReport:
    """The status now: from the store where we may open it, else from the monitor's snapshot.

    The snapshot also serves while the config on disk is broken, and the monitor goes on with the
    one before.

    Raises:
        UsageError: there is no config, or it is wrong where it matters here.
        Refused: this user may open neither.
        InDoubt: the store is damaged.
    """
    clock = SystemClock()
    try:
        outline = outline_at(config_path)
    except ConfigError:
        if (seen := _seen_by_monitor(config_path, clock)) is not None:
            return seen
        raise
    try:
        with closing(open_to_read(outline.state_dir)) as store:
            return drawn(outline, store, clock)
    except Refused:
        snapshot = from_snapshot(outline, clock)
        if snapshot is None:
            raise
        return snapshot


def drawn(outline: Outline, store: Reading, clock: Clock) -> StatusReport:
    """The status, from the store."""
    held, local = Locks(outline.state_dir / LOCKS), SystemLocalTime()
    return draw(outline, store, held, clock, local, noted_at(outline.state_dir))


def noted_at(state_dir: Path) -> StandIn | None:
    """The stand-in that the machine's note tells of, which needs no disk."""
    machine_dir = places(os.environ).machine_dir
    try:
        return noted(MachineRecord(machine_dir, boot_id()), state_dir)
    except (OSError, Refused):
        return None  # who may not ask which boot it is


def from_snapshot(outline: Outline, clock: Clock) -> StatusReport | None:
    """The status for who may not open the store; None when there is no snapshot."""
    snapshot = read_snapshot(outline.state_dir)
    return None if snapshot is None else aged(snapshot, clock.now())


def _seen_by_monitor(config_path: Path | None, clock: Clock) -> StatusReport | None:
    """What a running monitor has just written; None where there is none."""
    file = find(config_path, environ=os.environ)
    snapshot = read_snapshot(state_dir_of_broken(file, os.environ))
    seen = snapshot and aged(snapshot, clock.now())
    return seen if seen and seen.monitor.running else None


def open_to_read(state_dir: Path) -> Reading:
    """The store; the caller closes it. Who only looks makes none, which would then be theirs."""
    database = state_dir / DATABASE
    try:
        is_there = database.exists()
    except PermissionError:
        is_there = True  # opening it will say so
    return Store(state_dir) if is_there else Reading(empty(), database)


def outline_at(config_path: Path | None) -> Outline:
    """What has to be known of the config to look.

    Raises:
        UsageError: there is no config, or it is wrong where it matters here.
    """
    outline = read_outline(find(config_path, environ=os.environ), os.environ)
    if outline is not None:
        return outline
    from ipfx_failover.wiring.site import open_site

    return outline_of(open_site(config_path).config)
