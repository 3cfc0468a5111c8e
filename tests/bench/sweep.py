"""Sweep: one round of pings over 2,000 hosts that all answer, against `fping -i0`.

The hosts are behind a router, so that no neighbour table limits them: another namespace that has
all their addresses. Each side has such a pair of its own, because every open ICMP socket costs the
others in its namespace. Ours is the warm socket of a running monitor, from the first send to the
moment when the last answer is in the monitor's hands. Theirs is a run of the process; what fping
itself measured, without its start, is shown beside it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.adapters.linux.icmp import LinuxEchoSocket
from tests.support.netns import CannotMakeNamespaceError, Namespace, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.net import EchoReply

HOST_COUNT = 2000
HOSTS = [IPv4Address("10.66.0.1") + number for number in range(HOST_COUNT)]
ROUTED_NETWORK = "10.66.0.0/20"
WARM_UP_ROUNDS = 2
READ_AFTER_SENDS = 32
PATIENCE_S = 1.0
# The fastest way: quiet, each host once, no retry, no gap.
FPING = ["fping", "-q", "-s", "-i0", "-r0"]


@dataclass(frozen=True)
class Round:
    elapsed_ms: float
    cpu_ms: float
    lost: int


@dataclass(frozen=True)
class Run:
    elapsed_ms: float
    net_ms: float
    lost: int


def routed_hosts(stack: ExitStack) -> Namespace:
    """The namespace of one prober; all hosts are behind the other end of its cable."""
    prober, router = Namespace(), Namespace()
    stack.callback(prober.close)
    stack.callback(router.close)
    connect(prober, "lan0", router, "lan0")
    prober.ip("address", "add", "10.65.0.1/30", "dev", "lan0")
    router.ip("address", "add", "10.65.0.2/30", "dev", "lan0")
    prober.ip("route", "add", ROUTED_NETWORK, "via", "10.65.0.2")
    router.ip("route", "add", "local", ROUTED_NETWORK, "dev", "lo")
    return prober


def in_one_go(echo: LinuxEchoSocket, number: int) -> list[EchoReply]:
    """A round as the monitor makes it."""
    echo.send_all(number)
    return echo.receive()


def one_by_one(echo: LinuxEchoSocket, number: int) -> list[EchoReply]:
    """The same round with single sends, read in between."""
    replies = []
    for count, host in enumerate(HOSTS, start=1):
        echo.send(host, number)
        if count % READ_AFTER_SENDS == 0:
            replies += echo.receive()
    return replies + echo.receive()


def our_round(
    echo: LinuxEchoSocket, number: int, make: Callable[[LinuxEchoSocket, int], list[EchoReply]]
) -> Round:
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    answered = len(make(echo, number))
    while answered < HOST_COUNT and time.perf_counter() - started_s < PATIENCE_S:
        answered += len(echo.receive())
    ended_s, ended_cpu_s = time.perf_counter(), time.process_time()
    return Round(
        elapsed_ms=(ended_s - started_s) * 1000,
        cpu_ms=(ended_cpu_s - started_cpu_s) * 1000,
        lost=HOST_COUNT - answered,
    )


def their_run(prober: Namespace, hosts_file: str) -> Run:
    with prober.entered():
        started_s = time.perf_counter()
        done = subprocess.run(
            [*FPING, "-f", hosts_file], capture_output=True, text=True, check=False
        )
        elapsed_s = time.perf_counter() - started_s
    said = done.stdout + done.stderr
    alive = re.search(r"(\d+) alive", said)
    net = re.search(r"([\d.]+) sec \(elapsed real time\)", said)
    if alive is None or net is None:
        sys.exit(f"fping said something else than expected: {said.strip()}")
    return Run(elapsed_s * 1000, float(net[1]) * 1000, HOST_COUNT - int(alive[1]))


def measure(rounds: int) -> dict[str, object]:
    ours: list[Round] = []
    single: list[Round] = []
    theirs: list[Run] = []
    with ExitStack() as stack:
        hosts_file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".hosts"))
        hosts_file.write("\n".join(str(host) for host in HOSTS))
        hosts_file.flush()
        our_side, their_side = routed_hosts(stack), routed_hosts(stack)
        with our_side.entered():
            echo = LinuxEchoSocket()
        stack.callback(echo.close)
        echo.prepare(HOSTS)
        for number in range(WARM_UP_ROUNDS + rounds):
            ours.append(our_round(echo, 2 * number, in_one_go))
            theirs.append(their_run(their_side, hosts_file.name))
            single.append(our_round(echo, 2 * number + 1, one_by_one))
    return summary(ours[WARM_UP_ROUNDS:], single[WARM_UP_ROUNDS:], theirs[WARM_UP_ROUNDS:])


def summary(
    ours: Sequence[Round], single: Sequence[Round], theirs: Sequence[Run]
) -> dict[str, object]:
    ours_ms = statistics.median(one.elapsed_ms for one in ours)
    theirs_ms = statistics.median(one.elapsed_ms for one in theirs)
    return {
        "bench": "sweep",
        "ratio": round(ours_ms / theirs_ms, 3),
        "ours_ms": round(ours_ms, 2),
        "theirs_ms": round(theirs_ms, 2),
        "theirs_net_ms": round(statistics.median(one.net_ms for one in theirs), 2),
        "ours_by_single_sends_ms": round(statistics.median(one.elapsed_ms for one in single), 2),
        "cpu_us_per_probe": round(
            statistics.median(one.cpu_ms for one in ours) * 1000 / HOST_COUNT, 2
        ),
        "lost": sum(one.lost for one in (*ours, *single)),
        "lost_by_fping": sum(one.lost for one in theirs),
        "hosts": HOST_COUNT,
        "rounds": len(ours),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A round over 2,000 hosts, against fping -i0.")
    parser.add_argument("--rounds", type=int, default=41, help="rounds of each (default 41)")
    rounds = parser.parse_args().rounds
    if shutil.which("fping") is None:
        sys.exit("fping is missing: sudo apt-get install fping")
    try:
        result = measure(rounds)
    except CannotMakeNamespaceError as error:
        sys.exit(str(error))
    print(f"ours: first send to last answer read, one warm socket; medians of {rounds} rounds")
    print(f"theirs: a run of `{' '.join(FPING)}`; net: the time that it prints itself (to 1 ms)")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
