"""The telephony application's tables in a SQL Server, through Microsoft's ODBC driver.

A call's row says where its message is by the whole path, as the application on another machine
would have to find it; so does each extension's row in the table of the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, ClassVar, Final

import pyodbc

if TYPE_CHECKING:
    from pathlib import Path

    from phone_app import Call

CALLS: Final = """
IF OBJECT_ID(N'dbo.calls') IS NULL CREATE TABLE dbo.calls (
    id int IDENTITY PRIMARY KEY,
    call_key nvarchar(64) NOT NULL UNIQUE,
    extension nvarchar(10) NOT NULL REFERENCES dbo.extensions (extension),
    host nvarchar(64) NOT NULL,
    started_at datetime2 NOT NULL,
    voicemail nvarchar(400) NULL
)
"""
EXTENSIONS: Final = """
IF OBJECT_ID(N'dbo.extensions') IS NULL CREATE TABLE dbo.extensions (
    extension nvarchar(10) NOT NULL PRIMARY KEY,
    profile_path nvarchar(400) NOT NULL
)
"""
ADD_EXTENSION: Final = """
IF NOT EXISTS (SELECT 1 FROM dbo.extensions WHERE extension = ?)
    INSERT INTO dbo.extensions (extension, profile_path) VALUES (?, ?)
"""
ADD_CALL: Final = """
INSERT INTO dbo.calls (call_key, extension, host, started_at, voicemail) VALUES (?, ?, ?, ?, ?)
"""
KEYS: Final = "SELECT call_key FROM dbo.calls ORDER BY id"
PATHS: Final = """
SELECT voicemail FROM dbo.calls WHERE voicemail IS NOT NULL
UNION ALL SELECT profile_path FROM dbo.extensions
"""
FIRST_EXTENSION, EXTENSION_COUNT = 100, 4


def connect(data_source: str, catalog: str, password: str) -> pyodbc.Connection:
    """A session as sa, encrypted; the certificate must be one that this process trusts."""
    pyodbc.pooling = False
    words = {
        "DRIVER": str(driver()),
        "SERVER": data_source,
        "DATABASE": catalog,
        "UID": "sa",
        "PWD": "{" + password.replace("}", "}}") + "}",
        "Encrypt": "yes",
        "TrustServerCertificate": "no",
    }
    given = ";".join(f"{key}={value}" for key, value in words.items())
    return pyodbc.connect(given, autocommit=True, timeout=10)


def driver() -> object:
    """Microsoft's own, as it comes inside a package for Python."""
    libraries = files("mssql_python_odbc") / "libs/linux/debian_ubuntu/x86_64/lib"
    return next(each for each in libraries.iterdir() if each.name.startswith("libmsodbcsql-18"))


@dataclass(frozen=True)
class SqlServerStore:
    """A catalog. `vm_dir`: the VM directory of the machine that this runs on."""

    data_source: str
    catalog: str
    password: str
    vm_dir: Path
    error: ClassVar[type[Exception]] = pyodbc.Error

    def connect(self) -> pyodbc.Connection:
        return connect(self.data_source, self.catalog, self.password)

    def prepare(self, connection: pyodbc.Connection) -> None:
        connection.execute(EXTENSIONS)
        connection.execute(CALLS)
        for number in range(FIRST_EXTENSION, FIRST_EXTENSION + EXTENSION_COUNT):
            profile = str(self.vm_dir / "Extn" / str(number))
            connection.execute(ADD_EXTENSION, str(number), str(number), profile)

    def add(self, connection: pyodbc.Connection, call: Call) -> None:
        voicemail = str(self.vm_dir / call.voicemail) if call.voicemail else None
        connection.execute(
            ADD_CALL, call.key, call.extension, call.host, call.started_at, voicemail
        )

    def known(self, connection: pyodbc.Connection) -> dict[str, object]:
        """The calls, and how many of all paths point to another machine's directory."""
        paths = [row[0] for row in connection.execute(PATHS)]
        return {
            "calls": [row[0] for row in connection.execute(KEYS)],
            "paths": len(paths),
            "paths_elsewhere": sum(not path.startswith(f"{self.vm_dir}/") for path in paths),
        }
