"""Nightly: a whole `replicate-from-live` of a simulated SQL Server, against its three parts alone.

The parts are BACKUP, a plain copy of the file (OpenSSH's sftp, from the same server) and RESTORE,
one after the other, with the same options, through the same driver. Ours is the whole command: its
start, preflight, backup, transfer with hash, restore, after-restore work, check, swap, tidying up.
What both run against is simulated: it writes, reads and checks real pages, of a content that cannot
be compressed; what a server has written is on the disk when it says that it is done. Each side runs
in turn, so that a busy disk meets both, and begins when the other's writing has reached the disk.

`rss_mib`: the command's largest resident set; `small_rss_mib`: with a backup of a sixteenth.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit

from tests.sqlserver import drivers
from tests.support.sqlserver_process import SqlServerProcess
from tests.support.sshd import Sshd, program, running_sshd

if TYPE_CHECKING:
    from collections.abc import Callable

CATALOG = "CTSERVER"
SMALLER = 16


@dataclass(frozen=True)
class Bench:
    """Both servers, the way between them, and the config of ours."""

    directory: Path
    live: SqlServerProcess
    standby: SqlServerProcess
    sshd: Sshd

    @property
    def vm_dir(self) -> Path:
        return self.directory / "VM"

    @property
    def config(self) -> Path:
        return self.directory / "config.toml"

    def configure(self) -> None:
        sql = {"driver": drivers.microsoft().library, "encrypt": False}
        password = self.directory / "password"
        password.write_text(drivers.PASSWORD)
        password.chmod(0o600)
        login = {"password": {"file": str(password)}, "sql": sql}
        server = {
            "address": "127.0.0.1",
            "local_vm_dir": str(self.directory / "copies"),
            "ssh": {
                "port": self.sshd.port,
                "user": self.sshd.user,
                "key_file": str(self.sshd.key_file),
                "known_hosts_file": str(self.sshd.known_hosts_file),
            },
            "database": {
                "engine": "sqlserver",
                "data_source": f"127.0.0.1,{self.live.port}",
                "vm_dir": str(self.vm_dir),
                "keep_backups": 0,
                **login,
            },
        }
        here = {
            "state_dir": str(self.directory / "state"),
            "data_source": f"127.0.0.1,{self.standby.port}",
            **login,
        }
        config = {"failover_server": here, "servers": {"DEMOSERVER": server}}
        self.config.write_text(tomlkit.dumps(config), "utf-8")
        for each in (self.vm_dir / "DB", self.directory / "copies" / "DB"):
            each.mkdir(parents=True)

    def ours(self) -> tuple[float, float]:
        """Seconds of one whole command, and its largest resident set in MiB."""
        argv = [sys.executable, "-m", "ipfx_failover", "replicate-from-live", "DEMOSERVER"]
        argv += ["--config", str(self.config)]
        errors = self.directory / "errors"
        started_s = time.perf_counter()
        with errors.open("w") as stream:
            process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=stream)
            _, status, usage = os.wait4(process.pid, 0)
        elapsed_s = time.perf_counter() - started_s
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, errors.read_text()
        return elapsed_s, usage.ru_maxrss / 1024

    def parts(self) -> dict[str, float]:
        """Seconds of each part alone."""
        there, here = self.vm_dir / "plain.bak", self.directory / "copies" / "plain.bak"
        moves = {1: "mdf", 2: "ldf"}
        files = self.live.run("SELECT file_id, name FROM sys.database_files", database=CATALOG)
        where = self.directory / "copies" / "DB"
        move = ", ".join(f"MOVE N'{n}' TO N'{where}/plain.{moves[i]}'" for i, n in files)
        took = {
            "backup": elapsed_s(
                lambda: self.live.run(
                    f"BACKUP DATABASE {CATALOG} TO DISK = N'{there}' WITH COPY_ONLY, FORMAT, INIT, "
                    "CHECKSUM, COMPRESSION, STATS = 1"
                )
            ),
            "copy": elapsed_s(lambda: self._copy(there, here)),
            "restore": elapsed_s(
                lambda: self.standby.run(
                    f"RESTORE DATABASE plain FROM DISK = N'{here}' WITH CHECKSUM, STATS = 1, {move}"
                )
            ),
        }
        self.standby.run("DROP DATABASE plain")
        there.unlink()
        here.unlink()
        return took

    def _copy(self, there: Path, here: Path) -> None:
        sshd = self.sshd
        options = [
            f"UserKnownHostsFile={sshd.known_hosts_file}",
            f"Port={sshd.port}",
            "BatchMode=yes",
        ]
        argv = [program("sftp", "openssh-client"), "-q", "-i", str(sshd.key_file)]
        argv += [word for each in options for word in ("-o", each)]
        subprocess.run([*argv, f"{sshd.user}@{sshd.host}:{there}", str(here)], check=True)


def elapsed_s(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=1024, help="size of the backup")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(
            directory,
            stack.enter_context(SqlServerProcess(directory / "live")),
            stack.enter_context(SqlServerProcess(directory / "standby")),
            stack.enter_context(running_sshd(directory / "sshd")),
        )
        bench.configure()
        bench.live.run(f"CREATE DATABASE {CATALOG}")
        bench.live.run(f"EXEC sim_filler '{CATALOG}', {given.mib // SMALLER}")
        _, small_rss_mib = bench.ours()
        bench.live.run(f"EXEC sim_filler '{CATALOG}', {given.mib}")
        ours, theirs = [], []
        for _ in range(given.rounds):
            os.sync()
            theirs.append(bench.parts())
            os.sync()
            ours.append(bench.ours())
    report(given.mib, ours, theirs, small_rss_mib)


def report(
    mib: int, ours: list[tuple[float, float]], theirs: list[dict[str, float]], small_rss_mib: float
) -> None:
    sums = [sum(each.values()) for each in theirs]
    ratios = [took_s / whole_s for (took_s, _), whole_s in zip(ours, sums, strict=True)]
    result = {
        "bench": "nightly",
        "ratio": round(statistics.median(ratios), 3),
        "rss_mib": round(max(rss for _, rss in ours), 1),
        "small_rss_mib": round(small_rss_mib, 1),
        "mib": mib,
        "ours_s": round(statistics.median(took_s for took_s, _ in ours), 2),
        "parts_s": {
            name: round(statistics.median(each[name] for each in theirs), 2) for name in theirs[0]
        },
        "simulated": True,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
