"""Processes as POSIX has them: sessions, signals, and children that ended and were not reaped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.processes import (
    Family,
    end,
    handle,
    identify,
    is_running,
    spawn_detached,
)
from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.adapters.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

GENEROUS_S = 60.0
PYTHON = (sys.executable, "-ISc")


def test_a_process_that_ended_is_not_identified_even_before_it_is_reaped() -> None:
    with subprocess.Popen((*PYTHON, "import signal; signal.pause()")) as process:
        identity = identify(process.pid)
        assert identity is not None
        os.kill(process.pid, signal.SIGKILL)

        assert wait_until(lambda: not is_running(identity), SystemClock(), GENEROUS_S)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        assert identify(process.pid) is None
        assert handle(identity) is None


def test_a_spawned_process_leads_its_own_session_and_writes_where_it_was_told(
    tmp_path: Path,
) -> None:
    program = "import os; print(os.getsid(0) == os.getpid(), os.getcwd(), os.environ['MINE'])"
    with (tmp_path / "out").open("wb") as output:
        child, _ = spawn_detached(
            (sys.executable, "-ISc", program), env={"MINE": "x"}, cwd=tmp_path, output=output
        )

    assert wait_until(lambda: child.poll() is not None, SystemClock(), GENEROUS_S)
    assert f"True {tmp_path} x\n" == (tmp_path / "out").read_text()


def test_a_spawned_process_leaves_no_zombie(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as output:
        child, _ = spawn_detached((sys.executable, "-ISc", ""), env={}, cwd=None, output=output)

    assert wait_until(lambda: not psutil.pid_exists(child.pid), SystemClock(), GENEROUS_S)


def test_whoever_does_not_end_when_asked_is_killed() -> None:
    program = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen((*PYTHON, program), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            family = Family(lambda: [psutil.Process(process.pid)])

            assert set() == end(family.members, SystemClock(), grace_s=0.05)
        finally:
            process.kill()


def test_a_command_that_was_ended_by_a_signal_says_so() -> None:
    ended = run_command((*PYTHON, "import os; os.kill(os.getpid(), 9)"), timeout_s=GENEROUS_S)

    assert ended.complaint(GENEROUS_S) == "was ended by signal 9"
