"""Statements that are committed together, or not at all."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.replication.sqlserver.session import SqlSession


@contextmanager
def transaction(session: SqlSession) -> Iterator[None]:
    """Commit at the end of the block; roll back when it is left by an error."""
    session.run("SET XACT_ABORT ON; BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        # A connection that is lost is rolled back by the server.
        with suppress(FailoverError):
            session.run("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SET XACT_ABORT OFF")
        raise
    session.run("COMMIT TRANSACTION; SET XACT_ABORT OFF")
