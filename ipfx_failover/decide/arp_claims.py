"""What our ARP probes of an address have shown so far (RFC 5227). Pure.

Probes go out beside the pings from the first failed one on, so that the answer is known when the
decision is due. The Primary's own MAC is learnt while it is well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ipfx_failover.decide.evidence import ArpEvidence


@dataclass(frozen=True, slots=True)
class AddressClaims:
    """One address: our probes since it fell silent, and who claimed it last.

    `sent_ns`: when each probe went out. `known_mac`: the Primary's adapter, learnt while well.
    `claimed_ns`, `mac`: the latest claim of another machine.
    """

    sent_ns: tuple[int, ...] = ()
    known_mac: str | None = None
    claimed_ns: int = -1
    mac: str | None = None

    def probed(self, sent_ns: int) -> AddressClaims:
        """After a probe of ours."""
        return replace(self, sent_ns=(*self.sent_ns[-15:], sent_ns))

    def claimed(self, mac: str, at_ns: int, *, well: bool) -> AddressClaims:
        """After another machine answered, announced or asked for it; `well`: it answers pings."""
        known_mac = mac if well else self.known_mac
        return replace(self, claimed_ns=at_ns, mac=mac, known_mac=known_mac)

    def fresh(self) -> AddressClaims:
        """After it answered a ping: what was probed before does not count any more."""
        return AddressClaims(known_mac=self.known_mac)

    def evidence(self, now_ns: int, timeout_ns: int) -> ArpEvidence:
        """What speaks for and against taking it; a probe counts once `timeout_ns` has passed."""
        silent = sum(self.claimed_ns < sent <= now_ns - timeout_ns for sent in self.sent_ns)
        is_known = None if None in {self.mac, self.known_mac} else self.mac == self.known_mac
        return ArpEvidence(silent=silent, mac=self.mac, is_known=is_known)


def counts_as_claim(*, is_probe: bool, mac: str, known_mac: str | None, our_mac: str) -> bool:
    """Whether another machine's packet about an address keeps us from taking it.

    Two machines that probe for the same address at the same time hear each other: the one with
    the lower MAC goes on. The Primary's own probe always counts: it is alive.
    """
    return not is_probe or mac == known_mac or mac < our_mac
