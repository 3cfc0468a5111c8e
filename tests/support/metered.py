"""A program with a meter: a MiB more of 1 GiB five times a second, until a line is typed.

`python -m tests.support.metered`
"""

from __future__ import annotations

import sys
import threading

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.cli.meter import Meter
from ipfx_failover.cli.output import Output
from ipfx_failover.progress import counted

MIB = 1 << 20


def _wait_for_line(typed: threading.Event) -> None:
    sys.stdin.readline()
    typed.set()


def main() -> None:
    typed = threading.Event()
    with Meter(Output(), SystemClock()) as meter:
        meter.line("  copy the backup")
        meter.begin("copy the backup")
        count = counted("transfer", 1024 * MIB, "bytes", meter)
        threading.Thread(target=_wait_for_line, args=[typed]).start()
        while not typed.wait(0.2):
            count(MIB)
        meter.line("  done")
    sys.stdout.write("result\n")


if __name__ == "__main__":
    main()
