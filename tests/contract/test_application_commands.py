"""What only the adapter of start and stop commands does, with real processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters.application_log import ApplicationLog
from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.pid_file import PidFile, Started
from ipfx_failover.adapters.processes import identify, is_running
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.errors import Failed
from ipfx_failover.standin.application import Process
from tests.support.applications import BOOT_ID, GENEROUS_S, SHORT_S, CommandRig

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[CommandRig]:
    made = CommandRig(tmp_path)
    yield made
    made.close()


@contextlib.contextmanager
def starter(rig: CommandRig) -> Iterator[subprocess.Popen[str]]:
    """A process that starts the application, and is killed at the end."""
    argv = rig.starter("start")
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_application_outlives_the_process_that_started_it(rig: CommandRig) -> None:
    with starter(rig) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("started")
        started = [each.pid for each in rig.processes() if each.pid != process.pid]

        assert os.getsid(process.pid) not in {os.getsid(pid) for pid in started}
    application = rig.application()

    assert application.problem(rig.role, None) is None

    application.stop(rig.role, None)

    assert not rig.runs()


@pytest.mark.parametrize("record", ["kept", "lost"])
def test_a_start_that_was_killed_half_way_is_stopped_completely(
    rig: CommandRig, record: str
) -> None:
    rig.behave("silent")
    with starter(rig):
        assert wait_until((rig.directory / "starts").exists, SystemClock(), GENEROUS_S)
    if record == "lost":
        (rig.directory / "run" / "application.pid").unlink()
    rig.application().stop(rig.role, None)

    assert not rig.runs()


def test_a_start_that_was_killed_half_way_is_gone_on_with(rig: CommandRig) -> None:
    with starter(rig):
        assert wait_until((rig.directory / "starts").exists, SystemClock(), GENEROUS_S)
    (rig.directory / "run" / "application.pid").unlink(missing_ok=True)
    application = rig.application()
    process = application.start(rig.role)

    assert application.problem(rig.role, process) is None
    assert rig.starts() == 1


def test_a_daemon_without_a_trace_is_known_by_its_port(tmp_path: Path) -> None:
    rig = CommandRig(tmp_path, "--daemonise", "--leave-no-trace")
    with contextlib.closing(rig):
        process = rig.application().start(rig.role)

        assert process in {identify(each.pid) for each in rig.processes()}

        rig.application().stop(rig.role, None)

        assert not rig.runs()


def test_a_background_process_with_another_environment_is_known_by_its_session(
    rig: CommandRig,
) -> None:
    rig.without_port()
    rig.extra_settings["start"] = ("sh", "-c", 'env -i "$@" &', "sh", *rig.start)
    process = rig.application().start(rig.role)

    assert process in {identify(each.pid) for each in rig.processes()}


def test_without_a_port_it_is_ready_when_it_has_survived(rig: CommandRig) -> None:
    rig.without_port()
    application = rig.application(ready_timeout_s=SHORT_S)
    process = application.start(rig.role)

    assert process is not None
    assert application.problem(rig.role, process) is None

    rig.crash()

    assert application.problem(rig.role, process) == f"its process {process.pid} has ended"


def test_without_a_port_a_start_command_may_end_later_than_it_is_ready(rig: CommandRig) -> None:
    rig.without_port()
    gate = rig.directory / "gate"
    slow = 'gate=$1; shift; "$@" & until [ -e "$gate" ]; do sleep 0.05; done'
    rig.extra_settings["start"] = ("sh", "-c", slow, "sh", str(gate), *rig.start)
    application = rig.application()
    process = application.start(rig.role)
    assert process is not None
    gate.touch()

    assert wait_until(lambda: not is_running(process), SystemClock(), GENEROUS_S)
    assert application.problem(rig.role, process) is None


def test_without_a_port_one_that_ends_at_once_fails(rig: CommandRig) -> None:
    rig.without_port()
    rig.behave("failing")
    with pytest.raises(Failed, match="exit code 3"):
        rig.application().start(rig.role)


def test_without_a_port_a_daemon_is_ready_when_its_command_ended_well(tmp_path: Path) -> None:
    rig = CommandRig(tmp_path, "--daemonise")
    with contextlib.closing(rig):
        rig.without_port()
        process = rig.application().start(rig.role)

        assert process in {identify(each.pid) for each in rig.processes()}


def test_what_no_process_of_ours_shows_is_left_to_the_stop_command(tmp_path: Path) -> None:
    rig = CommandRig(tmp_path)
    python = (sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()")
    rig.extra_settings |= {
        "start": (*python, "{vm_dir}/started"),
        "stop": (*python, "{vm_dir}/stopped"),
        "ready_port": None,
    }
    process = rig.application().start(rig.role)
    rig.application().stop(rig.role, process)

    assert process is None
    assert (tmp_path / "stopped").exists()


def test_a_stop_command_that_fails_does_not_save_the_application(rig: CommandRig) -> None:
    process = rig.application().start(rig.role)
    rig.extra_settings["stop"] = (sys.executable, "-c", "raise SystemExit(4)")
    rig.application().stop(rig.role, process)

    assert not rig.runs()


def test_it_works_in_its_own_directory_and_gets_its_placeholders(rig: CommandRig) -> None:
    process = rig.application().start(rig.role)

    assert process is not None
    assert psutil.Process(process.pid).cmdline()[-2:] == ["--server=AKL-1", "--braces={}"]
    assert (rig.directory / "starts").read_text() == f"{process.pid} {rig.directory}\n"


def test_what_our_service_manager_told_us_is_not_passed_on(rig: CommandRig) -> None:
    rig.environ |= {"NOTIFY_SOCKET": "/run/ours", "PLAIN": "yes"}
    rig.application().start(rig.role)

    assert "NOTIFY_SOCKET" not in rig.environment()
    assert rig.environment()["PLAIN"] == "yes"


def test_a_program_that_does_not_exist_is_named(rig: CommandRig) -> None:
    rig.extra_settings["start"] = ("/opt/nothing/here", "secret")
    with pytest.raises(Failed, match="/opt/nothing/here cannot be run: No such file") as raised:
        rig.application().start(rig.role)

    assert "secret" not in f"{raised.value.message}{raised.value.hint}"
    assert not (rig.directory / "run" / "application.pid").exists()


def test_its_log_begins_anew_when_it_is_large(rig: CommandRig) -> None:
    log = rig.directory / "state" / "application.log"
    log.parent.mkdir()
    log.write_bytes(b"old\n" * (3 << 20))
    rig.application().start(rig.role)

    assert "the database is" in log.read_text()
    assert "old" not in log.read_text()
    assert (12 << 20) == log.with_name("application.log.1").stat().st_size


def test_only_this_start_is_quoted_from_the_log(rig: CommandRig) -> None:
    log = rig.directory / "state" / "application.log"
    log.parent.mkdir()
    log.write_text("an older start's last words\n")
    rig.behave("failing")
    with pytest.raises(Failed, match="no licence found") as raised:
        rig.application().start(rig.role)

    assert "older" not in raised.value.message
    assert log.read_text().startswith("an older start's last words\n")


def test_a_disk_that_takes_no_log_and_no_record_does_not_matter(rig: CommandRig) -> None:
    for name in ("state", "run"):
        (rig.directory / name).write_text("no directory can be made here")
    application = rig.application()
    process = application.start(rig.role)

    assert application.problem(rig.role, process) is None

    rig.application().stop(rig.role, None)

    assert not rig.runs()


def test_an_application_whose_words_no_disk_takes_runs_all_the_same(rig: CommandRig) -> None:
    log = rig.directory / "state" / "application.log"
    log.parent.mkdir()
    log.symlink_to("/dev/full")
    application = rig.application()
    process = application.start(rig.role)

    assert application.problem(rig.role, process) is None


def test_seeing_room_for_the_log_leaves_nothing_in_it(tmp_path: Path) -> None:
    log = tmp_path / "application.log"
    log.write_bytes(b"old\n")
    with ApplicationLog(tmp_path).begin() as file:
        file.write(b"new\n")

    assert b"old\nnew\n" == log.read_bytes()


@pytest.mark.parametrize(
    ("boot_id", "age_s"), [(BOOT_ID, 1.0), ("another-boot", 0.0)], ids=["reused", "other boot"]
)
def test_a_process_with_a_recorded_id_that_is_not_the_recorded_one_is_left_alone(
    rig: CommandRig, boot_id: str, age_s: float
) -> None:
    argv = [sys.executable, "-c", "import signal; signal.pause()"]
    with subprocess.Popen(argv, start_new_session=True) as foreign:
        now = identify(foreign.pid)
        assert now is not None
        recorded = Process(now.pid, now.created_at - age_s)
        record = PidFile(rig.directory / "run" / "application.pid", boot_id)
        record.write(Started(rig.role.server, recorded, recorded))
        rig.application().stop(rig.role, Process(now.pid, now.created_at - 1.0))

        assert foreign.poll() is None

        foreign.kill()
