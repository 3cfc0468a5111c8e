"""Writing the state store: what one transaction can change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ipfx_failover.events import one_line
from ipfx_failover.state.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ipfx_failover.records import (
        Authority,
        Condition,
        Copy,
        HeldAddress,
        Mode,
        MonitorRecord,
        Observation,
        Phase,
        RowState,
        StandIn,
    )


KEPT_RUNS = 100
"""Of each server's work."""


class Transaction(Telling):
    """The changes of one commit; reads inside it see them."""

    def set_mode(self, server: str, mode: Mode) -> None:
        self._set(server, "mode", mode)

    def set_authority(self, server: str, authority: Authority) -> None:
        self._set(server, "authority", authority)

    def set_failback_pending(self, server: str, *, pending: bool) -> None:
        self._set(server, "failback_pending", int(pending))

    def set_stale(self, server: str, *, stale: bool) -> None:
        self._set(server, "stale", int(stale))

    def set_answered(self, server: str, boot_id: str) -> None:
        self._set(server, "answered_boot_id", boot_id)

    def set_last_failover(self, server: str, at: datetime) -> None:
        self._set(server, "last_failover_at", at.isoformat())

    def set_attempts(self, server: str, attempts: int) -> None:
        self._set(server, "attempts", attempts)

    def claim_stand_in(self, stand_in: StandIn) -> None:
        """Take the one role; the primary key refuses a second.

        Raises:
            sqlite3.IntegrityError: somebody else claimed it first.
        """
        self.connection.execute(
            "INSERT INTO stand_in VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
            (
                stand_in.server,
                stand_in.boot_id,
                stand_in.since.isoformat(),
                stand_in.phase,
                stand_in.address,
                stand_in.adapter,
                stand_in.unready,
            ),
        )

    def set_phase(self, phase: Phase, boot_id: str | None = None) -> None:
        """Move the stand-in on; `boot_id` when it is taken up again after a reboot."""
        self.connection.execute(
            "UPDATE stand_in SET phase = ?, boot_id = coalesce(?, boot_id)", (phase, boot_id)
        )

    def set_unready(self, what: str) -> None:
        """What the copy in use still lacks, in words; "": nothing."""
        self.connection.execute("UPDATE stand_in SET unready = ?", (what,))

    def release_stand_in(self) -> None:
        self.connection.execute("DELETE FROM stand_in")

    def set_application(self, process: tuple[int, float] | None) -> None:
        """Remember the process that we started: its id and creation time."""
        self.connection.execute("DELETE FROM application")
        if process is not None:
            self.connection.execute("INSERT INTO application VALUES (1, ?, ?)", process)

    def hold_address(self, held: HeldAddress) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO addresses VALUES (?, ?, ?, ?, ?)",
            (held.address, held.adapter, held.boot_id, held.server, held.since.isoformat()),
        )

    def drop_address(self, address: str) -> None:
        self.connection.execute("DELETE FROM addresses WHERE address = ?", (address,))

    def set_copy(self, copy: Copy) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?, ?, ?)",
            (
                copy.server,
                copy.kind,
                copy.as_of.isoformat(),
                copy.finished_at.isoformat(),
                copy.size_bytes,
                copy.version,
            ),
        )

    def set_row_state(self, state: RowState) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO followed VALUES (?, ?, ?, ?, ?, ?)",
            (
                state.server,
                state.as_of.isoformat() if state.as_of else None,
                state.behind,
                state.trouble,
                state.advice,
                json.dumps(dict(state.left)),
            ),
        )

    def set_row_trouble(self, server: str, trouble: str, advice: str) -> None:
        """Rows that were followed are not any more; nothing where none were."""
        self.connection.execute(
            "UPDATE followed SET behind = NULL, trouble = ?, advice = ? WHERE server = ?",
            (trouble, advice, server),
        )

    def forget_row_trouble(self, server: str) -> None:
        """The copy in which rows could not be followed is there no more."""
        self.connection.execute(
            "UPDATE followed SET trouble = '', advice = '' WHERE server = ?", (server,)
        )

    def begin_run(self, server: str, work: str, at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO runs (server, work, started_at) VALUES (?, ?, ?)",
            (server, work, at.isoformat()),
        )
        self.connection.execute(
            "DELETE FROM runs WHERE server = ? AND work = ? AND id <= (SELECT id FROM runs "
            "WHERE server = ? AND work = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (server, work, server, work, KEPT_RUNS),
        )

    def end_run(self, server: str, work: str, at: datetime, outcome: str) -> None:
        self.connection.execute(
            "UPDATE runs SET finished_at = ?, outcome = ? WHERE id = "
            "(SELECT max(id) FROM runs WHERE server = ? AND work = ?)",
            (at.isoformat(), one_line(outcome), server, work),
        )

    def observe(self, observations: Iterable[Observation]) -> None:
        self.connection.executemany(
            # In place: REPLACE takes the row out of its index, and puts it back, each round.
            "INSERT INTO observations VALUES (?, ?, ?, ?, ?) ON CONFLICT (server) DO UPDATE SET "
            "liveness = excluded.liveness, misses = excluded.misses, "
            "last_probe_at = excluded.last_probe_at, last_answer_at = excluded.last_answer_at",
            [
                (
                    seen.server,
                    seen.liveness,
                    seen.misses,
                    seen.last_probe_at.isoformat(),
                    seen.last_answer_at.isoformat() if seen.last_answer_at else None,
                )
                for seen in observations
            ],
        )

    def forget_liveness(self) -> None:
        """What a monitor before this one saw is not known any more; when it saw it is."""
        self.connection.execute("UPDATE observations SET liveness = 'unknown', misses = 0")

    def forget_observations(self, servers: Iterable[str]) -> None:
        self.connection.executemany(
            "DELETE FROM observations WHERE server = ?", [(server,) for server in servers]
        )

    def set_monitor(self, monitor: MonitorRecord) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO monitor VALUES (1, ?, ?, ?, ?, ?)",
            (
                monitor.pid,
                monitor.host,
                monitor.boot_id,
                monitor.started_at.isoformat(),
                monitor.heartbeat_at.isoformat(),
            ),
        )

    def beat(self, at: datetime) -> None:
        """The monitor has judged a round."""
        self.connection.execute("UPDATE monitor SET heartbeat_at = ?", (at.isoformat(),))

    def set_conditions(self, conditions: Iterable[Condition]) -> None:
        """These hold now, and no others."""
        self.connection.execute("DELETE FROM conditions")
        self.connection.executemany(
            "INSERT INTO conditions VALUES (?, ?, ?, ?, ?)",
            [
                (each.concern, each.server or "", each.text, each.advice, each.since.isoformat())
                for each in conditions
            ],
        )

    def _set(self, server: str, column: str, value: str | int) -> None:
        self.connection.execute(
            f"INSERT INTO servers (name, {column}) VALUES (?, ?) "  # noqa: S608 - our own column
            f"ON CONFLICT (name) DO UPDATE SET {column} = excluded.{column}",
            (server, value),
        )
