"""The probing thread: pings every server at its interval, whatever else happens.

One thread, one ICMP socket, one ARP socket; it touches no file and no database. What it sees is
told, a `ProbeRound` for each round, judged `timeout` after its last probe was sent.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipfx_failover.decide.arp_claims import AddressClaims, counts_as_claim
from ipfx_failover.net import wait_readable
from ipfx_failover.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfx_failover.clock import Clock
    from ipfx_failover.decide.evidence import ArpEvidence
    from ipfx_failover.net import Address, ArpSocket, EchoReply, EchoSocket, Readable, Wait

_ROUNDS_REMEMBERED = 64
_RELEARN_MAC_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Targets:
    """Whom to probe: `ping` by ICMP; `arp` are those whose address we would take."""

    ping: tuple[Address, ...] = ()
    arp: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class LateAnswer:
    received_ns: int
    missed_since: int


@dataclass(frozen=True, slots=True)
class ProbeRound:
    """One judged round, by address; times are monotonic nanoseconds.

    `missed`: when the unanswered probe was sent; `sent`: when each was. `refused`: the system would
    not send, and why.
    `is_spoilt`: our own stall made the judgement late, so a miss means nothing.
    """

    judged_ns: int
    carrier: bool
    answered: Mapping[Address, int]
    missed: Mapping[Address, int]
    late: Mapping[Address, LateAnswer]
    refused: Mapping[Address, str]
    is_spoilt: bool
    arp: Mapping[Address, ArpEvidence] = field(default_factory=dict)
    sent: Mapping[Address, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Sent:
    """A round that is under way."""

    number: int
    judge_ns: int
    sent: dict[Address, int] = field(default_factory=dict)
    refused: dict[Address, str] = field(default_factory=dict)
    answered: dict[Address, int] = field(default_factory=dict)


class Prober:
    """Probes until stopped. `carrier` reads the cable of our own adapter."""

    def __init__(
        self,
        *,
        echo: EchoSocket,
        arp: ArpSocket | None,
        carrier: Callable[[], bool],
        clock: Clock,
        interval_ms: int,
        timeout_ms: int,
        tell: Callable[[ProbeRound], None],
        wait: Wait = wait_readable,
    ) -> None:
        self._echo = echo
        self._arp = arp
        self._carrier = carrier
        self._clock = clock
        self._interval_ns = interval_ms * 1_000_000
        self._timeout_ns = timeout_ms * 1_000_000
        # An ARP answer takes a millisecond; a patience beyond the interval would leave no probe
        # of the last rounds to count.
        self._arp_timeout_ns = min(self._timeout_ns, self._interval_ns)
        self._tell = tell
        self._wait = wait
        self._targets = Targets()
        self._wanted = Targets()
        self._number = 0
        self._next_send_ns: int | None = None
        self._under_way: deque[_Sent] = deque()
        self._late: dict[Address, LateAnswer] = {}
        self._well: set[Address] = set()
        self._missed_in: dict[Address, deque[int]] = {}
        self._claims: dict[Address, AddressClaims] = {}
        self._learnt_ns: dict[Address, int] = {}
        self._stop = threading.Event()
        self._waker = Waker()

    def aim(self, targets: Targets) -> None:
        """Probe these from the next round on; may be called from any thread."""
        self._wanted = targets

    def stop(self) -> None:
        """Let `run` end; may be called from any thread."""
        self._stop.set()
        self._waker.wake()

    def run(self) -> None:
        """Probe until `stop`."""
        try:
            while not self._stop.is_set():
                self.turn()
        finally:
            self.close()

    def close(self) -> None:
        """Close its sockets."""
        self._waker.close()
        self._echo.close()
        if self._arp is not None:
            self._arp.close()

    def turn(self) -> None:
        """Judge the round whose time has come, or send the next; else wait for what is first.

        A judgement never waits for a round that takes longer to send than the interval.
        """
        now_ns = self._clock.monotonic_ns()
        if self._next_send_ns is None:
            self._next_send_ns = now_ns
        if self._under_way and now_ns >= self._under_way[0].judge_ns:
            self._judge()
        elif now_ns >= self._next_send_ns:
            self._send_round()
            # After a stall the missed rounds are gone; a burst would prove nothing.
            self._next_send_ns = max(
                self._next_send_ns + self._interval_ns, now_ns + self._interval_ns // 2
            )
        else:
            wake_ns = min([self._next_send_ns, *(sent.judge_ns for sent in self._under_way)])
            self._read_until(wake_ns - now_ns)

    def _read_until(self, duration_ns: int) -> None:
        sockets: list[Readable] = [self._waker, self._echo]
        if self._arp is not None:
            sockets.append(self._arp)
        ready = self._wait(sockets, duration_ns / 1e9)
        if self._echo in ready:
            self._read_echo()
        if self._arp is not None and self._arp in ready:
            self._read_arp()

    def _send_round(self) -> None:
        self._take_aim()
        self._number += 1
        under_way = _Sent(self._number, self._clock.monotonic_ns() + self._timeout_ns)
        self._under_way.append(under_way)
        for address, sent_ns in zip(
            self._targets.ping, self._echo.send_all(self._number), strict=True
        ):
            if sent_ns is None:
                under_way.refused[address] = self._echo.refusal or "the system would not send"
            else:
                under_way.sent[address] = sent_ns
        last_ns = max(under_way.sent.values(), default=self._clock.monotonic_ns())
        under_way.judge_ns = last_ns + self._timeout_ns
        # It reads between its sends: what is read already does not wake anybody.
        self._read_echo()

    def _take_aim(self) -> None:
        wanted = self._wanted
        if wanted is self._targets:
            return
        self._targets = wanted
        self._echo.prepare(wanted.ping)
        self._claims = {
            address: self._claims.get(address, AddressClaims()) for address in wanted.arp
        }
        self._missed_in = {
            address: self._missed_in.get(address, deque(maxlen=_ROUNDS_REMEMBERED))
            for address in wanted.ping
        }
        if self._arp is not None:
            for address in wanted.arp:
                self._arp.prepare(address)

    def _read_echo(self) -> None:
        for reply in self._echo.receive():
            for under_way in self._under_way:
                if under_way.number == reply.sequence:
                    under_way.answered[reply.address] = reply.received_ns
                    break
            else:
                self._answered_late(reply)

    def _answered_late(self, reply: EchoReply) -> None:
        missed_in = self._missed_in.get(reply.address)
        if missed_in is None:
            return
        missed_since = sum(number > reply.sequence for number in missed_in)
        known = self._late.get(reply.address)
        if known is None or missed_since <= known.missed_since:
            self._late[reply.address] = LateAnswer(reply.received_ns, missed_since)

    def _read_arp(self) -> None:
        if self._arp is None:
            return
        for packet in self._arp.receive():
            address = packet.target_ip if packet.is_probe else packet.sender_ip
            claims = self._claims.get(address)
            if claims is None:
                continue
            mac = packet.sender_mac
            if counts_as_claim(
                is_probe=packet.is_probe,
                mac=mac,
                known_mac=claims.known_mac,
                our_mac=self._arp.mac,
            ):
                well = address in self._well and not packet.is_probe
                self._claims[address] = claims.claimed(mac, packet.received_ns, well=well)

    def _judge(self) -> None:
        # While it is still under way: what lies in the socket came in time.
        self._read_echo()
        self._read_arp()
        under_way = self._under_way.popleft()
        now_ns = self._clock.monotonic_ns()
        missed = {
            address: sent_ns
            for address, sent_ns in under_way.sent.items()
            if address not in under_way.answered
        }
        is_spoilt = now_ns - under_way.judge_ns > self._timeout_ns
        self._remember(under_way, missed if not is_spoilt else ())
        late, self._late = self._late, {}
        if self._stop.is_set():
            return  # another one probes already, and counts afresh
        self._tell(
            ProbeRound(
                judged_ns=now_ns,
                carrier=self._carrier(),
                answered=under_way.answered,
                missed=missed,
                late=late,
                refused=under_way.refused,
                is_spoilt=is_spoilt,
                arp={
                    address: self._claims[address].evidence(now_ns, self._arp_timeout_ns)
                    for address in self._claims
                    if address in missed
                },
                sent=under_way.sent,
            )
        )
        self._ask_by_arp(missed, under_way.answered, now_ns)

    def _remember(
        self, under_way: _Sent, missed: Sequence[Address] | Mapping[Address, int]
    ) -> None:
        self._well.update(under_way.answered)
        self._well.difference_update(missed)
        for address in under_way.answered:
            if address in self._missed_in:
                self._missed_in[address].clear()
        for address in missed:
            if address in self._missed_in:
                self._missed_in[address].append(under_way.number)

    def _ask_by_arp(
        self, missed: Mapping[Address, int], answered: Mapping[Address, int], now_ns: int
    ) -> None:
        """Ask for each silent address; and for each that is well, now and then, to know its MAC.

        Not with a probe: a Primary that returns would not take its address while it hears ours.
        """
        if self._arp is None:
            return
        for address, claims in self._claims.items():
            if address in missed:
                if self._arp.ask(address):
                    self._claims[address] = claims.probed(self._clock.monotonic_ns())
            elif address in answered:
                self._claims[address] = claims.fresh()
                if now_ns - self._learnt_ns.get(address, -_RELEARN_MAC_NS) >= _RELEARN_MAC_NS:
                    self._learnt_ns[address] = now_ns
                    self._arp.ask(address)
