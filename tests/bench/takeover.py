"""Takeover: the outage that a client sees, against keepalived.

The client pings the service address every 2 ms; the switch side of the Primary's cable is pulled.
Both decide the same time after the last sign of life: keepalived (VRRPv3, adverts 100 ms,
priority 100) after 3 x 100 ms + 61 ms of skew, we after 3 pings of 100 ms interval and 61 ms
timeout. A round of each in turn, pulled at the same phase of the interval.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipfxlab.network import Network, address_in_lab
from ipfxlab.pinging import Pinging

if TYPE_CHECKING:
    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess

SERVICE = "192.168.11.1"
INTERVAL_MS = 100.0
DECISION_MS = 361.0
_CUTTER = Path(__file__).with_name("cutter.py")


@dataclass(frozen=True)
class Pulled:
    """One outage. `overhead_ms`: from the decision that is due to the first answered packet."""

    outage_ms: float
    overhead_ms: float


class Bench:
    """A switch, a gateway, a client, and on each side a pair of machines for one address."""

    def __init__(self, stack: ExitStack) -> None:
        self.network = stack.enter_context(Network())
        network = self.network
        network.add_host("gateway", "192.168.11.254/24", gateway=None)
        self.client = network.add_host("client", address_in_lab(50))

    def cutter(self, host: Host, kind: str) -> LabProcess:
        switch = self.network.switch
        process = switch.popen(
            *(switch.python, "-I", "-S", str(_CUTTER), self.network.port(host), kind),
            name=f"the cutter of {host.name}",
            with_stdin=True,
        )
        process.wait_for_line("^ready$")
        return process

    def pull(self, cutter: LabProcess, phase_ms: float) -> Pulled:
        """Pull the cable at a phase, and wait until the client is answered again."""
        pinging = Pinging(self.client, SERVICE)
        since = len(cutter.lines)
        cutter.send_line(f"{phase_ms:.3f}")
        line = cutter.wait_for_line(r"^(\d+) (\d+)$", since=since)
        trigger_ns, pulled_ns = map(int, line.groups())
        self.answered_again()
        record = pinging.stop()
        gap = max(
            (gap for gap in record.gaps if gap.first_answer_ns > pulled_ns),
            key=lambda gap: gap.outage_ns,
        )
        decision_ns = trigger_ns + DECISION_MS * 1e6
        return Pulled(gap.outage_ns / 1e6, (gap.first_answer_ns - decision_ns) / 1e6)

    def answered_again(self) -> None:
        self.client.run("sh", "-c", f"sleep 0.8; ping -c 1 -W 5 {SERVICE}", timeout_s=30)


class Ours:
    name = "ipfx-failover"

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        network = bench.network
        self.primary = network.add_host("primary", f"{SERVICE}/24")
        self.standby = network.add_host("standby", address_in_lab(2))
        self.config = self.standby.directory / "config.toml"
        self.config.write_text(self._settings(), "utf-8")
        self.monitor = self.standby.popen(
            *(sys.executable, "-m", "ipfx_failover", "monitor", "--config", str(self.config))
        )
        self.monitor.wait_for_line("Answers pings")
        self.cutter = bench.cutter(self.primary, "echo")

    def _settings(self) -> str:
        return f"""
            [failover_server]
            state_dir = "{self.standby.directory / "state"}"
            [network]
            adapter = "{self.standby.interface}"
            ping_interval_ms = {INTERVAL_MS:.0f}
            ping_timeout_ms = 61
            warning_count = 1
            failover_count = 3
            failover_count_after_reboot = 3
            [servers.PRIMARY]
            address = "{SERVICE}"
            local_vm_dir = "{self.standby.directory / "VM"}"
            assume_ip = true
            """

    def round(self, phase_ms: float) -> Pulled:
        pulled = self.bench.pull(self.cutter, phase_ms)
        since = len(self.monitor.lines)
        self._command("stop-failover", "PRIMARY", "--yes")
        self.bench.network.plug_cable(self.primary)
        self._command("resume", "PRIMARY")
        self.monitor.wait_for_line("(Answers pings|answers again)$", since=since)
        self.primary.announce(SERVICE)
        self.bench.answered_again()
        return pulled

    def _command(self, *arguments: str) -> None:
        self.standby.run(
            sys.executable, "-m", "ipfx_failover", *arguments, "--config", str(self.config)
        )

    def end(self) -> None:
        self.cutter.kill()
        self.monitor.stop()
        for host in (self.primary, self.standby):
            self.bench.network.power_off(host)


class Keepalived:
    name = "keepalived"

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        network = bench.network
        # One broadcast domain: the address is free, because our side has been switched off.
        self.primary = network.add_host("vrrp-primary", address_in_lab(11))
        self.standby = network.add_host("vrrp-standby", address_in_lab(12))
        self.daemons = [self._start(self.primary, 150), self._start(self.standby, 100)]
        self.cutter = bench.cutter(self.primary, "vrrp")
        self._await_master()

    def _start(self, host: Host, priority: int) -> LabProcess:
        config = host.directory / "keepalived.conf"
        config.write_text(
            f"""
            global_defs {{ vrrp_version 3 }}
            vrrp_instance service {{
              interface {host.interface}
              state BACKUP
              virtual_router_id 51
              priority {priority}
              advert_int 0.1
              virtual_ipaddress {{ {SERVICE}/32 }}
            }}
            """,
            "utf-8",
        )
        return host.popen("keepalived", "--dont-fork", "--log-console", f"--use-file={config}")

    def _await_master(self) -> None:
        while SERVICE not in " ".join(self.primary.held_addresses()):
            self.primary.run("sleep", "0.2")
        self.bench.answered_again()

    def round(self, phase_ms: float) -> Pulled:
        pulled = self.bench.pull(self.cutter, phase_ms)
        self.bench.network.plug_cable(self.primary)
        self._await_master()
        return pulled

    def end(self) -> None:
        self.cutter.kill()
        for daemon in self.daemons:
            daemon.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    if not shutil.which("keepalived"):
        sys.exit("keepalived is missing: apt-get install keepalived")
    phases = [INTERVAL_MS * (number + 0.5) / rounds for number in range(rounds)]
    seen: dict[str, list[Pulled]] = {Ours.name: [], Keepalived.name: []}
    with ExitStack() as stack:
        ours_bench, theirs_bench = Bench(stack), Bench(stack)
        ours, theirs = Ours(ours_bench), Keepalived(theirs_bench)
        for phase_ms in phases:
            for side in (ours, theirs):
                pulled = side.round(phase_ms)
                seen[side.name].append(pulled)
                print(
                    f"{side.name:>14}: pulled {phase_ms:5.1f} ms after a sign of life: outage "
                    f"{pulled.outage_ms:6.1f} ms, overhead {pulled.overhead_ms:5.1f} ms",
                    flush=True,
                )
        ours.end()
        theirs.end()
    print(json.dumps(_result(seen[Ours.name], seen[Keepalived.name])))


def _result(ours: list[Pulled], theirs: list[Pulled]) -> dict[str, object]:
    ratios = [a.outage_ms / b.outage_ms for a, b in zip(ours, theirs, strict=True)]
    return {
        "bench": "takeover",
        "ratio": round(statistics.median(ratios), 4),
        "overhead_ms": round(statistics.median(a.overhead_ms for a in ours), 2),
        "theirs_overhead_ms": round(statistics.median(b.overhead_ms for b in theirs), 2),
        "ours_ms": [round(a.outage_ms, 1) for a in ours],
        "theirs_ms": [round(b.outage_ms, 1) for b in theirs],
        "rounds": len(ours),
    }


if __name__ == "__main__":
    main()
