"""The main screen beside a real monitor: an outage is seen on it, and ended from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from ipfxlab.host import NAMESPACES

from tests.support.commands import ROOT
from tests.support.office import eventually
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.failover import FailoverServer
    from tests.support.office import Office


@pytest.fixture
def terminal(ready: FailoverServer) -> Iterator[Terminal]:
    """The main screen on the Failover Server, as an operator has it."""
    enter = ["nsenter", f"--target={ready.host.init_pid}", *NAMESPACES, f"--wd={ROOT}", "--"]
    watch = ["status", "--watch", "--config", str(ready.config_path)]
    with Terminal([*enter, sys.executable, "-m", "ipfx_failover", *watch]) as terminal:
        yield terminal


def test_an_outage_is_seen_and_given_back_from_the_screen(
    ready: FailoverServer, office: Office, terminal: Terminal
) -> None:
    terminal.until("UNKNOWN     DEMOSERVER")
    ready.watching_monitor()
    terminal.until("● OK          DEMOSERVER", "monitor: process")
    office.pull_cable(office.primary.host)
    terminal.until(
        "! FAILURE     DEMOSERVER *",
        "* Stand-in: standing in for DEMOSERVER",
        "Status:              FAILURE, standing in",
        "DEMOSERVER: The Failover Server stands in",
    )
    question = ("nobody serves", "y Yes")
    terminal.type("o")
    terminal.until(*question)
    terminal.type("n")
    terminal.until("Stop Failover Server DEMOSERVER: declined; nothing was done")

    assert ready.kinds("stand_in_stopped") == []

    terminal.type("o")
    terminal.until(*question)
    terminal.type("y")
    terminal.until("stop-failover DEMOSERVER: exit code 0 (done)", "failback pending")

    assert ready.stand_in is None
    assert office.owners(office.primary.address) == []


def test_what_a_monitor_saw_that_was_killed_is_not_shown_as_if_it_were_so_now(
    ready: FailoverServer, terminal: Terminal
) -> None:
    monitor = ready.watching_monitor()
    terminal.until("● OK          DEMOSERVER")
    monitor.kill()
    seen = terminal.until("UNKNOWN     DEMOSERVER", "the last probe was at", "no monitor runs")

    assert "● OK" not in seen

    ready.watching_monitor()
    terminal.until("● OK          DEMOSERVER", "monitor: process")


def test_a_takeover_that_was_begun_goes_on_when_the_operators_line_is_cut(
    ready: FailoverServer, office: Office, terminal: Terminal
) -> None:
    office.pull_cable(office.primary.host)
    terminal.until("Ready", "DEMOSERVER")
    terminal.type("f")
    terminal.until("will take over the role of DEMOSERVER now", "y Yes")
    terminal.type("y")
    terminal.until("failover-now DEMOSERVER: running")
    terminal.hang_up()
    ready.wait_for_event("stand_in_started", "DEMOSERVER")
    eventually(
        lambda: office.owners(office.primary.address) == ["FAILOVER"], "the address is taken"
    )
    terminal.wait()


def test_what_the_command_refuses_is_shown_with_its_hint(
    ready: FailoverServer, terminal: Terminal
) -> None:
    terminal.until("Ready", "DEMOSERVER")
    terminal.type("f")
    terminal.until("error: ", "02:00:c0:a8:0b:01", "hint: ", "exit code 3 (refused)")

    assert ready.stand_in is None


def test_databases_are_replicated_both_ways_from_the_screen(
    ready: FailoverServer, office: Office, terminal: Terminal
) -> None:
    office.add_calls(office.primary, "three")
    terminal.until("Ready", "DEMOSERVER")
    terminal.type("l")
    terminal.until("DEMOSERVER will be replicated to the", "y Yes")
    terminal.type("n")
    terminal.until("Replicate from Live DEMOSERVER: declined; nothing was done")

    assert ready.rows() == ["one", "two"]

    terminal.type("l")
    terminal.until("y Yes")
    terminal.type("y")
    terminal.until("replicate-from-live DEMOSERVER: exit code 0 (done)")

    assert ready.rows() == ["one", "two", "three"]

    ready.has_stood_in("four", voicemail="Mail/4.wav")
    terminal.until("failback pending")
    terminal.type("v")
    terminal.until("Its application must not run.", "y Yes")
    terminal.type("y")
    terminal.until("replicate-to-live DEMOSERVER: exit code 0 (done)")

    assert office.rows(office.primary) == ["one", "two", "three", "four"]
    assert not ready.is_ahead
