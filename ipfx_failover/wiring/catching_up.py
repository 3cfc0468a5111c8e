"""A new copy of a hot catalog is brought to where the current one is, before it takes its place."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipfx_failover.state import locks
from ipfx_failover.wiring.rows import ends, is_hot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.rows.catching_up import Begun
    from ipfx_failover.replication.sqlserver.session import SqlServer
    from ipfx_failover.wiring.site import Site

_SWAP_WAIT_S = 60.0


@dataclass(slots=True)
class CatchingUp:
    """Of one run. `followed`: what the current copy followed when the run looked ahead."""

    site: Site
    server: ServerSettings
    live: SqlServer
    followed: Begun = field(default_factory=dict)

    def look_ahead(self) -> None:
        """See which history the live server keeps, before a new copy is made.

        Raises:
            FailoverError: one of the servers could not be asked.
        """
        from ipfx_failover.replication.rows.catching_up import end_if_over

        if is_hot(self.server):
            self.followed = end_if_over(ends(self.site, self.server, self.live))

    def catch_up(self, new: str) -> str:
        """Bring a new copy to where the live server is, while the current one goes on.

        Returns why that cannot be, where the current one has no more rows; empty when it is done.

        Raises:
            FailoverError: one of the servers could not be read, or rows cannot lead there.
        """
        from ipfx_failover.replication.rows.catching_up import catch_up

        trouble = catch_up(ends(self.site, self.server, self.live), new, self.followed)
        if trouble is None:
            return ""
        reason = trouble.message.removeprefix(f"{self.server.name}: ")
        return f"its rows cannot be followed: {reason}; {trouble.hint}"

    @contextmanager
    def brought_up(self, new: str) -> Iterator[None]:
        """A new copy has all that the current one has; nobody applies rows while the block runs.

        Raises:
            Busy: rows are being applied for longer than can be waited for.
            FailoverError: as `catch_up`.
        """
        from ipfx_failover.replication.rows.catching_up import is_behind

        held, us = locks.rows(self.server.name), locks.this_command()
        with self.site.locks.hold(held, us, wait_s=_SWAP_WAIT_S):
            if is_hot(self.server) and is_behind(ends(self.site, self.server, self.live), new):
                self.catch_up(new)
            yield
