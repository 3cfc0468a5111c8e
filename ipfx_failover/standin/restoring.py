"""The stand-in that the machine's note tells of, for a store that could not be written then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.records import Authority, HeldAddress, Phase, StandIn

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.standin.record import MachineRecord, Note
    from ipfx_failover.workflow.ports import Effect


def stand_in_of(note: Note, now: datetime) -> StandIn:
    """What the machine's note says of the role, as the store would have it."""
    return StandIn(note.server, note.boot_id, now, Phase.STANDING_IN, note.address, note.adapter)


def noted(record: MachineRecord, state_dir: Path) -> StandIn | None:
    """The role of this boot and state directory that the note tells of, whatever the store says."""
    note, since = record.read(), record.written_at()
    if note is None or since is None or note.state_dir != str(state_dir):
        return None
    return stand_in_of(note, since)


def effects_of(note: Note, ports: StandInPorts) -> list[Effect]:
    """What puts it into the store."""
    now = ports.clock.now()
    effects: list[Effect] = [
        lambda tx: tx.claim_stand_in(stand_in_of(note, now)),
        lambda tx: tx.set_authority(note.server, Authority.STANDBY),
    ]
    if note.address is not None and note.adapter is not None:
        held = HeldAddress(note.address, note.adapter, note.boot_id, note.server, now)
        effects.append(lambda tx: tx.hold_address(held))
    return effects
