"""What schedulers are given: crontab lines, units, and the XML of Windows Task Scheduler."""

from __future__ import annotations

import stat
import sys
import xml.etree.ElementTree as ET
from datetime import time
from pathlib import Path

import pytest

from ipfx_failover.adapters.carry_out import carry_out
from ipfx_failover.adapters.scheduling.cron import Crontab
from ipfx_failover.adapters.scheduling.task_scheduler import TASK, TaskScheduler
from ipfx_failover.adapters.scheduling.task_xml import NAMESPACE, Account, monitor_xml, task_xml
from ipfx_failover.adapters.scheduling.timer import SERVICE, TIMER, SystemdTimer
from ipfx_failover.adapters.service.unit_text import Rights
from ipfx_failover.installing import Job

JOB = Job(("/opt/a b/ipfx-failover", "--config", "/etc/100%$x.toml"), (time(1), time(3, 30, 15)))
SYSTEM = Account(None, needs_network=False)


def parsed(xml: str) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314 - our own


def tag(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def text_of(xml: str, name: str) -> list[str | None]:
    return [each.text for each in parsed(xml).iter(f"{{{NAMESPACE}}}{name}")]


def test_cron_looks_at_each_minute_that_the_config_names_and_knows_no_seconds() -> None:
    (text,) = Crontab(lambda _: "").files(JOB).values()
    lines = [line.split(" ", 5) for line in text.splitlines() if not line.startswith("#")]

    assert [line[:5] for line in lines] == [["0", "*", "*", "*", "*"], ["31", "*", "*", "*", "*"]]


def test_a_command_reaches_cron_as_one_line_that_neither_cron_nor_a_shell_changes() -> None:
    (text,) = Crontab(lambda _: "").files(JOB).values()

    assert r"""'/opt/a b/ipfx-failover' --config '/etc/100\%$x.toml'""" in text


def test_a_timer_waits_for_each_time_and_catches_up() -> None:
    files = SystemdTimer(Rights(network=False)).files(JOB)

    assert "OnCalendar=*-*-* 01:00:00\nOnCalendar=*-*-* 03:30:15\n" in files[TIMER]
    assert "Persistent=true\n" in files[TIMER]


def test_a_command_reaches_systemd_without_specifiers_and_variables() -> None:
    files = SystemdTimer(Rights(network=False)).files(JOB)
    expected = 'ExecStart="/opt/a b/ipfx-failover" --config "/etc/100%%$$x.toml"\n'

    assert expected in files[SERVICE]


def test_a_task_runs_at_each_time_catches_up_and_is_never_cut_short() -> None:
    xml = task_xml(JOB, SYSTEM)

    assert text_of(xml, "StartBoundary") == ["2026-01-01T01:00:00", "2026-01-01T03:30:15"]
    assert text_of(xml, "StartWhenAvailable") == ["true"]
    assert text_of(xml, "ExecutionTimeLimit") == ["PT0S"]


def test_the_monitor_is_started_with_the_system_and_looked_for_each_minute() -> None:
    xml = monitor_xml(("C:\\x.exe", "monitor"))
    [boot] = [each for each in parsed(xml).iter() if tag(each) == "BootTrigger"]

    assert ["PT1M"] == [each.text for each in boot.iter() if tag(each) == "Interval"]
    assert text_of(xml, "MultipleInstancesPolicy") == ["IgnoreNew"]
    assert text_of(xml, "ExecutionTimeLimit") == ["PT0S"]
    assert text_of(xml, "Arguments") == ["monitor"]


def test_arguments_of_a_task_are_quoted_as_windows_reads_them() -> None:
    job = Job(("C:\\Program Files\\x.exe", "--config", "C:\\a b\\c.toml"), (time(1),))

    assert text_of(task_xml(job, SYSTEM), "Command") == ["C:\\Program Files\\x.exe"]
    assert text_of(task_xml(job, SYSTEM), "Arguments") == ['--config "C:\\a b\\c.toml"']


@pytest.mark.parametrize(
    ("account", "user", "logon"),
    [
        (SYSTEM, "S-1-5-18", []),
        (Account("D\\svc", needs_network=False), "D\\svc", ["S4U"]),
        (Account("D\\svc", needs_network=True), "D\\svc", ["Password"]),
        (Account("D\\svc$", needs_network=False), "D\\svc$", ["Password"]),
    ],
)
def test_a_task_runs_without_a_password_unless_it_needs_the_network_as_itself(
    account: Account, user: str, logon: list[str]
) -> None:
    xml = task_xml(JOB, account)

    assert text_of(xml, "UserId") == [user]
    assert text_of(xml, "LogonType") == logon
    assert "<Password>" not in xml


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for schtasks: one task, kept in a file, shown as it was given."""
    program = tmp_path / "bin" / "schtasks"
    program.parent.mkdir()
    kept = tmp_path / "task.xml"
    program.write_text(
        f"""#!{sys.executable} -IS
import pathlib, sys
kept = pathlib.Path({str(kept)!r})
verb, arguments = sys.argv[1], sys.argv
if verb == "/Create":
    kept.write_text(pathlib.Path(arguments[arguments.index("/XML") + 1]).read_text("utf-16"))
elif not kept.exists():
    sys.exit("ERROR: The system cannot find the file specified.")
elif verb == "/Delete":
    kept.unlink()
else:
    print(kept.read_text())
"""
    )
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{program.parent}:{Path(sys.executable).parent}:/usr/bin:/bin")
    return kept


def test_a_task_is_registered_once_seen_again_and_removed(tasks: Path, tmp_path: Path) -> None:
    scheduler = TaskScheduler(SYSTEM, tmp_path / "ours", lambda _: "tonight")
    before = scheduler.state(JOB)
    carry_out(scheduler.installation(JOB).actions)
    state = scheduler.state(JOB)

    assert not before.installed
    assert (state.place, state.agrees, state.next_run) == (TASK, True, "tonight")
    assert scheduler.installation(JOB).actions == ()
    assert not scheduler.state(Job(JOB.argv, (time(2),))).agrees

    carry_out(scheduler.removal().actions)

    assert not tasks.exists()
    assert list((tmp_path / "ours").iterdir()) == []
    assert scheduler.removal().actions == ()


def test_the_file_of_a_task_is_utf16_as_it_says(tasks: Path, tmp_path: Path) -> None:
    carry_out(TaskScheduler(SYSTEM, tmp_path / "ours", lambda _: "").installation(JOB).actions)
    (file,) = (tmp_path / "ours").iterdir()

    assert tasks.exists()
    assert file.read_bytes()[:2] in {b"\xff\xfe", b"\xfe\xff"}
    assert file.read_text("utf-16").startswith('<?xml version="1.0" encoding="UTF-16"?>')


def test_a_password_is_asked_for_by_windows_never_by_us(tasks: Path, tmp_path: Path) -> None:
    account = Account("D\\svc", needs_network=True)
    plan = TaskScheduler(account, tmp_path / "ours", lambda _: "").installation(JOB)

    assert not tasks.exists()
    assert len(plan.actions) == 1
    assert "/RU D\\svc /RP *" in plan.notes[0]
