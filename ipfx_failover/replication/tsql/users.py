"""PURE: the users of a copy, the logins of the server that it was restored on, and its owner."""

from __future__ import annotations

from ipfx_failover.replication.tsql.text import name


def users() -> str:
    """name, type (S, U, G), SID of the users that need a login.

    The SID of one without a login, or with a password in the catalog, is longer than 16 bytes
    where it is none of Windows; the first four are the catalog's own (dbo, guest, …).
    """
    return (
        "SELECT name, type, sid FROM sys.database_principals WHERE type IN ('S', 'U', 'G') "
        "AND principal_id > 4 AND sid IS NOT NULL AND (type <> 'S' OR DATALENGTH(sid) <= 16)"
    )


def logins() -> str:
    """name, type, SID of all logins of the server."""
    return "SELECT name, type, sid FROM sys.server_principals WHERE type IN ('S', 'U', 'G')"


def link(user: str, login: str) -> str:
    return f"ALTER USER {name(user)} WITH LOGIN = {name(login)}"


def administrator() -> str:
    """The name of `sa`, whatever it was renamed to (sys.server_principals)."""
    return "SELECT name FROM sys.server_principals WHERE sid = 0x01"


def give_to(catalog: str, owner: str) -> str:
    return f"ALTER AUTHORIZATION ON DATABASE::{name(catalog)} TO {name(owner)}"
