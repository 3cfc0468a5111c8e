"""May we take over? What speaks against it, in words. Pure.

Silence is not death: our own cable may be out, our switch may be dead, or the Primary may merely
ignore pings. `limitation` looks at what was collected beside the counting and returns the reason
not to act, or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ipfx_failover.records import Mode


class Obstacle(StrEnum):
    """What kind of reason it is, for those who react to it differently."""

    INHIBITED = "inhibited"
    """The operator, or a workflow, wants no automatic failover: nothing to report."""
    ALREADY_STANDING_IN = "already standing in"
    ISOLATED = "isolated"
    VETO = "veto"


@dataclass(frozen=True, slots=True)
class Limitation:
    """Why there is no takeover, and what the operator can do."""

    obstacle: Obstacle
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class ArpEvidence:
    """What our ARP probes of the address showed (RFC 5227).

    `silent`: how many of the latest probes in a row got no answer. `mac`: who answered last, or
    asked for the address. `is_known`: whether that is the Primary's own adapter (None: not known).
    """

    silent: int
    mac: str | None = None
    is_known: bool | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """What we know of our own network. Times are monotonic nanoseconds.

    `reference_answer_ns`: the latest answer of any reference that counts; `has_reference`: whether
    there is one that has ever answered; `newest_allowed_age_ns`: older answers have expired.
    """

    carrier: bool
    has_reference: bool
    reference_answer_ns: int | None
    newest_allowed_age_ns: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A failed server, as far as taking over from it is concerned.

    `missing`: what it lacks to be stood in for, in words (no copy, no application); None if
    nothing. `interrupted`: a stand-in for it was, and waits for a human. `arp`: only where its
    address would be taken; `arp_needed`: silent probes needed.
    """

    name: str
    mode: Mode
    failback_pending: bool
    interrupted: bool
    missing: str | None
    attempts: int
    dues: int
    first_miss_ns: int | None
    arp: ArpEvidence | None
    arp_needed: int


_MOST_DOUBLINGS = 6


def limitation(
    candidate: Candidate, network: Network, standing_in: str | None, now_ns: int
) -> Limitation | None:
    """Why the Failover Server must not take over from the candidate now; None: it may.

    `standing_in`: the server whose role is being performed.
    """
    # Cut off, we can say of nobody that it is offline, standing in or not.
    return (
        _inhibited(candidate)
        or _isolated(candidate, network, now_ns)
        or _standing_in(candidate, standing_in)
        or _unable(candidate)
        or _address_in_use(candidate)
    )


def _inhibited(candidate: Candidate) -> Limitation | None:
    reason = None
    if candidate.mode is not Mode.MONITORING:
        reason = f"monitoring is {candidate.mode}"
    elif candidate.failback_pending:
        reason = "failback is pending"
    elif candidate.dues < _dues_needed(candidate.attempts):
        reason = f"{candidate.attempts} takeovers failed; waiting longer before the next"
    elif candidate.interrupted:
        reason = "the stand-in was interrupted; a human is to decide"
    return (reason and Limitation(Obstacle.INHIBITED, reason, "")) or None


def _dues_needed(attempts: int) -> int:
    """How many full counts since it last answered: 1, 2, 4 ... 64, and from then on 64 more."""
    return (1 << min(attempts, _MOST_DOUBLINGS)) * max(1, attempts - _MOST_DOUBLINGS + 1)


def _standing_in(candidate: Candidate, standing_in: str | None) -> Limitation | None:
    if standing_in is None or standing_in.casefold() == candidate.name.casefold():
        return None
    return Limitation(
        Obstacle.ALREADY_STANDING_IN,
        f"the Failover Server stands in for {standing_in}",
        f"repair {candidate.name}; only one server can be stood in for at a time",
    )


def _isolated(candidate: Candidate, network: Network, now_ns: int) -> Limitation | None:
    if not network.carrier:
        return Limitation(Obstacle.ISOLATED, "our own network cable has no carrier", "")
    if not network.has_reference:
        return None
    answer_ns = network.reference_answer_ns
    if answer_ns is None or (
        candidate.first_miss_ns is not None and answer_ns < candidate.first_miss_ns
    ):
        reason = "no reference target has answered since the server fell silent"
    elif now_ns - answer_ns > network.newest_allowed_age_ns:
        reason = "the reference targets have fallen silent too"
    else:
        return None
    return Limitation(Obstacle.ISOLATED, reason, "")


def _unable(candidate: Candidate) -> Limitation | None:
    if candidate.missing is None:
        return None
    return Limitation(
        Obstacle.VETO, candidate.missing, f"ipfx-failover failover-now {candidate.name} --plan"
    )


def _address_in_use(candidate: Candidate) -> Limitation | None:
    arp = candidate.arp
    if arp is None or arp.silent >= candidate.arp_needed:
        return None
    name = candidate.name
    if arp.mac is None:
        return Limitation(
            Obstacle.VETO,
            f"only {arp.silent} of {candidate.arp_needed} ARP probes could be sent",
            f"look at the adapter; or take over by hand: ipfx-failover failover-now {name}",
        )
    whose = {
        True: f", the adapter of {name} itself: it ignores pings but is alive",
        False: f", which is not the adapter of {name} that we knew",
        None: "",
    }[arp.is_known]
    return Limitation(
        Obstacle.VETO,
        f"its address is in use: {arp.mac} answers ARP{whose}",
        f"switch {name} off or disconnect it (fence), or take its address all the same: "
        f"ipfx-failover failover-now {name} --force",
    )
