"""Idle: what a monitor of 100 servers costs, its workers included.

100 hosts answer pings at the default interval of 2 s, for 60 s; the files of ten of them are kept
in sync by the monitor's worker (transport "path").
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
from ipfxlab.network import Network, address_in_lab

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = 100
SYNCED = 10
_FILES_EACH = 100


def settings(directory: Path, adapter: str) -> str:
    """A config of 100 servers, with directories to sync for the first ten."""
    text = f'[failover_server]\nstate_dir = "{directory / "state"}"\n[network]\n'
    text += f'adapter = "{adapter}"\nreference_targets = ["192.168.11.254"]\n'
    for number in range(1, SERVERS + 1):
        text += (
            f"[servers.SERVER{number}]\n"
            f'address = "10.66.0.{number}"\nlocal_vm_dir = "{directory / "VM" / str(number)}"\n'
        )
        if number <= SYNCED:
            live = directory / "live" / str(number)
            mail = live / "Mail"
            mail.mkdir(parents=True)
            for message in range(_FILES_EACH):
                (mail / f"{message}.wav").write_bytes(b"RIFF")
            text += f'[servers.SERVER{number}.files]\ntransport = "path"\npath = "{live}"\n'
    return text


def family(pid: int) -> list[psutil.Process]:
    """The monitor and its workers."""
    monitor = psutil.Process(pid)
    return [monitor, *monitor.children(recursive=True)]


def cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        gateway = network.add_host("gateway", "192.168.11.254/24", gateway=None)
        gateway.ip("route add local 10.66.0.0/24 dev lo")
        standby = network.add_host("standby", address_in_lab(2))
        config = standby.directory / "config.toml"
        config.write_text(settings(standby.directory, standby.interface), "utf-8")
        command = (sys.executable, "-m", "ipfx_failover", "monitor", "--config", str(config))
        monitor = standby.popen(*command)
        for number in range(1, SERVERS + 1):
            monitor.wait_for_line(f"SERVER{number}: Answers pings")
        time.sleep(10)  # the first sync of the files is work, not idling
        processes = family(monitor.pid)
        before_s, started = cpu_s(processes), time.monotonic()
        time.sleep(seconds)
        elapsed_s = time.monotonic() - started
        used_s = cpu_s(processes) - before_s
        rss_mib = sum(process.memory_info().rss for process in processes) / 2**20
        monitor.stop()
    result = {
        "bench": "idle",
        "rss_mib": round(rss_mib, 1),
        "cpu_percent": round(100 * used_s / elapsed_s, 2),
        "processes": len(processes),
        "servers": SERVERS,
        "seconds": round(elapsed_s, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
