"""PURE: a catalog is put in another one's place by two renames, which are no transaction."""

from __future__ import annotations

from ipfx_failover.replication.tsql.text import name, text

NOT_THE_VICTIM = "SET DEADLOCK_PRIORITY HIGH"
"""Of a deadlock: whoever else is in it can begin again, and we hold the only place."""

CATALOGS = "SELECT name, state_desc, user_access_desc FROM sys.databases"

CATALOG_IN_USE = "SELECT DB_NAME()"


def alone(catalog: str) -> str:
    """Throw everybody out but the session that is in the catalog and says so."""
    return f"ALTER DATABASE {name(catalog)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE"


def rename(catalog: str, to: str) -> str:
    """5030: somebody is in it."""
    return f"ALTER DATABASE {name(catalog)} MODIFY NAME = {name(to)}"


def let_all_in(catalog: str) -> str:
    """5064: it is in SINGLE_USER, and somebody else has the place."""
    return f"ALTER DATABASE {name(catalog)} SET MULTI_USER"


def sessions_in(catalog: str) -> str:
    """Their numbers; but for sys.sysprocesses, 2008 has no view that tells a session's catalog."""
    return (
        f"SELECT spid FROM sys.sysprocesses WHERE dbid = DB_ID({text(catalog)}) "  # noqa: S608 - quoted
        "AND spid <> @@SPID"
    )


def end_session(number: int) -> str:
    return f"KILL {number:d}"
