"""A Primary dies while its copy is being made, or held, or is given back (simulated)."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Authority
from ipfx_failover.replication import steps
from ipfx_failover.replication.sqlserver import steps as own
from ipfx_failover.state import locks
from tests.sqlserver import drivers
from tests.support.office import eventually, inside
from tests.support.sqlserver_pair import CATALOG, COPY
from tests.support.sqlserver_process import SqlServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfxlab.host import Host

    from tests.support.commands import Command
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

APPLICATION = Path(__file__).parents[1] / "support" / "answering.py"
CALLS = "SELECT text FROM calls ORDER BY id"
IS_OFF = "SELECT is_disabled FROM sys.triggers"
DATABASE_WORK = locks.database("DEMOSERVER")
PORT = 1433
NIGHTLY = "replicate-from-live --all --if-due"


@dataclass
class Machine:
    """A host, and the SQL Server on it."""

    host: Host
    server: SqlServerProcess

    def run(self, sql: str, database: str = "master") -> list[str]:
        """The first column of what a batch yields."""
        with inside(self.host):
            return [str(row[0]) for row in self.server.run(sql, database=database)]

    def catalogs(self) -> list[str]:
        return self.run("SELECT name FROM sys.databases WHERE database_id > 4 ORDER BY name")

    def files_of_nobody(self, directory: Path) -> list[str]:
        """What lies in a directory that no catalog uses, but for the backups that are kept."""
        used = self.run("SELECT physical_name FROM sys.master_files")
        found = (path for path in directory.iterdir() if not path.name.endswith("Z.bak"))
        return [path.name for path in found if str(path) not in used]

    def asked(self) -> list[str]:
        """What it was sent, but for the looks of who waits for it."""
        return [each.sql for each in self.server.statements() if "dm_exec_requests" not in each.sql]


@pytest.fixture
def live(office: Office, tmp_path: Path) -> Iterator[Machine]:
    yield from machine(office.primary.host, tmp_path / "live")


@pytest.fixture
def standby(office: Office, tmp_path: Path) -> Iterator[Machine]:
    yield from machine(office.failover_server, tmp_path / "standby")


def machine(host: Host, directory: Path) -> Iterator[Machine]:
    network = ("nsenter", f"--net=/proc/{host.init_pid}/ns/net", "--")
    with SqlServerProcess(directory, host="0.0.0.0", port=PORT, inside=network) as server:  # noqa: S104
        yield Machine(host, server)


@pytest.fixture
def copied(
    failover: FailoverServer, office: Office, live: Machine, standby: Machine, tmp_path: Path
) -> FailoverServer:
    """With a copy of a catalog with one call, which is to be replicated; `standby` has it."""
    assert standby.catalogs() == []
    login = {
        "password": {"file": secret(tmp_path)},
        "sql": {
            "driver": drivers.microsoft().library,
            "encrypt": False,
            "trust_server_certificate": True,
        },
    }
    (tmp_path / "behaviour").write_text("good")
    start = [sys.executable, str(APPLICATION), str(tmp_path)]
    application = {"start": start, "ready_port": None}
    source = f"{office.primary.management_address},{PORT}"
    ours = {"data_source": f"127.0.0.1,{PORT}", "application": application, **login}
    failover.configure({"failover_server": ours})
    failover.configure_server(
        replicate_daily="00:00:00",
        database={"engine": "sqlserver", "data_source": source, **login},
    )
    live.run(f"CREATE DATABASE {CATALOG}")
    live.run(
        "CREATE TABLE calls (id int IDENTITY PRIMARY KEY, text nvarchar(50)); "
        "INSERT INTO calls (text) VALUES (N'one')",
        CATALOG,
    )
    return failover


def secret(directory: Path) -> str:
    path = directory / "password"
    path.write_text(drivers.PASSWORD)
    path.chmod(0o600)
    return str(path)


STANDS_STILL = "times = 0\nstall_s = 3600.0"


def replicating(
    copied: FailoverServer,
    live: Machine,
    statement: str,
    step: str,
    *,
    on: Machine | None = None,
    fault: str = STANDS_STILL,
) -> Command:
    """It is night: a monitor replicates, until a server stands still at a statement.

    `on`: that server; else the live one. `fault`: how it does.
    """
    copied.replicate()
    copied.age_copies(days=2)
    live.run("INSERT INTO calls (text) VALUES (N'two')", CATALOG)
    (on or live).server.misbehave(f"[[fault]]\nstatement = '{statement}'\n{fault}\n")
    monitor = copied.watching_monitor()
    copied.wait_until_step(step, DATABASE_WORK)
    return monitor


def uses_the_last_copy(copied: FailoverServer, standby: Machine, tmp_path: Path) -> None:
    eventually((tmp_path / "environment.json").exists, "the application is started")
    told = json.loads((tmp_path / "environment.json").read_text("utf-8"))

    assert COPY == told["IPFX_CATALOG"]
    assert ["one"] == standby.run(CALLS, COPY)
    assert [] == copied.unfinished


def stands_in_on_the_last_copy(copied: FailoverServer, standby: Machine, tmp_path: Path) -> None:
    uses_the_last_copy(copied, standby, tmp_path)

    assert [COPY] == standby.catalogs()
    assert [] == standby.files_of_nobody(copied.vm_dir / "DB")


def test_a_takeover_ends_a_nightly_backup_and_asks_the_primary_nothing(
    copied: FailoverServer, office: Office, live: Machine, standby: Machine, tmp_path: Path
) -> None:
    copied.configure_server(assume_ip=False)
    monitor = replicating(copied, live, "^BACKUP", steps.BACK_UP)
    office.ignore_pings(office.primary.host)  # it would answer all else
    copied.wait_for_event("takeover_started")
    asked = live.asked()
    copied.wait_for_event("stand_in_started")
    preempted = copied.wait_for_event("replication_preempted")
    copied.wait_for_mail("Daily Replication of DEMOSERVER failed")

    assert asked == live.asked()
    assert NIGHTLY in str(preempted.data["work"])
    stands_in_on_the_last_copy(copied, standby, tmp_path)

    monitor.stop()
    live.server.misbehave("")
    copied.run("stop-failover", "DEMOSERVER", "--yes")
    copied.run("replicate-from-live", "DEMOSERVER", "--discard-standby", "--yes")

    assert ["one", "two"] == standby.run(CALLS, COPY)
    assert [] == live.files_of_nobody(office.primary.vm_dir / "DB")


def test_a_takeover_ends_what_catches_up_at_once_and_does_not_take_it_for_a_swap(
    copied: FailoverServer, office: Office, live: Machine, standby: Machine, tmp_path: Path
) -> None:
    copied.configure_server(real_time="all")
    copied.run("hot", "enable", "DEMOSERVER", "--yes")
    replicating(copied, live, "CHANGETABLE", own.CATCH_UP)
    office.pull_cable(office.primary.host)
    copied.wait_for_event("stand_in_started")
    preempted = [str(event.data["work"]) for event in copied.events("replication_preempted")]

    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert [True, True] == [NIGHTLY in preempted[0], "sync-rows" in preempted[1]]
    stands_in_on_the_last_copy(copied, standby, tmp_path)


def test_a_takeover_ends_a_restore_half_way_and_removes_what_it_has_made(
    copied: FailoverServer, office: Office, live: Machine, standby: Machine, tmp_path: Path
) -> None:
    half_way = f"percent = 50\n{STANDS_STILL}"
    monitor = replicating(
        copied, live, "^RESTORE DATABASE", own.RESTORE, on=standby, fault=half_way
    )
    eventually(lambda: len(standby.catalogs()) == 2, "half of it is restored")
    office.pull_cable(office.primary.host)
    copied.wait_for_event("stand_in_started")
    preempted = copied.wait_for_event("replication_preempted")
    rolled_back = copied.wait_for_mail("Daily Replication of DEMOSERVER was rolled back")
    told = " ".join(rolled_back.text.split())

    assert NIGHTLY in str(preempted.data["work"])
    assert "the standby copy is the one that it was" in told
    assert "When it is repaired: ipfx-failover stop-failover DEMOSERVER" in told
    assert "replicate-from-live" not in told
    stands_in_on_the_last_copy(copied, standby, tmp_path)

    monitor.stop()
    standby.server.misbehave("")
    copied.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    copied.run("replicate-from-live", "DEMOSERVER", "--discard-standby", "--yes")

    assert ["one", "two"] == standby.run(CALLS, COPY)
    assert [COPY] == standby.catalogs()
    assert [] == standby.files_of_nobody(copied.vm_dir / "DB")


def test_what_somebody_held_at_a_takeover_is_done_by_the_monitor_when_it_is_let_go(
    copied: FailoverServer, office: Office, live: Machine, standby: Machine
) -> None:
    live.run("CREATE TRIGGER tr_calls ON calls AFTER DELETE AS RETURN", CATALOG)
    copied.replicate()
    copied.watching_monitor()
    with inside(standby.host):
        holder = standby.server.connect(COPY)
    with closing(holder):
        holder.execute("BEGIN TRANSACTION; UPDATE calls SET text = N'held'")
        office.pull_cable(office.primary.host)
        copied.wait_for_event("stand_in_started")
        copied.wait_for_event("copy_not_ready")
        copied.wait_for_mail("not quite ready")
        shown = copied.run("status").out

        assert ["True"] == standby.run(IS_OFF, COPY)
        assert "NOT quite ready" in shown

        holder.execute("ROLLBACK")
        copied.wait_for_event("copy_ready")

    assert ["False"] == standby.run(IS_OFF, COPY)
    assert "NOT quite ready" not in copied.run("status").out
    assert 1 == len(copied.events("copy_not_ready")) == len(copied.events("stand_in_started"))


def test_behind_a_hot_failback_a_monitor_makes_a_whole_copy_that_rows_are_added_to(
    copied: FailoverServer, live: Machine, standby: Machine
) -> None:
    copied.configure_server(real_time="all")
    copied.run("hot", "enable", "DEMOSERVER", "--yes")
    copied.replicate()
    standby.run("INSERT INTO calls (text) VALUES (N'stood in')", COPY)
    with copied.store() as store, store.transaction() as tx:
        tx.set_authority("DEMOSERVER", Authority.STANDBY)
        tx.set_failback_pending("DEMOSERVER", pending=True)
    copied.watching_monitor()
    copied.run("replicate-to-live", "DEMOSERVER", "--yes")
    since = copied.cursor
    live.run("INSERT INTO calls (text) VALUES (N'since')", CATALOG)
    copied.wait_for_event("replicated", since=since)
    live.run("INSERT INTO calls (text) VALUES (N'last')", CATALOG)
    eventually(lambda: standby.run(CALLS, COPY)[-1] == "last", "the last call has followed")
    eventually(lambda: "and 0 rows behind" in copied.run("status").out, "status says so")

    assert ["one", "stood in", "since", "last"] == standby.run(CALLS, COPY)
    assert ["one", "stood in", "since", "last"] == live.run(CALLS, CATALOG)
    assert [COPY] == standby.catalogs()
    assert [] == copied.unfinished
