"""A monitor for real: pings, a takeover by starting the application, and everything given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.windows.program import eventually
from tests.windows.watching import (
    applications,
    configure,
    end_applications,
    is_standing_in,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.windows.program import Program


@pytest.fixture
def watching(program: Program, tmp_path: Path) -> Iterator[Program]:
    """A monitor that watches one server that answers and one that does not."""
    configure(program, tmp_path / "state")
    program.begin("monitor")
    try:
        yield program
    finally:
        program.close()
        end_applications()


def status_of(program: Program, name: str) -> str:
    [server] = [each for each in status(program)["servers"] if each["name"] == name]
    return str(server["status"])


def test_a_server_that_fails_is_stood_in_for_and_its_role_given_back(watching: Program) -> None:
    eventually(lambda: status_of(watching, "UP") == "OK", "UP answers")
    eventually(lambda: is_standing_in(watching), "DOWN is stood in for")
    [application] = applications()
    second = watching.run("monitor")
    stopped = watching.run("stop-failover", "DOWN", "--yes")

    assert (75, True) == (second.code, "monitor is in use by process" in second.output)
    assert 0 == stopped.code, stopped.output
    assert not application.is_running()
    assert not is_standing_in(watching)


def test_a_stand_in_and_its_application_outlive_the_monitor(watching: Program) -> None:
    eventually(lambda: is_standing_in(watching), "DOWN is stood in for")
    [application] = applications()
    watching.close()
    began = application.create_time()
    watching.begin("monitor")
    eventually(lambda: status_of(watching, "UP") == "OK", "the next monitor watches")
    [still] = applications()
    stopped = watching.run("stop-failover", "DOWN", "--yes")

    assert (application.pid, began) == (still.pid, still.create_time())
    assert 0 == stopped.code, stopped.output
    assert [] == applications()
