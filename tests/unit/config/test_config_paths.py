from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from ipfx_failover.adapters.paths import FileFacts, exposure, look, others_can_write, places
from tests.unit.config.samples import as_nobody, posix_only


def test_linux_has_its_usual_places() -> None:
    found = places({}, windows=False)

    assert Path("/etc/ipfx-failover/config.toml") == found.config_file
    assert Path("/var/lib/ipfx-failover") == found.state_dir
    assert "/var/lib/ipfx-failover/servers/%servername%/VM" == found.local_vm_dir


@pytest.mark.parametrize("variable", ["ProgramData", "PROGRAMDATA"])
def test_windows_has_them_below_program_data(variable: str) -> None:
    found = places({variable: r"D:\Data"}, windows=True)

    assert PureWindowsPath(r"D:\Data\ipfx-failover\config.toml") == PureWindowsPath(
        found.config_file
    )
    assert PureWindowsPath(r"D:\Data\ipfx-failover\state") == PureWindowsPath(found.state_dir)
    assert r"C:\VM\%servername%\VM" == found.local_vm_dir


@posix_only
@pytest.mark.parametrize(
    ("mode", "exposed", "writable"),
    [
        (0o600, False, False),
        (0o400, False, False),
        (0o640, True, False),
        (0o604, True, False),
        (0o620, True, True),
        (0o602, True, True),
    ],
)
def test_who_else_may_use_a_file_is_seen_by_path_and_by_descriptor(
    tmp_path: Path, mode: int, *, exposed: bool, writable: bool
) -> None:
    path = tmp_path / "f"
    path.touch()
    path.chmod(mode)
    with path.open() as opened:
        number = opened.fileno()

        assert (exposed, exposed) == (exposure(path) is not None, exposure(number) is not None)
        assert (writable, writable) == (others_can_write(path), others_can_write(number))


def test_what_is_at_a_path_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.touch()
    file.chmod(0o600)

    assert FileFacts("file") == look(file)
    assert FileFacts("directory") == look(tmp_path)
    assert FileFacts("missing") == look(tmp_path / "absent")
    assert FileFacts("missing") == look(file / "below")
    assert FileFacts("unreadable") == look(Path("a\0b"))


@posix_only
def test_a_device_is_neither_file_nor_directory() -> None:
    assert FileFacts("other") == look(Path("/dev/null"))


@posix_only
def test_a_file_that_this_user_must_not_read_is_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.touch()
    file.chmod(0o000)
    with as_nobody():
        found = look(file)

    assert FileFacts("unreadable") == found
