"""What an installation of ipfx-failover has written down: its state store, its copies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ipfx_failover.records import Authority
from ipfx_failover.snapshot import SNAPSHOT
from ipfx_failover.standin.desk import RESOURCE
from ipfx_failover.state.journal import StepState, open_journals, read_journal
from ipfx_failover.state.store import Store
from tests.support.office import eventually, rows_in, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.events import Event, EventKind
    from ipfx_failover.records import ServerState, StandIn

T = TypeVar("T")


class Written:
    """Reads what is written; waits until it is."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self.vm_dir = directory / "VM"
        self.database = self.vm_dir / "DB" / "DEMOSERVER_CTSERVER.db"

    def explain(self) -> str:
        """What was logged, for a test that failed."""
        lines = (f"{event.at:%H:%M:%S.%f} {event.server}: {event.text}" for event in self.events())
        return "\n".join(lines)

    def store(self) -> Store:
        """The state store; the caller closes it."""
        return Store(self.state_dir)

    def server(self, name: str = "DEMOSERVER") -> ServerState:
        with self.store() as store:
            return store.server(name)

    @property
    def stand_in(self) -> StandIn | None:
        with self.store() as store:
            return store.stand_in()

    @property
    def is_ahead(self) -> bool:
        """Whether the standby of DEMOSERVER holds what exists nowhere else."""
        return self.server().authority is Authority.STANDBY

    @property
    def held_addresses(self) -> list[str]:
        with self.store() as store:
            return [held.address for held in store.held_addresses()]

    @property
    def unfinished(self) -> list[str]:
        """On what work was begun that is not finished."""
        with self.store() as store:
            return open_journals(store)

    def wait_until_finished(self) -> None:
        self._wait_for(lambda store: not open_journals(store) or None, "all work is finished")

    @property
    def cursor(self) -> int:
        """Where the log ends now."""
        with self.store() as store:
            return store.last_cursor()

    def events(self, *kinds: EventKind | str, since: int = 0) -> list[Event]:
        """What was logged, oldest first; of these kinds, or of all."""
        with self.store() as store:
            logged = [each.event for each in store.events_after(since)]
        return [event for event in logged if not kinds or event.kind in kinds]

    def kinds(self, *kinds: EventKind | str, since: int = 0) -> list[str]:
        """The kinds of what was logged."""
        return [str(event.kind) for event in self.events(*kinds, since=since)]

    def wait_for_event(
        self, kind: EventKind | str, server: str | None = None, *, since: int = 0
    ) -> Event:
        """The first event of this kind (of that server) behind the cursor `since`."""

        def find(store: Store) -> Event | None:
            found = (each.event for each in store.events_after(since))
            wanted = (one for one in found if one.kind == kind and server in {None, one.server})
            return next(wanted, None)

        return self._wait_for(find, f"{kind} {server or ''}")

    def _wait_for(self, find: Callable[[Store], T | None], what: str) -> T:
        """What `find` sees in the store, looked for whenever something was committed."""
        with self.store() as store:
            seen = -1

            def look() -> T | None:
                nonlocal seen
                before, seen = seen, store.data_version()
                return None if seen == before else find(store)

            return wait_for(look, what, explain=self.explain)

    def wait_until_ok(self) -> None:
        """Wait until everybody may see that DEMOSERVER is well."""
        path = self.state_dir / SNAPSHOT
        eventually(
            lambda: path.exists() and '"status": "OK"' in path.read_text("utf-8"),
            "the snapshot shows OK",
            explain=self.explain,
        )

    def wait_until_missed(self, server: str, misses: int) -> None:
        """Wait until the count of a server's failed pings is that high, and has not begun anew."""

        self._wait_for(
            lambda store: store.observations()[server].misses >= misses or None,
            f"{misses} misses of {server}",
        )

    def wait_until_step(self, kind: str, resource: str = RESOURCE) -> None:
        """Wait until a step of this kind is being done."""

        def is_doing(store: Store) -> bool | None:
            journal = read_journal(store, resource)
            steps = zip(journal.steps, journal.states, strict=True) if journal else ()
            return any(s.kind == kind and state is StepState.DOING for s, state in steps) or None

        self._wait_for(is_doing, f"'{kind}' is being done")

    def let_the_time_for_mail_come(self) -> None:
        """What waits for another attempt need not wait any longer."""
        with self.store() as store, store.transaction() as tx:
            tx.connection.execute("UPDATE outbox SET next_attempt_at = created_at")

    def age_copies(self, **age: float) -> None:
        """Make everything that was replicated older by this timedelta."""
        by = timedelta(**age)
        with self.store() as store, store.transaction() as tx:
            for copy in tx.copies().values():
                tx.connection.execute(
                    "UPDATE copies SET as_of = ? WHERE server = ? AND kind = ?",
                    ((copy.as_of - by).isoformat(), copy.server, copy.kind),
                )
            tx.connection.execute("DELETE FROM runs")

    def rows(self) -> list[str]:
        """The calls in the standby's copy of DEMOSERVER."""
        return rows_in(self.database)

    def kept(self, directory: str) -> list[str]:
        """The calls in what was set aside in a directory."""
        return rows_in(Path(directory) / self.database.name)
