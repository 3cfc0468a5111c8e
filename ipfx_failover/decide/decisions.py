"""What the fleet decides by, and what it decides, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipfx_failover.records import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.decide.evidence import ArpEvidence, Network
    from ipfx_failover.decide.liveness import Outcome
    from ipfx_failover.events import EventKind, Value
    from ipfx_failover.records import StandIn


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the fleet must know of a server besides its pings."""

    name: str
    mode: Mode = Mode.MONITORING
    failback_pending: bool = False
    missing: str | None = None
    attempts: int = 0
    assume_ip: bool = False
    auto_stop_failover: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of probes showed, and the state it meets.

    `outcomes` by server name; a server that was not probed is not in it. `arp` by server name.
    `networks` by server name, since no server is its own reference. `isolation`: why our own
    network does not work at all, in words.
    """

    now_ns: int
    boot_id: str
    outcomes: Mapping[str, Outcome]
    facts: Mapping[str, ServerFacts]
    networks: Mapping[str, Network]
    stand_in: StandIn | None
    isolation: str | None = None
    any_reference_answered: bool = False
    arp: Mapping[str, ArpEvidence] = field(default_factory=dict)

    def is_stand_in(self, name: str) -> bool:
        """Whether it is this server's role that is performed."""
        return self.stand_in is not None and self.stand_in.server.casefold() == name.casefold()


@dataclass(frozen=True, slots=True)
class Say:
    """Something to report."""

    kind: EventKind
    server: str | None
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Take the server's role; again after a reboot of this machine, if it was ours already."""

    server: str


@dataclass(frozen=True, slots=True)
class StopFailover:
    """The failed server is back for good: give its role back, if its application answers too."""

    server: str


@dataclass(frozen=True, slots=True)
class MarkInterrupted:
    """After a reboot of this machine the server answers: do not take it again."""

    server: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForgetAttempts:
    """The server answers: takeovers that failed before do not delay the next one."""

    server: str


Decision = Say | TakeOver | StopFailover | MarkInterrupted | ForgetAttempts
