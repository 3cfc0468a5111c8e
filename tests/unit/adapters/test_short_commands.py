from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.short_commands import last_lines, run_command
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from pathlib import Path

GENEROUS_S = 60.0
PYTHON = (sys.executable, "-ISc")


def test_a_command_returns_its_exit_code_and_what_it_said() -> None:
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    ended = run_command((*PYTHON, program), timeout_s=GENEROUS_S)

    assert (3, ["out", "err"]) == (ended.exit_code, ended.output.splitlines())
    assert ended.complaint(GENEROUS_S) == "ended with exit code 3: out | err"


def test_one_that_went_well_has_no_complaint() -> None:
    ended = run_command((*PYTHON, "print('all is well')"), timeout_s=GENEROUS_S)

    assert ended.complaint(GENEROUS_S) is None


def test_one_that_is_out_of_time_is_killed_with_what_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-ISc', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "print('waiting', flush=True)\n"
        "time.sleep(600)\n"
    )
    ended = run_command((*PYTHON, program, str(pid_file)), timeout_s=3.0)
    child = int(pid_file.read_text())

    assert ended.complaint(3.0) == "did not end within 3 s: waiting"
    assert wait_until(lambda: is_gone(child), SystemClock(), GENEROUS_S)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_a_command_leaves_behind_does_not_hold_us_up() -> None:
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-ISc', 'import time; time.sleep(600)'])\n"
        "print(child.pid)\n"
    )
    ended = run_command((*PYTHON, program), timeout_s=GENEROUS_S)
    psutil.Process(int(ended.output)).kill()

    assert ended.exit_code == 0


def test_it_gets_the_environment_and_the_directory_that_it_is_given(tmp_path: Path) -> None:
    program = "import os; print(os.environ['MINE'], os.getcwd())"
    ended = run_command((*PYTHON, program), timeout_s=GENEROUS_S, env={"MINE": "x"}, cwd=tmp_path)

    assert f"x {tmp_path}" == ended.output.rstrip()


def test_a_command_that_does_not_exist_is_named() -> None:
    with pytest.raises(Failed, match=r"^/no/such cannot be run: ."):
        run_command(("/no/such", "secret"), timeout_s=GENEROUS_S)


def test_last_lines_are_the_last_five_on_one_line_without_control_characters() -> None:
    text = "1\n2\n3\r\n\n4\x1b[0m\n  5\n6\n"

    assert last_lines(text) == "2 | 3 | 4 [0m | 5 | 6"


def test_what_a_command_prints_without_end_fills_no_disk() -> None:
    """It prints until its output gets shorter."""
    program = (
        "import os, time\n"
        "before = size = 0\n"
        "while size >= before:\n"
        "    os.write(1, b'x' * 9_999 + b'\\n')\n"
        "    before, size = size, os.fstat(1).st_size\n"
        "time.sleep(0.5)\n"  # until it is short
        "print(before > 1_000_000)\n"
    )
    ended = run_command((*PYTHON, program), timeout_s=GENEROUS_S)

    assert 0 == ended.exit_code
    assert ended.output.rstrip().endswith("True")
    assert len(ended.output) <= 64 << 10
