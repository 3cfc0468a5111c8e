"""The command that syncs all the time, asked to end while it copies a large file."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import tomlkit

from ipfx_failover.files.names import TEMPORARY_PREFIX
from tests.support.processes import eventually

if TYPE_CHECKING:
    from pathlib import Path

HUGE_BYTES = 2 << 30


def test_a_watch_that_is_ended_in_the_middle_of_a_file_leaves_no_piece_of_it(
    tmp_path: Path,
) -> None:
    live, standby = tmp_path / "live", tmp_path / "standby"
    (live / "Mail").mkdir(parents=True)
    with (live / "Mail" / "huge.wav").open("wb") as stream:
        stream.truncate(HUGE_BYTES)
    config = tmp_path / "config.toml"
    files = {"transport": "path", "path": str(live)}
    server = {"address": "10.0.0.1", "local_vm_dir": str(standby), "files": files}
    state = {"state_dir": str(tmp_path / "state")}
    config.write_text(tomlkit.dumps({"failover_server": state, "servers": {"HUGE": server}}))
    words = [sys.executable, "-m", "ipfx_failover", "sync-files", "HUGE", "--watch"]

    def pieces() -> list[Path]:
        return list(standby.rglob(f"{TEMPORARY_PREFIX}*"))

    with subprocess.Popen([*words, "--config", str(config)], stderr=subprocess.PIPE) as process:
        try:
            eventually(lambda: bool(pieces()), "the copy has begun")
        finally:
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate()

    assert 130 == process.returncode, told.decode()
    assert [] == pieces()
