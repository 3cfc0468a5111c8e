"""A live catalog with all that a copy has to take care of, and its copy, just restored."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ipfx_failover.config.models import DatabaseSettings
from ipfx_failover.replication.sqlserver.watermark import Watermark
from ipfx_failover.replication.tsql.tracking import live_mark
from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.certificates import self_signed
from tests.support.odbc import odbc_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.adapters.db.sqlserver.server import OdbcServer
    from tests.sqlserver.drivers import Driver

RUN = "20261122T010000"
LIVE = "CT]'S"
COPY = f"DEMO_{LIVE}__new_{RUN}"

_LIVE = [
    "CREATE SCHEMA [odd ]] one]",
    "CREATE TABLE [person] ([id] int IDENTITY(10, 5) NOT NULL CONSTRAINT [pk] PRIMARY KEY, "
    "[age] tinyint NULL CONSTRAINT [ck age] CHECK ([age] < 100), "
    "[weight] int NULL CONSTRAINT [ck weight] CHECK ([weight] > 0), "
    "[profile] nvarchar(40) COLLATE Latin1_General_CI_AS NULL, "
    "[exact] varchar(60) COLLATE Latin1_General_BIN NULL, [wide] nvarchar(max) NULL)",
    "CREATE TABLE [odd ]] one].[pet's] ([id] smallint NOT NULL PRIMARY KEY IDENTITY(-1, -1), "
    "[owner] int NULL CONSTRAINT [fk ]] owner] FOREIGN KEY REFERENCES [person] ([id]), "
    "[other] int NULL CONSTRAINT [fk other] FOREIGN KEY REFERENCES [person] ([id]), "
    "[third] int NULL CONSTRAINT [fk third] FOREIGN KEY REFERENCES [person] ([id]))",
    "CREATE TABLE [log] ([text] nvarchar(100) NULL)",
    "CREATE TRIGGER [tr on] ON [person] AFTER UPDATE AS INSERT [log] VALUES (N'on')",
    "CREATE TRIGGER [tr off] ON [person] AFTER UPDATE AS INSERT [log] VALUES (N'off')",
    "CREATE TRIGGER [no tables] ON DATABASE FOR CREATE_TABLE AS ROLLBACK",
    "ALTER TABLE [person] DISABLE TRIGGER [tr off]",
    "ALTER TABLE [odd ]] one].[pet's] NOCHECK CONSTRAINT [fk other]",
    "ALTER TABLE [odd ]] one].[pet's] NOCHECK CONSTRAINT [fk third]",
    "ALTER TABLE [odd ]] one].[pet's] WITH NOCHECK CHECK CONSTRAINT [fk third]",
    "INSERT [person] ([age], [weight], [profile], [exact], [wide]) VALUES "
    r"(1, 5, N'C:\VM\1', 'C:\VM\a', N'C:\VM\w'), (2, 6, N'c:\vm\2', 'c:\vm\b', NULL), "
    r"(NULL, NULL, NULL, NULL, N'D:\x'), (3, 1, N'C:\VMX\y', 'C:\VM', N'C:\VM\')",
    "INSERT [odd ]] one].[pet's] ([owner], [other]) VALUES (10, 99), (NULL, NULL)",
    "CREATE SEQUENCE [odd ]] one].[call's] AS bigint START WITH 1 CACHE 20",
    "CREATE SEQUENCE [down] AS smallint START WITH -1 INCREMENT BY -2 NO CACHE",
    "CREATE SEQUENCE [full] AS tinyint START WITH 255",
    "CREATE SEQUENCE [wide] AS decimal(38, 0) START WITH 20000000000000000000 NO CACHE",
    "CREATE SEQUENCE [new] AS int",
    "DECLARE @n bigint; SET @n = NEXT VALUE FOR [odd ]] one].[call's]; "
    "SET @n = NEXT VALUE FOR [down]; SET @n = NEXT VALUE FOR [full]; "
    "DECLARE @w decimal(38, 0); SET @w = NEXT VALUE FOR [wide]",
    "CREATE USER [app] FOR LOGIN [app]",
    "CREATE USER [nobody here] FOR LOGIN [nobody here]",
]
_TRACKING = [
    "SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON)",
    "SET AUTO_CLOSE ON",
]


@dataclass
class Copies:
    """The machines: one simulated server has the live catalog, the other its copy."""

    live: SimulatedServer
    standby: SimulatedServer
    to_live: OdbcServer
    to_standby: OdbcServer
    directory: Path
    mark: Watermark
    opened: list[Client] = field(default_factory=list)

    def on_standby(self, catalog: str = COPY) -> Client:
        made = Client(self.standby, catalog)
        self.opened.append(made)
        return made

    def on_live(self, catalog: str = LIVE) -> Client:
        made = Client(self.live, catalog)
        self.opened.append(made)
        return made


def quoted(name: str) -> str:
    return f"[{name.replace(']', ']]')}]"


@cache
def _tls() -> ssl.SSLContext:
    with TemporaryDirectory() as directory:
        context = self_signed(Path(directory)).server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # FreeTDS hangs with 1.3
    return context


def copies(driver: Driver, directory: Path, *, tracked: bool = True) -> Iterator[Copies]:
    """A live catalog, backed up, and restored as COPY on the other server."""
    live, standby = SimulatedServer(directory / "live"), SimulatedServer(directory / "standby")
    profile = WireProfile(live.profile.version, tls=_tls())
    with Listener(live, profile) as here, Listener(standby, profile) as there:
        _fill(live, tracked=tracked)
        to_live = odbc_server(driver, here.port)
        to_standby = odbc_server(driver, there.port, name="the Failover Server")
        with to_live.open(LIVE) as session:
            mark = Watermark(*session.rows(live_mark())[0])
        move(live, LIVE, standby, COPY, directory)
        standby.add_login("App", PASSWORD, sid=b"\7")
        made = Copies(live, standby, to_live, to_standby, directory, mark)
        yield made
        for client in made.opened:
            client.__exit__()


def _fill(live: SimulatedServer, *, tracked: bool) -> None:
    live.create(LIVE, {})
    live.add_login("app", PASSWORD, sid=b"\5")
    live.add_login("nobody here", PASSWORD, sid=b"\6")
    with Client(live, LIVE) as client:
        for sql in _LIVE:
            client.run(sql)
        for sql in _TRACKING if tracked else ():
            client.run(f"ALTER DATABASE {quoted(LIVE)} {sql}")
        if tracked:
            client.run("ALTER TABLE [person] ENABLE CHANGE_TRACKING")
            client.run("ALTER TABLE [odd ]] one].[pet's] ENABLE CHANGE_TRACKING")
            client.run("UPDATE [person] SET [age] = 4 WHERE [age] = 3")


def move(
    source: SimulatedServer, catalog: str, target: SimulatedServer, to: str, directory: Path
) -> None:
    """Back a catalog up, and restore it on another server."""
    backup = str(directory / f"{len(list(directory.glob('*.bak')))}.bak").replace("'", "''")
    with Client(source, "master") as client:
        client.run(f"BACKUP DATABASE {quoted(catalog)} TO DISK = N'{backup}' WITH INIT, FORMAT")
    with Client(target, "master") as client:
        names = [row[0] for row in client.run(f"RESTORE FILELISTONLY FROM DISK = N'{backup}'")]
        moves = ", ".join(
            f"MOVE N'{name.replace(chr(39), chr(39) * 2)}' "
            f"TO N'{target.directory}/{len(list(target.directory.iterdir()))}_{number}'"
            for number, name in enumerate(names)
        )
        client.run(
            f"RESTORE DATABASE {quoted(to)} FROM DISK = N'{backup}' WITH RESTRICTED_USER, {moves}"
        )


def settings(**given: Any) -> DatabaseSettings:
    """A [servers.DEMOSERVER.database] of the engine sqlserver."""
    table = {"engine": "sqlserver", "data_source": "DEMO", "password": {"env": "SQL_PASSWORD"}}
    table |= {"vm_dir": r"C:\VM", **given}
    return DatabaseSettings.model_validate(table)


def conversion(table: str, column: str, **given: str) -> dict[str, str]:
    there = {"from": "C:\\VM\\", "to": "C:\\VM\\DEMO\\VM\\", **given}
    return {"table": table, "column": column, **there}
