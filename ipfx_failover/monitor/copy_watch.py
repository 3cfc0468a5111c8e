"""The monitor's thread that sees in peace whether each copy could still be taken over.

Somebody may have dropped, detached or closed one; a takeover at night is too late to notice.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Authority, Mode
from ipfx_failover.replication.refusals import rows_refusal
from ipfx_failover.state.journal import open_journals
from ipfx_failover.state.locks import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.monitor.hurry import Hurry
    from ipfx_failover.records import Copy
    from ipfx_failover.state.store import Store

_LOOK_EVERY_S = 30.0


class CopyWatch:
    """Looks at what nobody works with, and tells what two looks in a row have found.

    `obstacles`: by server, why its copy could not come into use, None where it could; bounded in
    time. `is_held`: whether somebody works with a resource.
    """

    def __init__(
        self,
        *,
        servers: Mapping[str, ServerSettings],
        clock: Clock,
        open_store: Callable[[], Store],
        is_held: Callable[[str], bool],
        obstacles: Callable[[Iterable[ServerSettings]], Mapping[str, str | None]],
        hurry: Hurry,
    ) -> None:
        self._servers = servers
        self._clock = clock
        self._open_store = open_store
        self._is_held = is_held
        self._obstacles = obstacles
        self._hurry = hurry
        self._before: Mapping[str, str | None] = {}
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Look until `stop`."""
        with self._open_store() as store:
            while True:
                self.turn(store)
                if self._stop.wait(_LOOK_EVERY_S):
                    return

    def turn(self, store: Store) -> None:
        """Look once."""
        self._hurry.wait_until_over()
        try:
            before = dict(self._at_rest(store))
            found = self._obstacles(self._servers[name] for name in before)
            after = dict(self._at_rest(store))
            # A copy that was exchanged meanwhile was not there for a moment.
            seen = {n: found[n] for n, copy in before.items() if after.get(n) == copy}
            self._tell(store, seen)
        except (FailoverError, OSError, sqlite3.DatabaseError):
            return  # the scribe tells of a disk in trouble; the next look tries again

    def _at_rest(self, store: Store) -> Iterator[tuple[str, Copy]]:
        """The copies that nobody uses or replaces, by server.

        Where rows are followed that is how a copy is missed; what was told before they were is
        looked at until it is over. A killed run's is seen to at a takeover; `status` tells of it.
        """
        stand_in, begun = store.stand_in(), open_journals(store)
        for name, server in self._servers.items():
            copy, resource = store.copy(name, "database"), database(name)
            if (
                copy is None
                or server.database is None
                or (stand_in is not None and stand_in.server.casefold() == name.casefold())
                or store.server(name).mode is Mode.STOPPED
                or resource in begun
                or self._is_held(resource)
                or (_follows_rows(server, store) and not store.is_told(name, EventKind.COPY_LOST))
            ):
                continue
            yield name, copy

    def _tell(self, store: Store, seen: Mapping[str, str | None]) -> None:
        before, self._before = self._before, seen
        for name, reason in seen.items():
            is_told = store.is_told(name, EventKind.COPY_LOST)
            kind = news(reason, lasts=before.get(name) is not None, is_told=is_told)
            if kind is not None:
                ahead = store.server(name).authority is Authority.STANDBY
                data = {"reason": reason, "advice": _advice(name, ahead=ahead)} if reason else {}
                with store.transaction() as tx:
                    tx.emit(Event(kind, self._clock.now(), name, data))


def news(reason: str | None, *, lasts: bool, is_told: bool) -> EventKind | None:
    """What a look that has found `reason` gives to tell.

    `lasts`: the look before it found one, too. `is_told`: that it could not be taken over was told.
    """
    if reason is None:
        return EventKind.COPY_FOUND if is_told else None
    return EventKind.COPY_LOST if lasts and not is_told else None


def _follows_rows(server: ServerSettings, store: Store) -> bool:
    return server.real_time != "off" and rows_refusal(server, store) is None


def _advice(name: str, *, ahead: bool) -> str:
    if ahead:
        return f"see to it: it holds what {name} has not, and is not to be made anew"
    return f"see to it, or make it anew: ipfx-failover replicate-from-live {name}"
