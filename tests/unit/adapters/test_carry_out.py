"""An installation that fails leaves the files as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipfx_failover.adapters.carry_out import carry_out
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.installing import DeleteFile, Run, WriteFile
from tests.unit.config.samples import as_nobody

FAILING = Run(("sh", "-c", "echo no room; exit 3"))


def test_when_a_command_fails_files_are_as_before(tmp_path: Path) -> None:
    old, gone, new = (tmp_path / name for name in ("old", "gone", "new"))
    old.write_text("old")
    gone.write_text("gone")
    with pytest.raises(Failed, match="no room"):
        carry_out([WriteFile(old, "x"), DeleteFile(gone), WriteFile(new, "y"), FAILING])

    assert (old.read_text(), gone.read_text(), new.exists()) == ("old", "gone", False)


def test_a_text_is_given_to_a_command_in_a_file_byte_for_byte(tmp_path: Path) -> None:
    text = b"\xe9t\xe9 100%\n".decode("utf-8", "surrogateescape")
    carry_out([Run(("sh", "-c", f'cat "$0" >{tmp_path}/given'), text)])

    assert (tmp_path / "given").read_bytes() == b"\xe9t\xe9 100%\n"


def test_a_file_that_may_not_be_written_is_a_refusal() -> None:
    with pytest.raises(Refused, match="/proc/none/unit cannot be changed") as refused:
        carry_out([WriteFile(Path("/proc/none/unit"), "x")])

    assert refused.value.hint == "see that /proc/none is a directory that can be written"


def test_where_it_is_a_right_that_lacks_it_is_named(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with as_nobody(), pytest.raises(Refused) as refused:
        carry_out([WriteFile(locked / "unit", "x")])

    assert refused.value.hint == "run it as root (sudo)"
