"""What happened, afterwards: `log` and `history` after a real monitor in a real network."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.support.office import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Command
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

THE_FALL = ["server_suspect", "warning_count_reached", "server_failed"]


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def outside(server: FailoverServer, *argv: str) -> subprocess.Popen[str]:
    """A command with pipes of our own; its config says where the state is."""
    command = [sys.executable, "-m", "ipfx_failover", *argv, "--config", str(server.config_path)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def following_log(server: FailoverServer, *options: str) -> Command:
    """A command that follows the log, and has shown the last line of what was there."""
    command = server.start("log", "--follow", "--lines", "1", *options)
    server.wait_until_said(command, "DEMOSERVER")
    return command


def test_a_pulled_cable_stands_in_the_history(
    ready: FailoverServer, office: Office, tmp_path: Path
) -> None:
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER")
    ready.wait_for_rounds(40)
    standing = ready.run("history", "DEMOSERVER", "--json", "--plot").document
    assert monitor.stop() == 0
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    past = ready.run("history", "--json").document
    (month, *_) = (each for each in past["availability"] if each["server"] == "DEMOSERVER")
    (failover,) = past["failovers"]

    assert [("monitor", "still standing in")] == [
        (each["by"], each["ending"]) for each in standing["failovers"]
    ]
    assert ("DEMOSERVER", "monitor", "5 pings in a row failed", "stopped, failback pending") == (
        failover["server"],
        failover["by"],
        failover["why"],
        failover["ending"],
    )
    assert failover["outage_s"] > 5 * 0.05
    assert failover["stood_in_s"] > 40 * 0.05
    # Down from the first miss on; most of it served by the stand-in; a month is not a minute.
    assert 0 < month["served_ms"] < month["down_ms"] < month["watched_ms"]
    assert month["available_percent"] < month["served_percent"] < 100
    assert month["watched_percent"] < 50

    report = tmp_path / "report.html"
    ready.run("history", "--html", str(report))
    assert "5 pings in a row failed" in report.read_text("utf-8")
    assert "stood" in ready.run("history", "--plot").out


def test_a_replication_and_its_failure_stand_in_the_history(
    ready: FailoverServer, office: Office
) -> None:
    ready.run("replicate-from-live", "DEMOSERVER")
    office.pull_cable(office.primary.host)
    ready.run("replicate-from-live", "DEMOSERVER", code=4)
    runs = ready.run("history", "--json").document["replications"]
    shown = ready.run("history").out

    assert ["done", "failed"] == [run["outcome"] for run in runs][-2:]
    assert runs[-2]["size_bytes"] > 0
    assert runs[-2]["duration_s"] > 0
    assert "1 failed" in shown


def test_the_log_is_what_the_monitor_printed(ready: FailoverServer, office: Office) -> None:
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER")
    ready.wait_until_said(monitor, "stands in")
    said = [line for line in monitor.out.splitlines() if "DEMOSERVER" in line]
    log = ready.run("log", "--server", "demoserver", "--since", "1h").out.splitlines()
    graver = documents(
        ready.run("log", "--json", "--level", "warning", "--server", "DEMOSERVER").out
    )

    assert said == log[-len(said) :]
    assert THE_FALL == [each["kind"] for each in graver][:3]
    assert "info" not in {each["level"] for each in graver}
    assert log[-2:] == ready.run("log", "--server", "DEMOSERVER", "-n", "2").out.splitlines()


def test_the_log_is_followed_without_a_monitor_until_ctrl_c(ready: FailoverServer) -> None:
    following = following_log(ready, "--json")
    ready.run("suspend", "DEMOSERVER")
    ready.wait_until_said(following, "suspended")
    ready.run("resume", "DEMOSERVER")
    ready.wait_until_said(following, "resumed")
    following.send_signal(signal.SIGINT)

    assert following.wait() == 130
    assert ["suspended", "resumed"] == [each["kind"] for each in documents(following.out)][1:]
    assert following.err == ""


def test_the_log_is_followed_through_a_reset_of_the_store(ready: FailoverServer) -> None:
    following = following_log(ready)
    ready.run("suspend", "DEMOSERVER")
    ready.wait_until_said(following, "Suspended")
    database = ready.state_dir / "state.db"
    for side in ready.state_dir.glob("state.db-*"):
        side.unlink()
    database.write_bytes(b"this is no database" * 1000)
    ready.run("state", "reset", "--yes")
    ready.wait_until_said(following, "A new state store was made")
    ready.run("suspend", "DEMOSERVER")
    eventually(
        lambda: following.out.count("Suspended") == 2, "it goes on", explain=following.explain
    )

    assert following.stop() == 130


def test_a_reader_that_has_seen_enough_is_no_trouble(ready: FailoverServer) -> None:
    for _ in range(3):
        ready.run("suspend", "DEMOSERVER")
        ready.run("resume", "DEMOSERVER")
    for argv in (["log"], ["log", "--follow"], ["log", "--json"]):
        with outside(ready, *argv) as command:
            assert command.stdout is not None
            assert command.stderr is not None
            first = command.stdout.readline()
            command.stdout.close()

            assert "DEMOSERVER" in first
            assert (0, "") == (command.wait(), command.stderr.read())


def test_the_history_of_nothing_says_so(failover: FailoverServer) -> None:
    shown = failover.run("history").out

    assert "Availability: nothing is recorded yet; a monitor does so once a minute" in shown
    assert "Failovers: none" in shown
    assert "DEMOSERVER: nothing was watched" in failover.run("history", "--plot").out
    assert failover.run("log").out == ""


def test_wrong_input_is_refused_in_a_line_and_a_hint(
    failover: FailoverServer, tmp_path: Path
) -> None:
    for argv in (
        ["log", "--since", "tomorrow"],
        ["log", "--since", "1h", "--until", "2h"],
        ["log", "--follow", "--until", "1h"],
        ["log", "--server", "NOBODY"],
        ["log", "--level", "grave"],
        ["log", "--lines", "-1"],
        ["history", "NOBODY"],
        ["history", "--since", "2999-01-01"],
        ["history", "--html", str(tmp_path)],
    ):
        refused = failover.run(*argv, code=2)

        assert refused.err.count("\n") == 2, refused.explain()
        assert "hint: " in refused.err
    assert "hint" in failover.run("history", "--html", str(tmp_path / "no" / "a.html"), code=1).err


def test_who_may_not_read_the_store_is_told_whose_it_is(ready: FailoverServer) -> None:
    for argv in (["log"], ["log", "--follow"], ["history"]):
        assert "run this as the user" in ready.run(*argv, code=3, user=65534).err
