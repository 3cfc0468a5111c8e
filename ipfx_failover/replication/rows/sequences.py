"""Sequences of a copy are brought along: no row tells how far one of the live server's has come.

At a takeover they go on beyond (`sqlserver.numbers`), by far more than they are behind.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.tsql import taking

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.session import SqlSession

_BEHIND: Final = 1000
"""Numbers; for fewer a copy's catalog is not written."""


class Sequences:
    """Those of one copy, as far as its session knows. Where it has none, nothing is asked."""

    def __init__(self, copy: SqlSession) -> None:
        self._copy = copy
        self._known = _read(copy)

    def follow(self, live: SqlSession) -> None:
        """Bring those along that are far behind.

        One that the copy refuses, for it is defined otherwise there, stays where it is.
        """
        if not self._known:
            return
        for place, (last, step) in _read(live).items():
            known, step_there = self._known.get(place, (last, step))
            # A cycle that began anew, or a RESTART: a distance of the other sign is one, too.
            if step != step_there or abs(last - known) < _BEHIND * abs(step):
                continue
            with suppress(SqlRefused):
                self._copy.run(taking.bring_along(*place, last))
            self._known[place] = last, step


def _read(session: SqlSession) -> dict[tuple[str, str], tuple[int, int]]:
    """By schema and name: the number that was given out last, and the step."""
    if session.rows(taking.HAS_SEQUENCES)[0][0] is None:
        return {}
    return {
        (str(schema), str(name)): (int(last), int(step))
        for schema, name, last, step, _, _ in session.rows(taking.SEQUENCES)
    }
