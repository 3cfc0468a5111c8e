"""What follows from the config for a database of the engine sqlserver, and for ours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.config.findings import duration, note, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.findings import Facts, Finding
    from ipfx_failover.config.models import (
        Config,
        DatabaseSettings,
        FailoverServerSettings,
        ServerSettings,
        SqlServerSettings,
    )

_OF_SQLSERVER: Final = ("backup_dir", "path_conversions", "after_restore", "configuration_tables")


def has_sqlserver(config: Config) -> bool:
    return any(
        server.database is not None and server.database.engine == "sqlserver"
        for server in config.servers.values()
    )


def unused_by_sqlite(name: str, database: DatabaseSettings) -> Iterator[Finding]:
    """What is ignored, although somebody may count on it."""
    if database.password is not None:
        yield note(name, "user_id and password are not used by the sqlite engine")
    for key in _OF_SQLSERVER:
        if getattr(database, key):
            yield warning(
                name, f"{key} is not used by the sqlite engine", f"remove {key} from its table"
            )


def explain_ours(ours: FailoverServerSettings, facts: Facts) -> Iterator[Finding]:
    """What follows for the Failover Server's own SQL Server."""
    yield from _way("failover_server", ours.sql, facts)


def explain_sqlserver(
    server: ServerSettings, database: DatabaseSettings, facts: Facts
) -> Iterator[Finding]:
    """What follows for a live server's SQL Server."""
    yield from _way(server.name, database.sql, facts)
    if server.real_time != "off":
        yield _lag(server, database)
        if database.after_restore:
            yield warning(
                server.name,
                "after_restore is undone, row by row, in what is followed: a row that the live "
                "server changes comes as it is there",
                "let it change only tables that are not followed, or rows that never change",
            )
        if server.replicate_daily is None:
            yield note(
                server.name,
                "hot, but no full replication at night: tables without a primary key are copied "
                "by one only, and damage in the copy is not noticed",
                'set replicate_daily, such as replicate_daily = "01:00:00"',
            )
    if server.real_time == "all" and database.configuration_tables:
        yield note(
            server.name, 'configuration_tables is not used: real_time = "all" follows every table'
        )
    if not database.path_conversions:
        yield note(
            server.name,
            "no path is converted: what the database says of C:\\VM\\ means the Failover Server's "
            "own directory after a failover",
            f"set path_conversions in [servers.{server.name}.database]",
        )
    if database.keep_backups == 0:
        yield note(server.name, "keep_backups = 0: no night's backup is kept")


def _lag(server: ServerSettings, database: DatabaseSettings) -> Finding:
    which = "every table with a primary key" if server.real_time == "all" else "its tables"
    return ok(
        server.name,
        f"hot standby: changes to {which} are looked for every "
        f"{duration(database.row_interval_ms)}; those of the last moment are lost at failover",
    )


def _way(subject: str, settings: SqlServerSettings, facts: Facts) -> Iterator[Finding]:
    """How the server is spoken to: what weakens it, and what this machine lacks for it."""
    if not settings.encrypt:
        yield warning(
            subject,
            "encrypt = false: whoever is on the way reads passwords and data",
            "leave it out; a SQL Server without a certificate makes one itself",
        )
    elif settings.trust_server_certificate:
        yield warning(
            subject,
            "trust_server_certificate = true: whoever is on the way can pose as the SQL Server",
            "install a certificate there whose issuer this machine trusts, and leave it out",
        )
    if facts.sql_driver is None:
        return
    found = facts.sql_driver(settings)
    if isinstance(found, str):
        yield ok(subject, f"its SQL Server is spoken to through {found}")
    else:
        yield warning(subject, found.message, found.hint)
