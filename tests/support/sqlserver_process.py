"""Simulated SQL Servers as processes of their own, for end-to-end tests and the lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.sqlserver import drivers
from tests.support.ports import free_port

if TYPE_CHECKING:
    import pyodbc

    from tests.sqlserver.drivers import Driver

ROOT = Path(__file__).parents[2]
_GENEROUS_S = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """A batch that a server was sent. `parameters`: their declarations."""

    session: int
    catalog: str
    login: str
    program: str
    sql: str
    parameters: str


@dataclass
class SqlServerProcess:
    """One server; leaving the block ends it. It can be killed and started again on its files.

    `inside`: what stands in front of its command line, as `ip netns exec NAME`. `host`: where it
    listens; `port`: 0 takes a free one, which then stays the same. `directory` holds its files,
    its log, its faults and what it says when it stumbles.
    """

    directory: Path
    name: str = "SIMULATED"
    profile: str = "2022"
    language: str = "english"
    certificate: Path | None = None
    password: str = drivers.PASSWORD
    host: str = "127.0.0.1"
    port: int = 0
    has_browser: bool = False
    browser_port: int = 0
    inside: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        return self.directory / "statements.jsonl"

    @property
    def catalogs(self) -> Path:
        """Where its data files lie that nobody says another place for."""
        return self.directory / "catalogs"

    def start(self) -> None:
        """Start it; returns when it can be connected to."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        with (self.directory / "stderr").open("a") as stderr:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=ROOT,
                env={**os.environ, "SQLSERVER_PASSWORD": self.password},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self._reap()
            raise AssertionError(f"it did not start: {(self.directory / 'stderr').read_text()}")
        told = json.loads(line)
        self.port, self.browser_port = told["port"], told.get("browser", 0)

    def _command(self) -> list[str]:
        command = [*self.inside, sys.executable, "-m", "tests.sqlserver"]
        command += ["--directory", str(self.catalogs), "--listen", f"{self.host}:{self.port}"]
        command += ["--name", self.name, "--profile", self.profile, "--language", self.language]
        command += ["--log", str(self.log), "--faults", str(self.directory / "faults.toml")]
        if self.certificate is not None:
            command += ["--tls", str(self.certificate), str(self.certificate)]
        if self.has_browser:
            command += ["--browser", f"{self.host}:{self.browser_port}"]
        for each in self.neighbours:
            command += ["--neighbour", each]
        return command

    def stop(self) -> None:
        """Let it end as it would with the machine; what it wrote stays."""
        if self.process is not None:
            self.process.terminate()
            self._reap()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self._reap()

    def _reap(self) -> None:
        assert self.process is not None
        self.process.communicate(timeout=_GENEROUS_S)
        self.process = None

    def connect(
        self, database: str = "master", *, driver: Driver | None = None, **more: str
    ) -> pyodbc.Connection:
        """A connection as sa, in autocommit mode; by Microsoft's driver if none is named."""
        chosen = driver or drivers.microsoft()
        encrypt = self.certificate is not None
        words = {"DATABASE": database, "PWD": self.password, **more}
        return chosen.connect(self.port, encrypt=encrypt, **words)

    def run(self, sql: str, *values: object, database: str = "master") -> list[tuple[Any, ...]]:
        """All rows of all results of a batch, over a connection of its own."""
        connection = self.connect(database)
        try:
            cursor = connection.cursor()
            rows: list[tuple[Any, ...]] = []
            cursor.execute(sql, *values)
            while True:
                if cursor.description:
                    rows += [tuple(row) for row in cursor.fetchall()]
                if not cursor.nextset():
                    return rows
        finally:
            connection.close()

    def misbehave(self, script: str) -> None:
        """Let what a script says go wrong (tests/sqlserver/engine/faults.py); "" ends it all."""
        beside = self.directory / "faults.new"
        beside.write_text(script, encoding="utf-8")
        beside.replace(self.directory / "faults.toml")

    def statements(self) -> list[Said]:
        """All batches that it was sent, in their order; over its restarts, too."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [Said(**json.loads(line)) for line in lines]
