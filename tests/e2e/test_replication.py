"""Copies are made while the Primary works, and while it dies; the copy in use is always whole."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Self

import pytest

from ipfx_failover.replication import steps
from ipfx_failover.state import locks
from tests.support.office import INSERT_CALL, eventually, processes_on, rows_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

DATABASE_WORK = locks.database("DEMOSERVER")


class Writer(threading.Thread):
    """An application that writes without a pause; `written` are the calls that are committed."""

    def __init__(self, database: Path) -> None:
        super().__init__()
        self.written: list[str] = []
        self._database = database
        self._done = threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self._database, timeout=60, isolation_level=None)) as line:
            line.execute("PRAGMA synchronous = OFF")
            while not self._done.is_set():
                key = f"call-{len(self.written)}"
                line.execute(INSERT_CALL, (key,))
                self.written.append(key)

    def __enter__(self) -> Self:
        self.start()
        eventually(lambda: len(self.written) > 100, "100 calls are written")
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()


@contextmanager
def nobody_may_read(database: Path) -> Iterator[None]:
    """An application that keeps its database to itself for a while: a backup has to wait."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_database_under_constant_load_is_copied_as_it_was_at_one_moment(
    failover: FailoverServer, office: Office, journal: str
) -> None:
    with office.database(office.primary) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    with Writer(office.primary.database) as writer:
        before = len(writer.written)
        failover.replicate()
        after = len(writer.written)
    copied = failover.rows()

    assert copied == writer.written[: len(copied)]
    assert before <= len(copied) <= after
    assert office.rows(office.primary) == writer.written


def test_the_night_that_was_missed_is_caught_up_when_the_monitor_starts(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(replicate_daily="00:00:00")
    ready.age_copies(days=2)
    office.add_calls(office.primary, "three")
    since = ready.cursor
    ready.monitor()
    ready.wait_for_event("replicated", since=since)

    assert ready.rows() == ["one", "two", "three"]

    ready.run("replicate-from-live", "--all", "--if-due")

    assert ready.kinds("replicated", since=since) == ["replicated"]


def test_a_primary_that_dies_during_its_nightly_replication_is_taken_over_with_the_last_copy(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(replicate_daily="00:00:00")
    ready.age_copies(days=2)
    office.add_calls(office.primary, "three")
    with nobody_may_read(office.primary.database):
        ready.watching_monitor()
        ready.wait_until_step(steps.BACK_UP, DATABASE_WORK)
        since = ready.cursor
        office.pull_cable(office.primary.host)
        ready.wait_for_event("stand_in_started")
    preempted = ready.wait_for_event("replication_preempted")
    mail = ready.wait_for_mail("Daily Replication of DEMOSERVER failed")

    assert "replicate-from-live --all --if-due" in str(preempted.data["work"])
    assert ready.kinds("replicated", since=since) == []
    assert ready.rows() == ["one", "two"]
    assert office.served_by(office.primary.address) == "FAILOVER"
    assert [path.name for path in ready.database.parent.iterdir() if ".run-" in path.name] == []
    assert ready.unfinished == []
    assert mail.recipients


def test_a_primary_that_dies_while_files_are_synced_is_taken_over_with_those_that_came(
    ready: FailoverServer, office: Office
) -> None:
    ready.with_files()
    office.primary.start_application()
    ready.run("sync-files", "DEMOSERVER")
    ready.watching_monitor()
    left = office.ask(office.primary.address, "VOICEMAIL three 100")
    assert left is not None
    name, sha256 = str(left[0]["voicemail"]), str(left[0]["sha256"])
    eventually((ready.vm_dir / name).exists, "the voicemail is copied", explain=ready.explain)
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    known = office.ask(office.primary.address, "LIST")

    assert known is not None
    assert known[0]["voicemail"] == {name: sha256}
    assert known[0]["calls"] == ["one", "two"]


def test_voicemail_that_a_stand_in_took_reaches_the_primary_and_none_of_its_own_is_lost(
    ready: FailoverServer, office: Office
) -> None:
    ready.with_files()
    office.primary.start_application()
    before = office.ask(office.primary.address, "VOICEMAIL three 100")
    ready.run("sync-files", "DEMOSERVER")
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    during = office.ask(office.primary.address, "VOICEMAIL four 101")
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    office.stop_application(office.primary)
    ready.run("replicate-to-live", "DEMOSERVER", "--yes")
    office.primary.start_application()
    office.primary.host.announce(office.primary.address)
    known = office.ask(office.primary.address, "LIST")

    assert before is not None
    assert during is not None
    assert known is not None
    assert known[0]["voicemail"] == {a[0]["voicemail"]: a[0]["sha256"] for a in (before, during)}
    assert known[0]["calls"] == ["one", "two", "four"]


def test_a_sync_that_was_killed_is_started_again(ready: FailoverServer, office: Office) -> None:
    ready.with_files()
    ready.watching_monitor()
    ready.wait_until_runs_with("sync-files", "--watch")
    for process in processes_on(office.failover_server):
        if "--watch" in process.cmdline():
            os.kill(process.pid, 9)
    path = office.primary.vm_dir / "Mail" / "100" / "late.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"late")
    copy = ready.vm_dir / "Mail" / "100" / "late.wav"
    eventually(copy.exists, "the file is copied", explain=ready.explain)

    assert copy.read_bytes() == b"late"


def test_a_config_that_is_broken_while_the_monitor_runs_stops_no_failover(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    ready.config_path.write_text("this is [ no TOML", "utf-8")
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")

    assert office.served_by(office.primary.address) == "FAILOVER"


def test_what_a_stand_in_recorded_is_kept_when_it_is_discarded(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    assert office.ask(office.primary.address, "CALL three 100") is not None
    standing = ["replicate-from-live", "DEMOSERVER", "--discard-standby", "--yes"]
    ready.run(*standing, code=3)
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    ready.run(*standing)
    discarded = ready.wait_for_event("standby_discarded")

    assert ready.kept(str(discarded.data["kept"])) == ["one", "two", "three"]
    assert ready.rows() == ["one", "two"]
    assert not ready.is_ahead


def test_the_safety_backup_on_the_primary_is_the_database_that_was_there(
    ready: FailoverServer, office: Office
) -> None:
    ready.has_stood_in("three", voicemail="Mail/100/three.wav")
    office.add_calls(office.primary, "only there")
    done = ready.run("replicate-to-live", "DEMOSERVER", "--yes", "--json").document
    (result,) = done["results"]
    safety = office.primary.database.parent / str(result["safety_backup"]).split("/")[-1]

    assert rows_in(safety) == ["one", "two", "only there"]
    assert office.rows(office.primary) == ["one", "two", "three"]


def test_deletions_that_are_withheld_keep_no_database_from_being_given_back(
    ready: FailoverServer, office: Office
) -> None:
    ready.with_files()
    kept = [f"Mail/100/{number}.wav" for number in range(4)]
    for name in kept:
        path = office.primary.vm_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    ready.run("sync-files", "DEMOSERVER")
    ready.has_stood_in("three", voicemail="Mail/200/three.wav")
    for name in kept:
        (ready.vm_dir / name).unlink()
    done = ready.run("replicate-to-live", "DEMOSERVER", "--yes", "--json", code=6).document
    (result,) = done["results"]

    assert [line.split(":")[0] for line in result["error"]["details"]] == kept
    assert "safety_backup" in result
    assert office.rows(office.primary) == ["one", "two", "three"]
    assert all((office.primary.vm_dir / name).exists() for name in [*kept, "Mail/200/three.wav"])
    assert not ready.is_ahead

    ready.run("sync-files", "DEMOSERVER")

    assert all((ready.vm_dir / name).exists() for name in kept)
