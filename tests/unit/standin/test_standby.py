"""The standby's copy as a stand-in sees it: who works on it is ended; what was written shows."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.config.models import (
    Config,
    DatabaseSettings,
    FailoverServerSettings,
    ServerSettings,
)
from ipfx_failover.errors import Busy
from ipfx_failover.replication.places import database_path
from ipfx_failover.replication.steps import SWAP
from ipfx_failover.standin.standby import Standby, role_of
from ipfx_failover.state import locks
from ipfx_failover.state.journal import Step, StepState, close_journal, mark, open_journal
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.support.processes import child

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE, FILES = locks.database("DEMO"), locks.files("DEMO")
HOLDS = """
import sys
from pathlib import Path
from ipfx_failover.state.locks import Locks
with Locks(Path(sys.argv[1])).hold(sys.argv[2], "ipfx-failover replicate-from-live DEMO"):
    print("holds", flush=True)
    sys.stdin.read()
"""


def text_of_copy(server: ServerSettings) -> str:
    path = database_path(server)
    return path.read_text() if path is not None and path.exists() else ""


class Copy:
    """The copy of DEMO; `recovered`: whether both its locks were held at each recovery."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = FakeClock()
        self.locks = Locks(directory / "locks")
        self.store = Store(directory / "state")
        self.ended: list[int] = []
        self.recovered: list[bool] = []
        database = {"data_source": "/VM/app.db", "vm_dir": "/VM"}
        ssh = {"user": "ipfx", "key_file": "/etc/key"}
        self.config = Config.model_validate(
            {
                "servers": {
                    "DEMO": {
                        "address": "10.0.0.1",
                        "local_vm_dir": str(directory / "VM"),
                        "database": database,
                        "ssh": ssh,
                    }
                }
            }
        )
        self.standby = Standby(
            config=self.config,
            store=self.store,
            locks=self.locks,
            clock=self.clock,
            end_process=self.end,
            recover=self.recover,
            keep=lambda server: f"kept {server.name}",
            copy_obstacle=lambda _: None,
            take_copy=lambda _: [],
            give_copy_back=lambda _: None,
            database_fingerprint=text_of_copy,
        )
        (self.root / "Mail").mkdir(parents=True)
        (self.root / "Mail" / "a.wav").write_text("a")
        database_file = database_path(self.config.servers["DEMO"])
        assert database_file is not None
        database_file.parent.mkdir()
        database_file.write_text("rows")
        self.database = database_file

    @property
    def root(self) -> Path:
        return self.directory / "VM"

    def end(self, pid: int, created_at: float) -> None:  # noqa: ARG002 - the port
        self.ended.append(pid)
        os.kill(pid, signal.SIGTERM)

    def recover(self, server: ServerSettings) -> None:
        assert server.name == "DEMO"
        held = [self.locks.holder(resource) for resource in (DATABASE, FILES)]
        self.recovered.append(all(holder and holder.pid == os.getpid() for holder in held))

    def begin_swap(self) -> None:
        with self.store.transaction() as tx:
            open_journal(
                tx,
                resource=DATABASE,
                workflow="replicate-from-live",
                server="DEMO",
                boot_id="boot 1",
                steps=[Step(SWAP, {})],
                at=self.clock.now(),
            )
            mark(tx, DATABASE, 0, StepState.DOING)

    def end_swap(self) -> None:
        with self.store.transaction() as tx:
            close_journal(tx, DATABASE)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy(tmp_path)
    yield made
    made.store.close()


def test_nobody_works_on_it_and_its_journal_is_recovered_under_both_locks(copy: Copy) -> None:
    assert [] == copy.standby.evict("DEMO")
    assert [True] == copy.recovered
    assert copy.locks.holder(DATABASE) is None


@pytest.mark.parametrize("resource", [DATABASE, FILES])
def test_whoever_works_on_it_is_ended(copy: Copy, resource: str) -> None:
    with child(HOLDS, copy.directory / "locks", resource) as worker:
        assert "holds" == worker.line()

        assert ["ipfx-failover replicate-from-live DEMO"] == copy.standby.evict("DEMO")
        assert [worker.pid] == copy.ended
    assert [True] == copy.recovered


def test_one_that_cannot_be_ended_is_not_waited_for_for_ever(copy: Copy) -> None:
    stubborn = Standby(
        config=copy.config,
        store=copy.store,
        locks=QuickLocks(copy.directory / "locks"),
        clock=copy.clock,
        end_process=lambda _pid, _created_at: None,
        recover=copy.recover,
        keep=lambda server: server.name,
        copy_obstacle=lambda _: None,
        take_copy=lambda _: [],
        give_copy_back=lambda _: None,
        database_fingerprint=text_of_copy,
    )
    with child(HOLDS, copy.directory / "locks", DATABASE) as worker:
        assert "holds" == worker.line()

        with pytest.raises(Busy, match="replicate-from-live DEMO"):
            stubborn.evict("DEMO")
    assert [] == copy.recovered


def test_a_swap_is_let_finish_before_its_process_is_ended(copy: Copy) -> None:
    copy.begin_swap()
    begun_ns = copy.clock.monotonic_ns()
    copy.clock.at(begun_ns + 2_000_000_000, copy.end_swap)
    with child(HOLDS, copy.directory / "locks", DATABASE) as worker:
        assert "holds" == worker.line()
        copy.standby.evict("DEMO")

    assert 2.0 <= (copy.clock.monotonic_ns() - begun_ns) / 1e9 < 2.1


def test_a_swap_that_hangs_is_waited_for_no_longer_than_three_seconds(copy: Copy) -> None:
    copy.begin_swap()
    begun_ns = copy.clock.monotonic_ns()
    with child(HOLDS, copy.directory / "locks", DATABASE) as worker:
        assert "holds" == worker.line()
        copy.standby.evict("DEMO")

    assert 3.0 <= (copy.clock.monotonic_ns() - begun_ns) / 1e9 < 3.1


def test_a_swap_whose_process_is_dead_is_not_waited_for(copy: Copy) -> None:
    copy.begin_swap()
    begun_ns = copy.clock.monotonic_ns()
    copy.standby.evict("DEMO")

    assert begun_ns == copy.clock.monotonic_ns()


def test_what_the_application_writes_changes_the_fingerprint(copy: Copy) -> None:
    prints = [copy.standby.fingerprint("DEMO"), copy.standby.fingerprint("DEMO")]
    copy.database.write_text("more rows")
    prints.append(copy.standby.fingerprint("DEMO"))
    (copy.root / "Mail" / "b.wav").write_text("b")
    prints.append(copy.standby.fingerprint("DEMO"))
    os.utime(copy.root / "Mail" / "a.wav", ns=(1, 1))
    prints.append(copy.standby.fingerprint("DEMO"))
    (copy.root / "Mail" / "a.wav").unlink()
    prints.append(copy.standby.fingerprint("DEMO"))

    assert prints[0] == prints[1]
    assert 5 == len(set(prints))


def test_what_lies_beside_the_database_does_not_change_the_fingerprint(copy: Copy) -> None:
    before = copy.standby.fingerprint("DEMO")
    (copy.database.parent / "previous").write_text("x")

    assert before == copy.standby.fingerprint("DEMO")


def test_the_role_names_the_standbys_own_places(copy: Copy) -> None:
    role = role_of(
        copy.config.servers["DEMO"], FailoverServerSettings(vm_local_dir=Path("/opt/ipfx"))
    )

    assert ("DEMO_CTSERVER", str(copy.database), str(copy.root), "/opt/ipfx") == (
        role.catalog,
        role.database,
        role.vm_dir,
        role.vm_local_dir,
    )


def test_the_role_of_a_sql_server_names_the_instance_and_its_catalog(copy: Copy) -> None:
    database: dict[str, object] = {
        "engine": "sqlserver",
        "data_source": "DEMO",
        "password": {"env": "PASSWORD"},
        "vm_dir": "C:\\VM",
    }
    server = copy.config.servers["DEMO"]
    settings = DatabaseSettings.model_validate(database)
    role = role_of(
        server.model_copy(update={"database": settings}),
        FailoverServerSettings(data_source="STANDBY\\CT"),
    )

    assert ("STANDBY\\CT", "DEMO_CTSERVER") == (role.database, role.catalog)


class QuickLocks(Locks):
    """Locks for which nobody waits."""

    @contextmanager
    def hold(
        self,
        resource: str,
        work: str,
        *,
        wait_s: float = 0.0,  # noqa: ARG002 - of the port
    ) -> Iterator[None]:
        with super().hold(resource, work):
            yield
