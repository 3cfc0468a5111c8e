"""Nobody writes to the live catalog from before its safety backup until it is replaced.

What somebody wrote meanwhile would be neither in that backup nor in what replaces the catalog.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.side import PROGRAM
from ipfx_failover.replication.sqlserver.swap import PAUSE_S, TRIES, may_pass
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.tsql import server as asking
from ipfx_failover.replication.tsql import swapping
from ipfx_failover.workflow.ports import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.workflow.ports import Effect, Values

READ_ONLY: Final = "make read-only"
WAS_READ_ONLY: Final = "was_read_only"
"""The fact, found out before, that decides whether it is ours to end it."""


@dataclass(frozen=True, slots=True)
class MakeReadOnly:
    """Let nobody write to a catalog. Undoing it lets them again, unless it was so before us."""

    sides: Mapping[str, SqlServerSide]

    def describe(self, values: Values) -> str:
        side = self.sides[str(values["side"])]
        return f"let nobody write to {values['database']} on {side.name}"

    def do(self, values: Values) -> Outcome:
        side, catalog = self.sides[str(values["side"])], str(values["database"])
        if side.exists(catalog):
            forbid_writing(side, catalog)
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:
        # A server that is lost is not left like that: nobody could work with it.
        if not values[WAS_READ_ONLY]:
            allow_writing(self.sides[str(values["side"])], str(values["database"]))
        return ()


def is_read_only(side: SqlServerSide, catalog: str) -> bool:
    """Also where there is none: False."""
    with side.server.open() as session:
        rows = session.rows(asking.CATALOG, catalog)
    return bool(rows and rows[0][1])


def forbid_writing(side: SqlServerSide, catalog: str) -> None:
    """Make a catalog read-only, which nobody may be in then; none but our own are thrown out.

    Raises:
        Refused: somebody uses it.
        SqlRefused, Unreachable: so says the server.
    """
    with told(f"making {catalog} on {side.name} read-only", side.name):
        for left in reversed(range(TRIES)):
            side.close_down(catalog)
            try:
                with side.server.open() as session:
                    session.run(swapping.read_only(catalog))
            except SqlRefused as error:
                if not left or not may_pass(error):
                    raise
                _end_our_own(side, catalog)
                side.clock.sleep(PAUSE_S)
            else:
                return


def allow_writing(side: SqlServerSide, catalog: str) -> None:
    """Take `forbid_writing` back; whoever reads in the catalog is thrown out.

    Raises:
        SqlRefused, Unreachable: so says the server.
    """
    if not is_read_only(side, catalog):
        return
    with (
        told(f"letting all write to {catalog} on {side.name}", side.name),
        side.server.open() as session,
    ):
        session.run(swapping.read_write(catalog))


def _end_our_own(side: SqlServerSide, catalog: str) -> None:
    """Whoever follows its rows keeps a session in it, and opens another one when it is ended."""
    with side.server.open() as session:
        for number, program in session.rows(swapping.sessions_in(catalog)):
            if program == PROGRAM:
                with suppress(SqlRefused):  # it has gone by itself
                    session.run(swapping.end_session(int(number)))
