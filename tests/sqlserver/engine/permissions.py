"""Who may not what with a table: what was denied; all else is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.engine.catalog import table_key
from tests.sqlserver.results import Done, Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.tables import Table
    from tests.sqlserver.results import Result
    from tests.sqlserver.sql import statements as s


def permit(session: EngineSession, statement: s.Permit) -> Iterator[Result]:
    """GRANT and REVOKE take a DENY back; there is no table that nobody was granted."""
    catalog, table = session.catalog_of(statement.table), session.table(statement.table)
    known = {"public", *catalog.users}
    for principal in statement.principals:
        if principal.casefold() not in known:
            text = f"Cannot find the user '{principal}', because it does not exist."
            raise SqlError(Message(15151, 16, text))
        for permission, columns in statement.permissions:
            for column in columns or [""]:
                about = (principal.casefold(), _key(table), column.casefold(), permission)
                if statement.action == "DENY":
                    catalog.denied.add(about)
                else:
                    catalog.denied.discard(about)
    yield Done()


def _key(table: Table) -> str:
    return table_key(table.schema, table.name)


def may(
    session: EngineSession, catalog: Catalog, table: Table, permission: str, column: str = ""
) -> bool:
    """Whether a session may do that to a table, or to a column of it."""
    if session.account.may("sysadmin"):
        return True
    sid = session.account.sid
    names = {"public", *(name for name, user in catalog.users.items() if user.sid == sid)}
    return not any(
        (name, _key(table), part, permission) in catalog.denied
        for name in names
        for part in {"", column.casefold()}
    )


def hidden_from(session: EngineSession, catalog: Catalog) -> set[int]:
    """The object ids of the tables whose definition a session may not see."""
    if session.account.may("sysadmin") or not catalog.denied:
        return set()
    tables = catalog.tables.values()
    return {t.object_id for t in tables if not may(session, catalog, t, "VIEW DEFINITION")}


def check(session: EngineSession, catalog: Catalog, table: Table, permission: str) -> None:
    """See that a session may do that to a table.

    Raises:
        SqlError: it may not (229).
    """
    if not may(session, catalog, table, permission):
        text = (
            f"The {permission} permission was denied on the object '{table.name}', database "
            f"'{catalog.name}', schema '{table.schema}'."
        )
        raise SqlError(Message(229, 14, text))
