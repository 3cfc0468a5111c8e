"""A simulated SQL Server (tests/sqlserver) on a host, and what the lab itself asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfx_failover.errors import Failed
from ipfxlab.certificate import make_certificate
from ipfxlab.process import TAIL_LINES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess

CHECKOUT = Path(__file__).parents[3]
CATALOG = "CTSERVER"
INSTANCE = "CTSERVER"
_PASSWORD = "lab; only {here}"  # noqa: S105 - of servers that live for a minute


@dataclass(frozen=True)
class Trust:
    """What the servers show and who logs in gives.

    `environment`: makes OpenSSL trust the certificate, and nothing else.
    """

    certificate: Path
    key: Path
    password_file: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {"SSL_CERT_FILE": str(self.certificate)}


def make_trust(directory: Path, names: Sequence[str]) -> Trust:
    """For servers on the hosts of these names."""
    certificate, key = make_certificate(directory, names)
    password_file = directory / "sa-password"
    password_file.touch(0o600)
    password_file.write_text(_PASSWORD, "utf-8")
    return Trust(certificate, key, password_file)


class SqlServer:
    """The instance CTSERVER on a host; its catalogs survive restarts, reboots of the host included.

    It is found by name, as SQL Server's instances are: by the Browser protocol.
    """

    def __init__(self, host: Host, trust: Trust) -> None:
        self.host = host
        self.trust = trust
        self.directory = host.directory / "MSSQL"
        self._process: LabProcess | None = None
        self._asking: LabProcess | None = None

    @property
    def data_source(self) -> str:
        return rf"{self.host.name}\{INSTANCE}"

    @property
    def application_options(self) -> list[str]:
        """How the application logs in to it; the catalog is named apart."""
        return ["--data-source", self.data_source, "--password-file", str(self.trust.password_file)]

    def start(self) -> None:
        """Starts it, and waits until it can be connected to."""
        self.directory.mkdir(exist_ok=True)
        process = self._process = self.host.popen(
            *(self.host.python, "-m", "tests.sqlserver", "--name", self.data_source),
            *("--directory", str(self.directory), "--listen", "0.0.0.0:1433"),
            *("--browser", "0.0.0.0:1434"),
            *("--tls", str(self.trust.certificate), str(self.trust.key)),
            name=f"the SQL Server on {self.host.name}",
            with_stdin=True,  # it ends with its input
            env={"SQLSERVER_PASSWORD": _PASSWORD, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=CHECKOUT,
        )
        process.wait_for_line('"ready": true')
        self._asking = None

    def last_words(self) -> list[str]:
        """What it said last, where it stumbled for instance."""
        return self._process.lines[-TAIL_LINES:] if self._process else []

    def ask(self, sql: str, *values: str, catalog: str = "master") -> list[list[Any]]:
        """The rows that a statement yields, through Microsoft's driver.

        Raises:
            Failed: the server has refused it.
        """
        asking = self._asking = self._asking or self._start_asking()
        since = len(asking.lines)
        asking.send_line(json.dumps([catalog, sql, *values]))
        answer = json.loads(asking.wait_for_line(r"^[\[{]", since=since).string)
        if isinstance(answer, dict):
            raise Failed(f"{self.data_source}: {answer['error']}", "look at the statement")
        rows: list[list[Any]] = answer
        return rows

    def _start_asking(self) -> LabProcess:
        return self.host.popen(
            *(self.host.python, "-m", "ipfxlab.sql_asking", self.data_source),
            str(self.trust.password_file),
            name=f"who asks {self.data_source}",
            with_stdin=True,
            env={"PYTHONPATH": str(Path(__file__).parent.parent), **self.trust.environment},
        )
