"""The two ODBC drivers through which everything is tried; a missing one fails with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pyodbc

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse"  # noqa: S105 - of a server that is none
_SYSTEM_LIBRARIES = "/usr/lib/*/odbc/libtdsodbc.so"


@dataclass(frozen=True, slots=True)
class Driver:
    """An ODBC driver by the path of its library."""

    name: str
    library: str

    def connection_string(self, port: int, *, encrypt: bool = True, **more: str) -> str:
        """For the account sa of a server on loopback; certificates are not looked at."""
        words = {"DRIVER": self.library, "UID": "sa", "PWD": PASSWORD}
        if self.name == "FreeTDS":
            words |= {"SERVER": "127.0.0.1", "PORT": str(port), "TDS_Version": "7.4"}
            words["Encryption"] = "require" if encrypt else "off"
        else:
            words |= {"SERVER": f"127.0.0.1,{port}", "ConnectRetryCount": "0"}
            words |= {"Encrypt": "yes" if encrypt else "no", "TrustServerCertificate": "yes"}
        return ";".join(f"{key}={value}" for key, value in (words | more).items())

    def connect(self, port: int, *, encrypt: bool = True, **more: str) -> pyodbc.Connection:
        """A connection in autocommit mode."""
        pyodbc.pooling = False
        wanted = self.connection_string(port, encrypt=encrypt, **more)
        return pyodbc.connect(wanted, autocommit=True, timeout=30)


def free_tds() -> Driver:
    found = sorted(Path("/").glob(_SYSTEM_LIBRARIES[1:]))
    assert found, "FreeTDS's ODBC driver is missing: sudo apt-get install -y tdsodbc"
    return Driver("FreeTDS", str(found[0]))


def microsoft() -> Driver:
    """Microsoft's own, as it comes inside a package for Python."""
    libraries = files("mssql_python_odbc") / "libs/linux/debian_ubuntu/x86_64/lib"
    found = sorted(_named(libraries, "libmsodbcsql-18"))
    assert found, "Microsoft's ODBC driver is missing: pip install mssql-python"
    return Driver("Microsoft", found[0])


def _named(directory: object, beginning: str) -> Iterator[str]:
    path = Path(str(directory))
    return (str(each) for each in path.iterdir() if each.name.startswith(beginning))
