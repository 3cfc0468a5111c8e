from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters.process_identity import created_at
from ipfx_failover.adapters.windows.logoff import outlive_logoff

if TYPE_CHECKING:
    from pathlib import Path

# Puts itself into a job object that lets nobody out, as some schedulers do.
IN_A_JOB = """
import ctypes, os, sys, tempfile
from ipfx_failover.adapters.processes import spawn_detached

kernel = ctypes.windll.kernel32
kernel.CreateJobObjectW.restype = ctypes.c_void_p
job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
assert kernel.AssignProcessToJobObject(job, ctypes.c_void_p(-1))
with tempfile.TemporaryFile() as output:
    argv = [sys.executable, "-c", "import time; time.sleep(1000)"]
    child, process = spawn_detached(argv, env=dict(os.environ), cwd=None, output=output)
print(process.pid, process.created_at)
"""


def test_the_application_starts_from_a_job_that_lets_nobody_out_and_outlives_its_starter() -> None:
    said = subprocess.run(
        [sys.executable, "-c", IN_A_JOB],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ).stdout.split()
    process = psutil.Process(int(said[0]))

    try:
        assert float(said[1]) == created_at(process.pid)
    finally:
        process.kill()


def test_an_ended_process_is_told_from_another_with_its_id(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL, cwd=tmp_path)
    process.wait()

    assert created_at(process.pid) is None


@pytest.mark.parametrize(("event", "is_kept"), [("CTRL_LOGOFF", 1), ("CTRL_SHUTDOWN", 0)])
def test_somebodys_logoff_is_not_told_on(event: str, is_kept: int) -> None:
    assert is_kept == outlive_logoff()({"CTRL_LOGOFF": 5, "CTRL_SHUTDOWN": 6}[event])
