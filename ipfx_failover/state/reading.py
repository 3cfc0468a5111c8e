"""Reading the state store: rows become the frozen values of `records`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ipfx_failover.decide.age import whole_as_of
from ipfx_failover.records import (
    Authority,
    Concern,
    Condition,
    Copy,
    HeldAddress,
    Mode,
    MonitorRecord,
    Observation,
    Phase,
    RowState,
    RunOutcome,
    ServerState,
    StandIn,
)
from ipfx_failover.state.log import Log
from ipfx_failover.state.rows import sound, time, time_or_none

if TYPE_CHECKING:
    from datetime import datetime


class Reading(Log):
    """Everything that can be asked of the store.

    Raises: as `Rows`.
    """

    def data_version(self) -> int:
        """Changes whenever another connection has committed (5 microseconds)."""
        return self.numbers("PRAGMA data_version")[0]

    def revision(self) -> int:
        """Counts the changes of what decisions depend on: modes, authority, stand-in, copies."""
        return self.numbers("SELECT number FROM revision")[0]

    def position(self) -> tuple[int, int]:
        """`revision` and `last_cursor`: neither a mode nor an alert changes without one of them."""
        number, cursor = self.numbers(
            "SELECT number, (SELECT coalesce(max(id), 0) FROM events) FROM revision"
        )
        return number, cursor

    @sound
    def server(self, name: str) -> ServerState:
        """A server's state; the defaults for one that the store does not know."""
        row = self.row("SELECT * FROM servers WHERE name = ?", name)
        return ServerState(name=name) if row is None else _server(row)

    @sound
    def servers(self) -> dict[str, ServerState]:
        """All remembered servers, by name."""
        return {row["name"]: _server(row) for row in self.rows("SELECT * FROM servers")}

    @sound
    def observations(self) -> dict[str, Observation]:
        return {
            row["server"]: Observation(
                server=row["server"],
                liveness=row["liveness"],
                misses=row["misses"],
                last_probe_at=time(row["last_probe_at"]),
                last_answer_at=time_or_none(row["last_answer_at"]),
            )
            for row in self.rows("SELECT * FROM observations")
        }

    @sound
    def stand_in(self) -> StandIn | None:
        row = self.row("SELECT * FROM stand_in")
        if row is None:
            return None
        return StandIn(
            server=row["server"],
            boot_id=row["boot_id"],
            since=time(row["since"]),
            phase=Phase(row["phase"]),
            address=row["address"],
            adapter=row["adapter"],
            unready=row["unready"],
        )

    def application(self) -> tuple[int, float] | None:
        """Process id and creation time (s since the epoch) of the application that we started."""
        row = self.row("SELECT pid, created_at FROM application")
        return None if row is None else (row["pid"], row["created_at"])

    @sound
    def held_addresses(self) -> list[HeldAddress]:
        return [
            HeldAddress(
                address=row["address"],
                adapter=row["adapter"],
                boot_id=row["boot_id"],
                server=row["server"],
                since=time(row["since"]),
            )
            for row in self.rows("SELECT * FROM addresses ORDER BY address")
        ]

    @sound
    def copy(self, server: str, kind: str) -> Copy | None:
        """The copy of a server's `database` or `files`."""
        row = self.row("SELECT * FROM copies WHERE server = ? AND kind = ?", server, kind)
        return None if row is None else _copy(row)

    def database_as_of(self, server: str, *, follows_all: bool) -> datetime | None:
        """As of when all of the standby's database is; `follows_all`: its rows, by the config."""
        return whole_as_of(
            self.copy(server, "database"),
            self.row_states().get(server.casefold()),
            follows_all=follows_all,
            stale=self.server(server).stale,
        )

    @sound
    def copies(self) -> dict[tuple[str, str], Copy]:
        """All copies, by server (case folded) and kind."""
        return {
            (row["server"].casefold(), row["kind"]): _copy(row)
            for row in self.rows("SELECT * FROM copies")
        }

    @sound
    def last_run(self, server: str, work: str) -> tuple[datetime, str | None] | None:
        """When `work` last began for `server`, and how it ended (None: it has not)."""
        row = self.row(
            "SELECT started_at, outcome FROM runs WHERE server = ? AND work = ? "
            "ORDER BY id DESC LIMIT 1",
            server,
            work,
        )
        return None if row is None else (time(row["started_at"]), row["outcome"])

    @sound
    def last_done(self, server: str, *works: str) -> str | None:
        """Which of these works was last done for `server`; None: none was."""
        row = self.row(
            "SELECT work FROM runs WHERE server = ? AND outcome IN (?, ?) "
            "AND work IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT 1",
            server,
            RunOutcome.DONE,
            RunOutcome.EXCEPTIONS,
            json.dumps(works),
        )
        return None if row is None else str(row["work"])

    @sound
    def monitor(self) -> MonitorRecord | None:
        row = self.row("SELECT * FROM monitor")
        if row is None:
            return None
        return MonitorRecord(
            pid=row["pid"],
            host=row["host"],
            boot_id=row["boot_id"],
            started_at=time(row["started_at"]),
            heartbeat_at=time(row["heartbeat_at"]),
        )

    @sound
    def row_states(self) -> dict[str, RowState]:
        """How far rows were followed, by server (case folded)."""
        return {
            row["server"].casefold(): RowState(
                server=row["server"],
                as_of=time_or_none(row["as_of"]),
                behind=row["behind"],
                trouble=row["trouble"],
                advice=row["advice"],
                left=dict(json.loads(row["tables_left"])),
            )
            for row in self.rows("SELECT * FROM followed")
        }

    @sound
    def conditions(self) -> list[Condition]:
        """What the monitor that runs, or ran last, was kept from; the latest last."""
        return [
            Condition(
                concern=Concern(row["concern"]),
                server=row["server"] or None,
                text=row["text"],
                advice=row["advice"],
                since=time(row["since"]),
            )
            for row in self.rows("SELECT * FROM conditions ORDER BY since")
        ]


def _server(row: dict[str, Any]) -> ServerState:
    return ServerState(
        name=row["name"],
        mode=Mode(row["mode"]),
        authority=Authority(row["authority"]),
        failback_pending=bool(row["failback_pending"]),
        stale=bool(row["stale"]),
        answered_boot_id=row["answered_boot_id"],
        last_failover_at=time_or_none(row["last_failover_at"]),
        attempts=row["attempts"],
    )


def _copy(row: dict[str, Any]) -> Copy:
    return Copy(
        server=row["server"],
        kind=row["kind"],
        as_of=time(row["as_of"]),
        finished_at=time(row["finished_at"]),
        size_bytes=row["size_bytes"],
        version=row["version"],
    )
