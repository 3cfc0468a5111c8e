"""The monitor's unit: who it runs as, what it may, and how its words are quoted."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.service.unit_text import Rights, monitor_unit, word

if TYPE_CHECKING:
    from pathlib import Path

ARGV = ("/opt/ipfx-failover/bin/ipfx-failover", "monitor")


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_root_keeps_the_network_and_the_files_and_nothing_else() -> None:
    said = settings(monitor_unit(ARGV, Rights()))

    assert said["CapabilityBoundingSet"].split() == [
        *("CAP_NET_RAW", "CAP_NET_ADMIN"),
        *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"),
    ]
    assert "AmbientCapabilities" not in said


def test_a_user_gets_the_network_and_nothing_else() -> None:
    said = settings(monitor_unit(ARGV, Rights(user="ipfx")))

    assert said["User"] == "ipfx"
    assert said["CapabilityBoundingSet"] == "CAP_NET_RAW CAP_NET_ADMIN"
    assert said["AmbientCapabilities"] == "CAP_NET_RAW CAP_NET_ADMIN"


def test_what_runs_commands_of_the_operator_has_no_sandbox() -> None:
    said = settings(monitor_unit(ARGV, Rights(is_confined=False)))

    assert said["KillMode"] == "process"
    assert not {key for key in said if key.startswith(("Protect", "Restrict", "Capab"))}


def test_directories_that_the_sandbox_would_lock_are_opened() -> None:
    said = settings(monitor_unit(ARGV, Rights(writes=("/usr/local/VM", "/home/a b"))))

    assert said["ReadWritePaths"] == '-/usr/local/VM -"/home/a b"'


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("/a/b-1.toml", "/a/b-1.toml"), ("a b", '"a b"'), ('100% "', '"100%% \\""'), ("", '""')],
)
def test_a_word_is_quoted_where_it_has_to_be(text: str, quoted: str) -> None:
    assert word(text) == quoted


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ("systemd-analyze", *arguments)
    return subprocess.run(argv, check=False, capture_output=True, text=True)


def test_systemd_rates_the_unit_as_ok_and_understands_it(tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "missing: sudo apt-get install -y systemd"
    unit = tmp_path / "ipfx-failover.service"
    unit.write_text(monitor_unit(("/bin/true",), Rights(writes=("/home/a b",))))
    rated = analyzed("security", "--offline=yes", "--threshold=40", str(unit))
    verified = analyzed("verify", "--man=no", str(unit))

    assert rated.returncode == 0, rated.stdout
    assert (verified.returncode, verified.stderr) == (0, "")
