"""Where a live catalog is, and up to where a copy of it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.watermark import Watermark
from ipfx_failover.replication.tsql import tracking

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.session import SqlServer, SqlSession


@dataclass(frozen=True, slots=True)
class CopyMark:
    """How far a copy has come, and which run has made it. `is_taken`: it was in use since.

    `ended_at`: up to which version it had followed when that ended, if that is of importance.
    """

    watermark: Watermark
    run_id: str
    is_taken: bool = False
    ended_at: int | None = None

    @property
    def has_come_to(self) -> int | None:
        """The version that its rows are of, whether it still follows or not."""
        return self.ended_at if self.watermark.version is None else self.watermark.version


def live_mark(session: SqlSession) -> Watermark:
    """Of the catalog that the session uses. Before a backup: what is changed later is replayed.

    Raises:
        Failed: it is not told to this login.
    """
    found = session.rows(tracking.live_mark())
    if not found or found[0][1] is None or found[0][2] is None:
        raise Failed(
            "the live server does not say which database this is",
            "the login needs the right VIEW SERVER STATE, or the role sysadmin",
        )
    return Watermark(*found[0])


def is_there(server: SqlServer, catalog: str) -> bool:
    """Whether the server has it, open to us or not."""
    with server.open() as session:
        ((found,),) = session.rows("SELECT DB_ID(?)", catalog)
    return found is not None


def copy_mark(session: SqlSession) -> CopyMark | None:
    """Of the copy that the session uses; None: it was not made by a replication from live."""
    ((table,),) = session.rows(tracking.has_watermark())
    if table is None:
        return None
    found = session.rows(tracking.read_watermark())
    if not found:
        return None
    watermark = Watermark(*found[0][:3])
    run_id = str(found[0][3])
    if watermark.version is not None:
        return CopyMark(watermark, run_id)
    return CopyMark(watermark, run_id, record.is_taken(session), record.ended_at(session))
