"""What sc.exe is told, and where a Windows service writes its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.service import sc_commands
from ipfx_failover.adapters.service.log_file import last_error, opened
from ipfx_failover.adapters.service.sc_commands import Wanted
from ipfx_failover.adapters.windows.service_facts import KEYS
from ipfx_failover.errors import Refused
from ipfx_failover.installing import MARK
from ipfx_failover.wiring.windows_service import hosted, require_for_all
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

ARGV = (r"C:\Program Files\Python\python.exe", "-m", "x", "--config", r"C:\ProgramData\c.toml")


def commands(wanted: Wanted, *, is_there: bool = False) -> dict[str, tuple[str, ...]]:
    """The words behind the name, by program and verb; what is optional has an `o` before it."""
    made = sc_commands.installation(wanted, KEYS, is_there=is_there)
    return {("o " if run.optional else "") + " ".join(run.argv[:2]): run.argv[3:] for run in made}


def test_a_service_starts_by_itself_as_the_system_and_again_when_it_has_failed() -> None:
    made = commands(Wanted(ARGV))
    line = r'"C:\Program Files\Python\python.exe" -m x --config C:\ProgramData\c.toml'

    assert ("binPath=", line, "start=", "auto", "obj=", "LocalSystem") == made["sc.exe create"][:6]
    assert MARK in made["sc.exe description"][0]
    assert made["sc.exe failure"][-1].startswith("restart/1000/")
    assert ("1",) == made["o sc.exe failureflag"]


def test_one_that_is_there_is_changed_and_not_made() -> None:
    made = commands(Wanted(ARGV), is_there=True)

    assert "sc.exe create" not in made
    assert "binPath=" in made["sc.exe config"]


@pytest.mark.parametrize(("is_confined", "expected"), [(True, True), (False, False)])
def test_privileges_are_taken_from_it_unless_it_runs_foreign_commands(
    *, is_confined: bool, expected: bool
) -> None:
    made = commands(Wanted(ARGV, is_confined=is_confined))

    assert expected == ("o sc.exe privs" in made)


def test_an_account_whose_password_windows_keeps_is_said_to_be_one() -> None:
    assert ("true",) == commands(Wanted(ARGV, account="D\\x$"))["o sc.exe managedaccount"]
    assert "o sc.exe managedaccount" not in commands(Wanted(ARGV))


def test_what_is_installed_for_one_user_is_refused(tmp_path: Path) -> None:
    require_for_all(tmp_path / "all" / "ipfx_failover", tmp_path / "mine")

    with pytest.raises(Refused, match="installed for you alone"):
        require_for_all(tmp_path / "mine" / "ipfx_failover", tmp_path / "mine")


def test_elsewhere_there_is_no_such_service_to_be() -> None:
    with pytest.raises(Refused, match="what Windows starts"), hosted():
        pass


def test_an_environment_goes_into_its_key() -> None:
    made = commands(Wanted(ARGV, environment=(r"A=C:\a b", "B=2")))

    assert "reg add" not in commands(Wanted(ARGV))
    assert ("/d", r"A=C:\a b\0B=2", "/f") == made["reg add"][-3:]


def test_it_is_stopped_before_it_is_removed() -> None:
    verbs = [run.argv[1] for run in sc_commands.removal(is_running=True)]

    assert ["stop", "delete"] == verbs
    assert ["delete"] == [run.argv[1] for run in sc_commands.removal(is_running=False)]


def test_errors_go_to_the_end_of_a_file_and_the_last_is_found(tmp_path: Path) -> None:
    file = tmp_path / "new" / "service.log"
    for word in ("first", "second"):
        stream = opened(file, FakeClock())
        assert stream is not None
        with stream:
            stream.write(f"error: {word}\n  hint: a\n")

    assert "second" == last_error(file)
    assert "error: first" in file.read_text()
    assert last_error(tmp_path / "none") is None


def test_an_error_of_an_earlier_run_is_none_of_this_one(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    file.write_text("error: before\n")
    stream = opened(file, FakeClock())
    assert stream is not None
    stream.close()

    assert last_error(file) is None


def test_a_file_that_has_grown_makes_place_for_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    file.write_bytes(b"x" * (1 << 20) + b"x")
    stream = opened(file, FakeClock())
    assert stream is not None
    stream.close()

    assert file.stat().st_size < 1 << 10
    assert (1 << 20) + 1 == (tmp_path / "service.1.log").stat().st_size


def test_where_no_file_can_be_written_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert opened(tmp_path / "file" / "service.log", FakeClock()) is None
