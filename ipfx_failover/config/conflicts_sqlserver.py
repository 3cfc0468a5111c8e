"""What contradicts itself in the settings of the engine sqlserver."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Final

from ipfx_failover.config.conflict import Conflict
from ipfx_failover.config.data_source import DataSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.models import (
        Config,
        DatabaseSettings,
        FailoverServerSettings,
        PathConversion,
        ServerSettings,
    )

_ENGINE: Final = ("engine",)
"""In the keys of what is right as soon as the engine is another one."""
_SEPARATORS: Final = ("/", "\\")
_GIVE_ONE: Final = 'add password = { file = "…" }'


def in_sqlserver(settings: DatabaseSettings) -> Iterator[Conflict]:
    yield from _in_login(settings)
    if settings.vm_dir is None and settings.backup_dir is None:
        yield Conflict(
            (("vm_dir",), ("backup_dir",), ("data_source",), _ENGINE),
            "the SQL Server writes its backup into backup_dir, or DB in vm_dir, and neither is set",
            r"set vm_dir, such as vm_dir = 'C:\VM'",
        )
    for number, conversion in enumerate(settings.path_conversions):
        yield from _in_conversion(number, conversion)


def _in_login(settings: DatabaseSettings | FailoverServerSettings) -> Iterator[Conflict]:
    try:
        DataSource.parse(settings.data_source)
    except ValueError as error:
        yield Conflict((("data_source",), _ENGINE), f"data_source {error}")
    if settings.sql.login == "windows" and settings.password is not None:
        yield Conflict(
            (("password",), ("sql", "login")),
            'login = "windows" uses no password: it logs in as the account that this runs as',
            'remove password, or set login = "sql"',
        )
    if settings.sql.login == "sql" and settings.password is None:
        yield Conflict(
            (("user_id",), ("data_source",), ("password",), _ENGINE),
            "a login of SQL Server needs a password",
            f'{_GIVE_ONE}, or set login = "windows" in sql',
        )


def _in_conversion(number: int, conversion: PathConversion) -> Iterator[Conflict]:
    before, after = conversion.from_, conversion.to
    key = ("path_conversions", str(number))
    if before.casefold() == after.casefold():
        yield Conflict(
            (("path_conversions",), key), f"path_conversions of {conversion.column}: from equals to"
        )
    elif before.endswith(_SEPARATORS) != after.endswith(_SEPARATORS):
        yield Conflict(
            (("path_conversions",), key),
            f"path_conversions of {conversion.column}: either both from and to end in a separator, "
            "or neither",
        )


def in_server_with_sqlserver(
    server: ServerSettings, database: DatabaseSettings
) -> Iterator[Conflict]:
    """What is wrong between the database and the rest of a server."""
    if server.real_time == "configuration" and not database.configuration_tables:
        yield Conflict(
            (("real_time",), ("database", "configuration_tables")),
            'real_time = "configuration" follows configuration_tables, and there are none',
            f'set configuration_tables in [servers.{server.name}.database], or real_time = "all"',
        )
    by_path = server.files is not None and server.files.transport == "path"
    if by_path and not _is_reached_by_path(database):
        yield Conflict(
            (("database", "backup_dir"), ("database",), ("files", "transport")),
            'with transport = "path" the backup is read where vm_dir is mounted: backup_dir must '
            "be in vm_dir",
            "set vm_dir, and leave backup_dir out or below it",
        )


def _is_reached_by_path(database: DatabaseSettings) -> bool:
    if database.vm_dir is None:
        return False
    kind = PurePosixPath if database.vm_dir.startswith("/") else PureWindowsPath
    return kind(database.backup_dir or database.vm_dir).is_relative_to(kind(database.vm_dir))


def between_sqlservers(config: Config) -> Iterator[Conflict]:
    """What the Failover Server needs when a server has a SQL Server."""
    ours = config.failover_server
    for name, server in config.servers.items():
        if server.database is None or server.database.engine != "sqlserver":
            continue
        if not ours.data_source:
            yield Conflict(
                (("failover_server", "data_source"), ("servers", name, "database", "engine")),
                "the copies go to the Failover Server's own SQL Server, and nothing says which",
                r"set data_source in [failover_server], such as data_source = 'HERE\CTSERVER'",
            )
            return
        for each in _in_login(ours):
            keys = tuple(("failover_server", *key) for key in each.keys if key != _ENGINE)
            yield each._replace(keys=(*keys, ("servers", name, "database", *_ENGINE)))
        return
