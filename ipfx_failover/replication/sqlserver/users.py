"""Users of a restored catalog find their logins on this server again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.replication.tsql import users as texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.replication.sqlserver.session import SqlSession


@dataclass(frozen=True, slots=True)
class Principal:
    """A user of a catalog, or a login. `type`: S (by password), U or G (of Windows)."""

    name: str
    type: str
    sid: bytes


def link(session: SqlSession) -> list[str]:
    """Link the users of the catalog in use to the logins of their names; who stays without one."""
    linked, without = matched(_read(session, texts.users()), _read(session, texts.logins()))
    for user, login in linked:
        session.run(texts.link(user, login))
    return without


def matched(
    users: Iterable[Principal], logins: Sequence[Principal]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Pairs of user and login to link; and the users for whom there is no login."""
    sids = {each.sid for each in logins}
    exact = {(each.type, each.name): each.name for each in logins}
    folded = {(each.type, each.name.casefold()): each.name for each in logins}
    linked, without = [], []
    for user in users:
        if user.sid in sids:
            continue
        login = exact.get((user.type, user.name)) or folded.get((user.type, user.name.casefold()))
        if login is None:
            without.append(user.name)
        else:
            linked.append((user.name, login))
    return linked, without


def _read(session: SqlSession, sql: str) -> list[Principal]:
    return [
        Principal(str(name), str(kind).strip(), bytes(sid)) for name, kind, sid in session.rows(sql)
    ]
