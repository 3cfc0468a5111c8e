"""Start-up: how long a command takes to answer, against importing typer and rich.console."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPETITIONS = 25
_SETTINGS = """
[network]
ping_interval_ms = 2000
[failover_server]
state_dir = "{state_dir}"
[servers.DEMOSERVER]
address = "192.168.11.1"
local_vm_dir = "{state_dir}/VM"
[servers.SECOND]
address = "192.168.11.3"
local_vm_dir = "{state_dir}/VM2"
"""


def elapsed_ms(argv: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1e3


def main() -> None:
    program = str(Path(sys.executable).with_name("ipfx-failover"))
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "config.toml"
        config.write_text(_SETTINGS.format(state_dir=directory), "utf-8")
        commands = {
            "peer": [sys.executable, "-c", "import typer, rich.console"],
            "version": [program, "--version"],
            "help": [program, "--help"],
            "status": [program, "status", "--config", str(config)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for argv in commands.values():
            elapsed_ms(argv)  # byte code and page cache, for all alike
        for _ in range(REPETITIONS):
            for name, argv in commands.items():
                times[name].append(elapsed_ms(argv))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:>8}: {median:6.1f} ms, {median / medians['peer']:.2f} of the peer")
    result = {"bench": "startup", "ratio": round(medians["status"] / medians["peer"], 3)}
    result |= {f"{n}_ratio": round(medians[n] / medians["peer"], 3) for n in medians if n != "peer"}
    print(json.dumps(result | {f"{n}_ms": round(medians[n], 1) for n in medians}))


if __name__ == "__main__":
    main()
