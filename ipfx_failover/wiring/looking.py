"""What `status` reads, as lightly as can be."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock, SystemLocalTime
from ipfx_failover.adapters.paths import places
from ipfx_failover.config.defaults import PING_INTERVAL_MS
from ipfx_failover.config.find import find
from ipfx_failover.config.outline import Outline, Watched, read_outline, state_dir_of_broken
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.errors import Refused
from ipfx_failover.report.drawing import draw
from ipfx_failover.snapshot import aged, read_snapshot
from ipfx_failover.standin.record import MachineRecord
from ipfx_failover.standin.restoring import noted
from ipfx_failover.state.creation import empty
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.reading import Reading
from ipfx_failover.state.store import DATABASE, Store
from ipfx_failover.wiring.boot import boot_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.clock import Clock
    from ipfx_failover.records import StandIn
    from ipfx_failover.report.values import ServerReport, StatusReport

LOCKS = "locks"
"""The directory of the locks below `state_dir`."""
CONFIG_IN_USE = "config-in-use.toml"
"""The config of the monitor that ran last, in `state_dir`. Only its owner may read it."""


def look(config_path: Path | None) -> StatusReport:
    """The status now: from the store where we may open it, else from the monitor's snapshot.

    Raises:
        UsageError: there is no config, or it is wrong where it matters here.
        Refused: this user may open neither.
        InDoubt: the store is damaged.
    """
    clock = SystemClock()
    outline = outline_at(config_path)
    try:
        with closing(open_to_read(outline.state_dir)) as store:
            return drawn(outline, store, clock)
    except Refused:
        snapshot = from_snapshot(outline, clock)
        if snapshot is not None:
            return snapshot
        if outline.problem is not None:
            raise outline.problem from None
        raise


def drawn(outline: Outline, store: Reading, clock: Clock) -> StatusReport:
    """The status, from the store."""
    held, local = Locks(outline.state_dir / LOCKS), SystemLocalTime()
    return draw(outline, store, held, clock, local, noted_at(outline.state_dir))


def noted_at(state_dir: Path) -> StandIn | None:
    """The stand-in that the machine's note tells of, which needs no disk."""
    try:
        return noted(_machine_record(), state_dir)
    except (OSError, Refused):
        return None  # who may not ask which boot it is


def _machine_record() -> MachineRecord:
    return MachineRecord(places(os.environ).machine_dir, boot_id())


def from_snapshot(outline: Outline, clock: Clock) -> StatusReport | None:
    """The status for who may not open the store; None when there is no snapshot."""
    snapshot = read_snapshot(outline.state_dir)
    if snapshot is None:
        return None
    shown = aged(snapshot, clock.now())
    if outline.warning is None or shown.monitor.running:
        return shown  # a running monitor has told of the config itself
    return replace(shown, advice=(*shown.advice, outline.warning))


def open_to_read(state_dir: Path) -> Reading:
    """The store; the caller closes it. Who only looks makes none, which would then be theirs."""
    return Store(state_dir) if _has_store(state_dir) else Reading(empty(), state_dir / DATABASE)


def _has_store(state_dir: Path) -> bool:
    try:
        return (state_dir / DATABASE).exists()
    except PermissionError:
        return True  # opening it will say so


def outline_at(config_path: Path | None) -> Outline:
    """What has to be known of the config to look; of a broken one what was known before.

    Who needs this at night must not be kept from it by a typo in the file.

    Raises:
        UsageError: there is no config, or it is wrong where it matters here.
    """
    file = find(config_path, environ=os.environ)
    outline = read_outline(file, os.environ)
    if outline is not None:
        return outline
    from ipfx_failover.wiring.site import open_site

    try:
        return open_site(file).outline
    except ConfigError as error:
        known = _known_before(file)
        if known is None:
            raise
        return replace(known, problem=error)


def outline_told(config_path: Path | None, say: Callable[[str], object]) -> Outline:
    """As `outline_at`; `say` is told of a config that is broken."""
    outline = outline_at(config_path)
    if outline.warning is not None:
        say(f"warning: {outline.warning}")
    return outline


def _known_before(file: Path) -> Outline | None:
    """What the state of an installation tells of its config; None where there is no state."""
    state_dir = state_dir_of_broken(file) or _state_dir_of_machine()
    if (in_use := read_outline(state_dir / CONFIG_IN_USE, os.environ)) is not None:
        return replace(in_use, state_dir=state_dir)
    if (snapshot := read_snapshot(state_dir)) is not None:
        return Outline(state_dir, PING_INTERVAL_MS, tuple(map(_watched, snapshot.servers)))
    return Outline(state_dir, PING_INTERVAL_MS, ()) if _has_store(state_dir) else None


def _state_dir_of_machine() -> Path:
    """Where the stand-in's state is, if there is one; else the system's place."""
    with suppress(OSError, Refused):
        if note := _machine_record().read():
            return Path(note.state_dir)
    return places(os.environ).state_dir


def _watched(server: ServerReport) -> Watched:
    """As the snapshot knows it: what it never had it does not lack."""
    return Watched(
        name=server.name,
        address=server.address,
        port=server.port,
        replicate_daily=None,
        has_database=server.database_as_of is not None,
        has_files=server.files_as_of is not None,
        is_hot=server.rows_as_of is not None,
        follows_all=server.rows_as_of is not None and server.copy_as_of == server.rows_as_of,
    )
