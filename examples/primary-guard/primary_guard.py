#!/usr/bin/env python3
"""Keeps a returning Primary Server silent while somebody else performs its role.

The Primary's service address is not configured on the machine: this guard adds it, and only after
nobody answered for it (RFC 5227: three probes, and silence). It drops the address at once when the
carrier goes, or when another machine answers for it or announces it, and never fights for it. Once
the address is free again, it comes back the same careful way.

Linux, Python 3.11 or newer, standard library only; needs CAP_NET_ADMIN and CAP_NET_RAW.
"""

from __future__ import annotations

import argparse
import random
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Interface

from guard_adapter import NOBODY, REPLY, REQUEST, Adapter, Arp, Change

PROBES = 3  # PROBE_NUM of RFC 5227, section 1.1
ANNOUNCEMENTS = 2  # ANNOUNCE_NUM
HELD, FAILED, REFUSED = 0, 1, 3


class State(Enum):
    WAITING = auto()  # until it is time to probe
    PROBING = auto()
    HOLDING = auto()


@dataclass(frozen=True)
class Settings:
    """What to guard. Times in seconds."""

    interface: str
    address: IPv4Interface
    witnesses: frozenset[IPv4Address]
    probe_interval_s: float
    check_interval_s: float
    drop_on_stop: bool


class Guard:
    """The state machine. Every moment is in seconds of the monotonic clock."""

    def __init__(self, settings: Settings, adapter: Adapter) -> None:
        self.settings = settings
        self.adapter = adapter
        self.wanted = settings.address.ip
        self.stopping = False
        self._woken, self._waker = socket.socketpair()
        self.state = State.WAITING
        self._probes_left = 0
        self._announcements_left = 0
        self._witnessed = False
        self._said = ""
        self._next_s = time.monotonic()

    def say(self, text: str) -> None:
        """One line for each change, never the same twice in a row."""
        if text != self._said:
            print(f"{self.wanted} on {self.adapter.name}: {text}", flush=True)
        self._said = text

    def start(self) -> None:
        """Begins with whatever a guard before us, or the configuration, left."""
        if not self.adapter.holds(self.settings.address):
            self._wait(0)
        elif self.adapter.carrier():
            self.say("already here; watched from now on")
            self._hold(announcements=0)
        else:
            self.drop("no carrier")

    def step(self) -> None:
        """Waits for the next event or moment, and deals with it."""
        left_s = max(0.0, self._next_s - time.monotonic())
        sources = [self.adapter.arp, self.adapter.changes, self._woken]
        ready, _, _ = select.select(sources, [], [], left_s)
        if self.adapter.changes in ready:
            self._adapter_changed()
        if self.adapter.arp in ready and (packet := self.adapter.receive()):
            self._heard(packet)
        if time.monotonic() >= self._next_s:
            self._moment_came()

    def _adapter_changed(self) -> None:
        change = self.adapter.what_changed()
        if change is Change.CARRIER_LOST:
            self.drop("no carrier")
        elif change is Change.ADDRESS:
            self._look_at_the_address()

    def _look_at_the_address(self) -> None:
        held = self.adapter.holds(self.settings.address)
        if self.state is State.HOLDING and not held:
            self.say("somebody removed it; probing before it comes back")
            self._wait(0)
        elif self.state is not State.HOLDING and held:
            self.say("somebody added it; watched from now on")
            self._hold(announcements=0)

    def _heard(self, packet: Arp) -> None:
        if packet.sender in self.settings.witnesses:
            self._witnessed = True
        if packet.sender == self.wanted:
            self._conflict(packet, "is used by")
        elif packet.sender == NOBODY and packet.target == self.wanted:
            self._heard_probe(packet)

    def _heard_probe(self, packet: Arp) -> None:
        """While we hold the address, the kernel answers a foreign probe.

        Two that probe at once both step back (RFC 5227, section 2.1.1), and try again at moments of
        their own.
        """
        if self.state is State.PROBING:
            self._conflict(packet, "is probed by")

    def _conflict(self, packet: Arp, what: str) -> None:
        reason = f"{what} {packet.mac.hex(':')}"
        if self.state is State.HOLDING:
            self.drop(reason)
        elif self.state is State.PROBING:
            self.say(f"{reason}; waiting until it is free")
            self._wait(self.settings.check_interval_s * random.uniform(1, 1.5))  # noqa: S311

    def _moment_came(self) -> None:
        match self.state:
            case State.WAITING:
                self._begin_probing()
            case State.PROBING:
                self._go_on_probing()
            case State.HOLDING:
                self._keep_holding()

    def _begin_probing(self) -> None:
        if not self.adapter.carrier():
            self.say("no carrier; waiting")
            self._wait(self.settings.check_interval_s)
            return
        self.state, self._probes_left, self._witnessed = State.PROBING, PROBES, False
        self._in(self.settings.probe_interval_s * random.random())  # noqa: S311

    def _go_on_probing(self) -> None:
        if self._probes_left:
            self._probes_left -= 1
            for target in (self.wanted, *self.settings.witnesses):
                self.adapter.send(NOBODY, target)
            spread = 2.0 if not self._probes_left else random.uniform(1, 2)  # noqa: S311
            self._in(self.settings.probe_interval_s * spread)
        elif self.settings.witnesses and not self._witnessed:
            self.say("silence, but no witness answers either; waiting")
            self._wait(self.settings.check_interval_s)
        else:
            self.adapter.change("add", self.settings.address)
            self.say("nobody answered; taken")
            self._hold(announcements=ANNOUNCEMENTS)

    def _keep_holding(self) -> None:
        """Announces what is new, then asks now and again whether somebody else answers for it.

        A switch port that blocks for half a minute after the cable came back (spanning tree) makes
        every probe silent: only a later question finds the other owner.
        """
        if self._announcements_left:
            self._announcements_left -= 1
            for operation in (REQUEST, REPLY):
                self.adapter.send(self.wanted, self.wanted, operation)
            self._in(2 * self.settings.probe_interval_s)
        else:
            self.adapter.send(NOBODY, self.wanted)
            self._in(self.settings.check_interval_s)

    def drop(self, reason: str) -> None:
        if self.adapter.holds(self.settings.address):
            self.adapter.change("del", self.settings.address)
            self.say(f"{reason}; dropped")
        else:
            self.say(f"{reason}; waiting")
        self._wait(self.settings.check_interval_s)

    def _hold(self, announcements: int) -> None:
        self.state, self._announcements_left = State.HOLDING, announcements
        self._in(0)

    def _wait(self, duration_s: float) -> None:
        self.state = State.WAITING
        self._in(duration_s)

    def _in(self, duration_s: float) -> None:
        self._next_s = time.monotonic() + duration_s

    def ask_to_stop(self, *_: object) -> None:
        """Signal handler: ends the current wait, which Python would otherwise go on with."""
        self.stopping = True
        self._waker.send(b"x")

    @property
    def settled(self) -> bool:
        """The address is held, and everybody was told."""
        return self.state is State.HOLDING and not self._announcements_left

    def stop(self) -> None:
        held = self.adapter.holds(self.settings.address)
        if held and self.settings.drop_on_stop:
            self.drop("stopped")
        else:
            self.say("stopped; the address stays, unguarded" if held else "stopped; not here")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Holds a Primary Server's address only while nobody else does.",
        epilog="Exit codes: 0 held or stopped, 1 failed, 3 not taken (--once).",
    )
    parser.add_argument("interface", help="network interface, such as eth0")
    parser.add_argument("address", type=IPv4Interface, help="such as 192.168.11.1/24")
    parser.add_argument(
        "--witness",
        type=IPv4Address,
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a neighbour, such as the gateway: silence counts only when one of them answers",
    )
    parser.add_argument("--probe-interval-ms", type=int, default=1000, help="default: 1000")
    parser.add_argument("--check-interval-ms", type=int, default=5000, help="default: 5000")
    parser.add_argument("--drop-on-stop", action="store_true", help="SIGTERM drops the address")
    parser.add_argument("--once", action="store_true", help="take it if it is free, then end")
    return parser.parse_args(arguments)


def watch(guard: Guard, *, once: bool) -> int:
    guard.start()
    while not guard.stopping:
        if once and guard.settled:
            return HELD
        guard.step()
        if once and guard.state is State.WAITING:
            return REFUSED
    guard.stop()
    return HELD


def main() -> int:
    options = parse()
    settings = Settings(
        options.interface,
        options.address,
        frozenset(options.witness),
        options.probe_interval_ms / 1000,
        options.check_interval_ms / 1000,
        options.drop_on_stop,
    )
    try:
        guard = Guard(settings, Adapter(settings.interface))
        signal.signal(signal.SIGTERM, guard.ask_to_stop)
        signal.signal(signal.SIGINT, guard.ask_to_stop)
        return watch(guard, once=options.once)
    except subprocess.CalledProcessError as error:
        print(f"{settings.address.ip} on {settings.interface}: {error.stderr.strip()}", flush=True)
    except PermissionError:
        needs = "needs CAP_NET_ADMIN and CAP_NET_RAW: run it as root, or by its systemd unit"
        print(f"{settings.address.ip} on {settings.interface}: {needs}", flush=True)
    except OSError as error:
        print(f"{settings.address.ip} on {settings.interface}: {error}", flush=True)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
