"""Two simulated SQL Servers in processes of their own, and a config of ours that is hot."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import tomlkit

from tests.sqlserver import drivers
from tests.support.sqlserver_process import SqlServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CATALOG, COPY = "CTSERVER", "DEMOSERVER_CTSERVER"
PROGRAM = str(Path(sys.executable).with_name("ipfx-failover"))


@dataclass(frozen=True)
class HotPair:
    """`live`, `standby`: the servers; commands of ours work on them by `config`."""

    live: SqlServerProcess
    standby: SqlServerProcess
    config: Path

    def command(self, *words: str) -> list[str]:
        return [PROGRAM, *words, "--config", str(self.config)]

    def run(self, *words: str) -> None:
        subprocess.run(self.command(*words), check=True, stdout=subprocess.DEVNULL)


@contextmanager
def hot_pair(tables: Sequence[str]) -> Iterator[HotPair]:
    """With these tables (CREATE TABLE statements) in the live catalog, and a copy of them."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        live = SqlServerProcess(directory / "live")
        standby = SqlServerProcess(directory / "standby")
        with live, standby:
            live.run(f"CREATE DATABASE {CATALOG}")
            for table in tables:
                live.run(table, database=CATALOG)
            pair = HotPair(live, standby, directory / "config.toml")
            pair.config.write_text(tomlkit.dumps(_settings(directory, pair)), "utf-8")
            pair.run("hot", "enable", "DEMOSERVER", "--yes")
            pair.run("replicate-from-live", "DEMOSERVER")
            yield pair


def _settings(directory: Path, pair: HotPair) -> dict[str, object]:
    (directory / "VM" / "DB").mkdir(parents=True)
    (directory / "copies" / "DB").mkdir(parents=True)
    password = directory / "password"
    password.write_text(drivers.PASSWORD)
    password.chmod(0o600)
    sql = {"driver": drivers.microsoft().library, "encrypt": False}
    login = {"password": {"file": str(password)}, "sql": sql}
    return {
        "failover_server": {
            "state_dir": str(directory / "state"),
            "data_source": f"127.0.0.1,{pair.standby.port}",
            **login,
        },
        "servers": {
            "DEMOSERVER": {
                "address": "192.0.2.1",
                "local_vm_dir": str(directory / "copies"),
                "real_time": "all",
                "database": {
                    "engine": "sqlserver",
                    "data_source": f"127.0.0.1,{pair.live.port}",
                    "vm_dir": str(directory / "VM"),
                    **login,
                },
                "files": {"transport": "path", "path": str(directory / "VM")},
            }
        },
    }
