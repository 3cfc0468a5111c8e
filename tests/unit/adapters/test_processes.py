from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.processes import (
    Family,
    end,
    handle,
    identify,
    in_words,
    is_running,
    marked,
    spawn_detached,
)
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.errors import Failed
from ipfx_failover.standin.application import Process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GENEROUS_S = 60.0
SLEEPER = (sys.executable, "-ISc", "import time; time.sleep(600)")
PARENT = (
    *(sys.executable, "-ISc"),
    "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)",
    *SLEEPER,
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with running(SLEEPER) as process:
        yield process


@contextlib.contextmanager
def running(argv: tuple[str, ...], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(argv, env={**os.environ, **more}) as process:
        family = Family(lambda: [psutil.Process(process.pid)])
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in family.members():
                    each.kill()


def has_children(process: subprocess.Popen[bytes], number: int) -> bool:
    return len(psutil.Process(process.pid).children(recursive=True)) >= number


def test_a_running_process_is_identified_again(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identify(sleeper.pid)

    assert identity is not None
    assert is_running(identity)
    assert psutil.Process(sleeper.pid) == handle(identity)


def test_a_reused_process_id_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    now = identify(sleeper.pid)
    assert now is not None

    assert not is_running(Process(now.pid, now.created_at - 0.01))


def test_a_program_that_cannot_be_run_is_named_without_its_arguments(tmp_path: Path) -> None:
    with (
        (tmp_path / "out").open("wb") as output,
        pytest.raises(Failed, match=r"^no-such-program cannot be run: .") as raised,
    ):
        spawn_detached(("no-such-program", "secret"), env={}, cwd=None, output=output)

    assert "secret" not in raised.value.hint


def test_processes_are_found_by_a_mark_in_their_environment() -> None:
    with running(SLEEPER, MARK="mine"), running(SLEEPER, MARK="yours") as other:
        # The system sets a program's environment a moment after it has begun.
        assert wait_until(
            lambda: {other.pid} == {each.pid for each in marked("MARK", "yours")},
            SystemClock(),
            GENEROUS_S,
        )


def test_a_family_has_the_descendants_of_its_seeds_and_never_us() -> None:
    with running(PARENT) as process:
        assert wait_until(lambda: has_children(process, 1), SystemClock(), GENEROUS_S)
        parent = psutil.Process(process.pid)
        ours = Family(lambda: [parent, psutil.Process()])

        assert {parent, *parent.children()} <= ours.members()
        assert psutil.Process() not in ours.members()
        assert identify(process.pid) == Family(lambda: [parent]).head()


def test_a_descendant_that_was_seen_stays_a_member_without_its_parents() -> None:
    with running(PARENT) as process:
        assert wait_until(lambda: has_children(process, 1), SystemClock(), GENEROUS_S)
        parent = psutil.Process(process.pid)
        child = parent.children()[0]
        family = Family(lambda: [parent])
        family.members()
        process.kill()
        process.wait()

        assert {child} == family.members()
        assert set() == end(family.members, SystemClock(), grace_s=GENEROUS_S)


def test_processes_are_told_by_name_and_id(sleeper: subprocess.Popen[bytes]) -> None:
    process = psutil.Process(sleeper.pid)

    assert f"{process.name()} (process {sleeper.pid})" == in_words([process])
