"""From addresses to servers and back: whom to probe, and what a judged round means. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ipfx_failover.decide.decisions import Round, ServerFacts
from ipfx_failover.decide.evidence import Network
from ipfx_failover.decide.liveness import Answered, AnsweredLate, Inconclusive, Missed
from ipfx_failover.decide.references import references
from ipfx_failover.monitor.prober import Targets
from ipfx_failover.records import Mode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ipfx_failover.config.models import Config
    from ipfx_failover.decide.liveness import Outcome
    from ipfx_failover.events import Event
    from ipfx_failover.monitor.prober import ProbeRound
    from ipfx_failover.net import Address
    from ipfx_failover.records import ServerState, StandIn

_AGE_IN_INTERVALS = 3


@dataclass(frozen=True)
class View:
    """The state that a round meets: what the store says, and which addresses are ours.

    `missing`: what a server lacks to be stood in for. `doubt`: why nothing of this is believed any
    more. `held`: the addresses that we took, with their adapters. `gateway`: of our adapter.
    `troubles`: what was told of copies, and is not over. It is made anew when something has
    changed, and asked every round.
    """

    config: Config
    boot_id: str
    states: Mapping[str, ServerState]
    missing: Mapping[str, str | None]
    stand_in: StandIn | None
    held: Mapping[Address, str]
    gateway: Address | None
    doubt: str | None = None
    troubles: tuple[Event, ...] = ()

    @property
    def ours(self) -> Collection[Address]:
        """The addresses that are us: whoever answers there is no proof."""
        return self.held.keys()

    @cached_property
    def probed_at(self) -> dict[str, Address]:
        """Where each server is pinged, if it is; an address that we hold is us, no proof."""
        where = {
            name: server.management_address if server.address in self.ours else server.address
            for name, server in self.config.servers.items()
            if self.states[name].mode is Mode.MONITORING
        }
        return {name: address for name, address in where.items() if address is not None}

    @cached_property
    def targets(self) -> Targets:
        configured = self.config.network.reference_targets
        always = configured or ((self.gateway,) if self.gateway else ())
        others = [address for address in always if address not in self.ours]
        arp = {
            server.address
            for name, server in self.config.servers.items()
            if server.assume_ip and self.probed_at.get(name) == server.address
        }
        return Targets(tuple(dict.fromkeys([*self.probed_at.values(), *others])), frozenset(arp))

    @cached_property
    def facts(self) -> dict[str, ServerFacts]:
        return {
            name: ServerFacts(
                name=name,
                mode=self.states[name].mode,
                failback_pending=self.states[name].failback_pending,
                missing=self.doubt or self.missing[name],
                attempts=self.states[name].attempts,
                assume_ip=server.assume_ip,
                auto_stop_failover=server.auto_stop_failover,
            )
            for name, server in self.config.servers.items()
        }

    @cached_property
    def reference_addresses(self) -> tuple[Address, ...]:
        """Who may show that our own network works; the suspect never does."""
        return self._references(None)

    def references_for(self, name: str) -> tuple[Address, ...]:
        return self._references(self.config.servers[name].address)

    def _references(self, suspect: Address | None) -> tuple[Address, ...]:
        return references(
            configured=self.config.network.reference_targets,
            gateway=self.gateway,
            primaries=self.probed_at.values(),
            suspect=suspect,
            ours=self.ours,
        )


def round_of(view: View, seen: ProbeRound, last_answers: Mapping[Address, int]) -> Round:
    """The fleet's view of a judged round; `last_answers` of every address that ever answered."""
    network = view.config.network
    age_ns = (_AGE_IN_INTERVALS * network.ping_interval_ms + network.ping_timeout_ms) * 1_000_000
    outcomes = {
        name: outcome
        for name, address in view.probed_at.items()
        if (outcome := outcome_at(address, seen)) is not None
    }
    networks: dict[str, Network] = {}
    for name, outcome in outcomes.items():
        if isinstance(outcome, Answered):
            continue  # nothing is decided about it
        answers = [last_answers[a] for a in view.references_for(name) if a in last_answers]
        networks[name] = Network(
            carrier=seen.carrier,
            has_reference=bool(answers),
            reference_answer_ns=max(answers, default=None),
            newest_allowed_age_ns=age_ns,
        )
    return Round(
        now_ns=seen.judged_ns,
        boot_id=view.boot_id,
        outcomes=outcomes,
        facts=view.facts,
        networks=networks,
        stand_in=view.stand_in,
        isolation=isolation(seen),
        any_reference_answered=bool(seen.answered),
        arp={
            name: evidence
            for name in (outcomes if seen.arp else ())
            if (evidence := seen.arp.get(view.config.servers[name].address)) is not None
        },
    )


def without(seen: ProbeRound, addresses: Collection[Address]) -> ProbeRound:
    """A round without the answers, in time or late, of some addresses."""
    if not addresses:
        return seen
    return replace(
        seen,
        answered={at: ns for at, ns in seen.answered.items() if at not in addresses},
        late={at: answer for at, answer in seen.late.items() if at not in addresses},
    )


def outcome_at(address: Address, seen: ProbeRound) -> Outcome | None:
    """What a round says of one address; None when it was not probed in it."""
    # Each look costs a hash of the address, and this runs for every server in every round.
    if (answered_ns := seen.answered.get(address)) is not None:
        return Answered(answered_ns)
    if address in seen.missed:
        if (late := seen.late.get(address)) is not None:
            return AnsweredLate(late.received_ns, late.missed_since + (not seen.is_spoilt))
        return Inconclusive() if seen.is_spoilt else Missed(seen.missed[address])
    if address in seen.refused:
        return Inconclusive()
    return None


def isolation(seen: ProbeRound) -> str | None:
    """Why our own network does not work at all, in words."""
    if not seen.carrier:
        return "the network cable has no carrier"
    if seen.refused and not seen.answered and not seen.missed:
        return next(iter(seen.refused.values()))
    return None


def with_last_answers(
    last_answers: Mapping[Address, int], seen: ProbeRound
) -> Mapping[Address, int]:
    """The latest answer of each address, after a round."""
    late = {address: answer.received_ns for address, answer in seen.late.items()}
    return {**last_answers, **late, **seen.answered}
