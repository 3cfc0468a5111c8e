"""A server whose two sides are directories of this machine: real SQLite, a clock that is moved."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ipfx_failover.adapters.db.sqlite import LocalSqlite
from ipfx_failover.config.models import Config
from ipfx_failover.files.values import Direction, SyncResult
from ipfx_failover.records import Authority
from ipfx_failover.replication.full import Replicator
from ipfx_failover.replication.steps import MAKE_ROOM, MakeRoom, ReplicationPorts
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ipfx_failover.errors import FailoverError
    from ipfx_failover.events import Event
    from ipfx_failover.replication.engine import Backup

DEMO = "DEMO"
NOTHING_SYNCED = SyncResult(
    direction=Direction.TO_LIVE,
    copied=0,
    deleted=0,
    copied_bytes=0,
    skipped=(),
    failed=(),
    kept_target_only=(),
    kept_changed=(),
    withheld=None,
    notes=(),
    duration_s=0.0,
)


class Copies:
    """The database of DEMO on both sides, and what replicates it.

    `carrying`: what happens while a backup is carried; it may move the clock, or raise. `synced`:
    what comes of the files. `dropping`: what goes wrong when files with such an ending are removed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.live = directory / "live" / "app.db"
        self.vm_dir = directory / "standby"
        self.standby = self.vm_dir / "DB" / "DEMO_CTSERVER.db"
        self.clock = FakeClock()
        self.store = Store(directory / "state")
        self.carrying: Callable[[], None] = lambda: None
        self.synced = NOTHING_SYNCED
        self.dropping: dict[str, FailoverError] = {}
        (directory / "live").mkdir()
        set_text(self.live, "first")
        config = Config.model_validate(
            {
                "servers": {
                    DEMO: {
                        "address": "10.0.0.1",
                        "local_vm_dir": str(self.vm_dir),
                        "database": {"data_source": str(self.live)},
                        "files": {"transport": "path", "path": str(directory / "live")},
                        "ssh": {"user": "ipfx", "key_file": str(directory / "key")},
                    }
                }
            }
        )
        self.server = config.servers[DEMO]

    def close(self) -> None:
        self.store.close()

    def replicator(self) -> Replicator:
        sides = {"live": _side(self.dropping), "standby": _side(self.dropping)}
        return Replicator(
            server=self.server,
            ports=ReplicationPorts(
                sides=sides,
                carry=self._carry,
                sync_files_to_live=lambda: self.synced,
                own_kinds={MAKE_ROOM: MakeRoom(sides)},
            ),
            store=self.store,
            locks=Locks(self.directory / "locks"),
            clock=self.clock,
            boot_id="boot",
            run_id="1",
        )

    def _carry(self, to_side: str, backup: Backup, to: str, like: str) -> None:  # noqa: ARG002
        self.carrying()
        shutil.copy(backup.path, to)

    def is_ahead(self) -> None:
        """The standby has recorded what the live server has not."""
        with self.store.transaction() as tx:
            tx.set_authority(DEMO, Authority.STANDBY)
            tx.set_failback_pending(DEMO, pending=True)

    def events(self, *kinds: str) -> list[Event]:
        """What was reported, of these kinds."""
        return [logged.event for logged in self.store.events_after(0) if logged.event.kind in kinds]

    @property
    def subjects(self) -> list[str]:
        """What was mailed, or is to be."""
        rows = self.store.rows("SELECT subject FROM outbox ORDER BY rowid")
        return [str(row["subject"]) for row in rows]


def _side(dropping: Mapping[str, FailoverError]) -> LocalSqlite:
    """SQLite, where something keeps files from being removed."""

    class Side(LocalSqlite):
        def drop(self, *databases: str) -> None:
            for each in databases:
                for ending, error in dropping.items():
                    if each.endswith(ending):
                        raise error
                super().drop(each)

    return Side()


def set_text(database: Path, text: str) -> None:
    """Make a database with one row in it."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE calls (text TEXT)")
        connection.execute("INSERT INTO calls VALUES (?)", (text,))


def text_in(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT text FROM calls").fetchone()[0])
