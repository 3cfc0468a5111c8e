"""`sync-files`, as a person and a script see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.cli.app import main

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[failover_server]
state_dir = '{0}/state'
[servers.DEMO]
address = "127.0.0.5"
local_vm_dir = '{0}/standby'
[servers.DEMO.files]
transport = "path"
path = '{0}/live'
"""


class Machine:
    """A Failover Server with the mounted files of one Primary."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.live = directory / "live" / "Mail"
        self.state = directory / "state"
        self.live.mkdir(parents=True)
        self._config = directory / "config.toml"
        self._config.write_text(CONFIG.format(directory))
        self._capsys = capsys

    def set(self, line: str) -> None:
        """Add a line to the table of its files."""
        with self._config.open("a") as config:
            config.write(line + "\n")

    def sync(self, *options: str) -> tuple[int, str, str]:
        code = main(["sync-files", "DEMO", *options, "--config", str(self._config)])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def document(self, *options: str) -> dict[str, Any]:
        (result,) = json.loads(self.sync("--json", *options)[1])["results"]
        return dict(result)


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(tmp_path, capsys)


@pytest.mark.parametrize("name", [b"a\tb.wav", b"a\\b.wav", b"a\xff.wav"])
def test_a_name_that_cannot_be_synced_is_listed_before_and_after(
    machine: Machine, name: bytes
) -> None:
    (machine.live / name.decode("utf-8", "surrogateescape")).touch()
    (machine.live / "good.wav").touch()
    dry_code, dry, _ = machine.sync("--dry-run")
    code, out, err = machine.sync()
    listed = [line for line in out.splitlines() if "not synced: Mail/a" in line]

    assert (0, 6) == (dry_code, code)
    assert len(listed) == 1
    assert listed[0] in dry.splitlines()
    assert "1 cannot be synced under that name, the first: Mail/a" in err
    assert machine.document("--dry-run")["not_synced"] == machine.document()["not_synced"]


def test_what_may_not_be_opened_is_told_once(machine: Machine) -> None:
    (machine.state / "state.db").mkdir(parents=True)
    code, _, err = machine.sync()
    _, out, _ = machine.sync("--json")

    assert (3, 1) == (code, err.count("error: "))
    assert len(out.splitlines()) == 1


def test_a_dry_run_says_that_too_many_deletions_would_be_refused(machine: Machine) -> None:
    (machine.live / "a.wav").write_bytes(b"a")
    machine.sync()
    (machine.live / "a.wav").unlink()
    machine.set("deletion_cap_percent = 0")
    refused = machine.sync("--dry-run")[1].splitlines()
    allowed = machine.sync("--dry-run", "--allow-deletions")[1].splitlines()

    assert refused[0] == "DEMO: would delete Mail/a.wav"
    assert refused[1].startswith("DEMO: would refuse: 1 of 1 known files are gone at the source")
    assert allowed == refused[:1]
