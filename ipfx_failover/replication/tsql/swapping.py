"""PURE: a catalog is put in another one's place by two renames, which are no transaction."""

from __future__ import annotations

from ipfx_failover.replication.tsql.text import name, text

NOT_THE_VICTIM = "SET DEADLOCK_PRIORITY HIGH"
"""Of a deadlock: whoever else is in it can begin again, and we hold the only place."""

CATALOGS = "SELECT name, state_desc, user_access_desc, is_read_only FROM sys.databases"

CATALOG_IN_USE = "SELECT name, is_read_only FROM sys.databases WHERE database_id = DB_ID()"


def alone(catalog: str) -> str:
    """Throw everybody out but the session that is in the catalog and says so."""
    return f"ALTER DATABASE {name(catalog)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE"


def read_only(catalog: str) -> str:
    """5061, 5070: somebody is in it, who is not thrown out. A read-only one cannot be renamed."""
    return f"ALTER DATABASE {name(catalog)} SET READ_ONLY WITH NO_WAIT"


def read_write(catalog: str) -> str:
    """Whoever is in it has nothing to lose, for nothing could be written."""
    return f"ALTER DATABASE {name(catalog)} SET READ_WRITE WITH ROLLBACK IMMEDIATE"


def rename(catalog: str, to: str) -> str:
    """5030: somebody is in it."""
    return f"ALTER DATABASE {name(catalog)} MODIFY NAME = {name(to)}"


def let_all_in(catalog: str) -> str:
    """5064: it is in SINGLE_USER, and somebody else has the place."""
    return f"ALTER DATABASE {name(catalog)} SET MULTI_USER"


def sessions_in(catalog: str) -> str:
    """Number and program; but for sys.sysprocesses, 2008 has no view that tells their catalog."""
    return (
        "SELECT spid, RTRIM(program_name) FROM sys.sysprocesses "  # noqa: S608 - quoted
        f"WHERE dbid = DB_ID({text(catalog)}) AND spid <> @@SPID"
    )


def end_session(number: int) -> str:
    return f"KILL {number:d}"
