from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.pid_file import PidFile, Started
from ipfx_failover.standin.application import Process

if TYPE_CHECKING:
    from pathlib import Path

STARTED = Started("DEMO", leader=Process(12, 3.45), main=Process(13, 3.5))


def test_what_was_started_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "run" / "application.pid"
    for started in (Started("DEMO"), Started("DEMO", leader=Process(12, 3.45)), STARTED):
        PidFile(path, "boot").write(started)

        assert started == PidFile(path, "boot").read("DEMO")


def test_it_holds_for_its_server_and_its_boot_only(tmp_path: Path) -> None:
    path = tmp_path / "application.pid"
    PidFile(path, "boot").write(STARTED)

    assert PidFile(path, "boot").read("OTHER") is None
    assert PidFile(path, "next boot").read("DEMO") is None


def test_what_was_erased_is_gone(tmp_path: Path) -> None:
    file = PidFile(tmp_path / "application.pid", "boot")
    file.write(STARTED)
    file.erase()
    file.erase()

    assert file.read("DEMO") is None


@pytest.mark.parametrize("text", ["", "[]", "12", '{"boot_id": "boot"}', '{"boot_id": "boot", '])
def test_a_broken_file_is_no_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "application.pid"
    path.write_text(text)

    assert PidFile(path, "boot").read("DEMO") is None


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    file = PidFile(tmp_path / "run" / "application.pid", "boot")
    file.write(STARTED)
    file.erase()

    assert file.read("DEMO") is None
