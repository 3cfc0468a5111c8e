"""Ctrl-C while the night's backup is kept: the copy is in use by then, and nothing is undone."""

from __future__ import annotations

from contextlib import nullcontext

from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.config.models import DatabaseSettings
from ipfx_failover.errors import Interrupted
from ipfx_failover.replication.sqlserver.side import SqlServerSide
from ipfx_failover.replication.sqlserver.steps import KeepBackup, SqlServerWork
from ipfx_failover.replication.steps import ReplicationPorts, TidyUp
from ipfx_failover.wiring.sqlserver_copies import NotAsked
from tests.fakes.clock import FakeClock
from tests.support.replication import NOTHING_SYNCED

PATH = "/copies/DB/DEMO_CTSERVER.run-20260303T010000000.bak"


class InterruptedHost(LocalHost):
    """This machine; the operator ends the work as soon as it looks at a file."""

    def stat(self, path: str) -> None:
        raise Interrupted(f"interrupted at {path}", "run the same command again when it suits")


def test_an_interrupt_while_the_backup_is_kept_is_told_at_the_end() -> None:
    host = InterruptedHost("the Failover Server")
    side = SqlServerSide(
        NotAsked("DEMO"), host, FakeClock(), is_copy=True, before_swap=lambda _: nullcontext()
    )
    step = KeepBackup(SqlServerWork({"standby": side}, DatabaseSettings(data_source="/app.db")))
    kept = step.do({"side": "standby", "path": PATH, "keep": 3, "current": "DEMO_CTSERVER"})
    ports = ReplicationPorts({"standby": side}, lambda *_: None, lambda: NOTHING_SYNCED, {})
    tidied = TidyUp(ports).do({**kept.facts, "standby_files": PATH})

    assert {
        "left_behind": f"{PATH} on {side.name}: it was interrupted",
        "was_interrupted": True,
    } == tidied.facts
