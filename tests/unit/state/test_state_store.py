"""The state store: what it keeps, and what it does when the disk or another process misbehaves."""

from __future__ import annotations

import signal
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.errors import FailoverError, InDoubt, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import (
    Authority,
    Copy,
    HeldAddress,
    Mode,
    MonitorRecord,
    Observation,
    Phase,
    ServerState,
    StandIn,
)
from ipfx_failover.state.log import Wanted
from ipfx_failover.state.store import BALLAST, DATABASE, StateUnwritableError, Store
from ipfx_failover.state.telling import KEPT_EVENTS, LASTING_FOR
from ipfx_failover.state.writing import KEPT_RUNS
from tests.support.processes import child

if TYPE_CHECKING:
    from ipfx_failover.workflow.ports import Effect

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
STAND_IN = StandIn("DEMO", "boot 1", NOON, Phase.TAKING_OVER, "10.0.0.1", "eth0")


def stop_and_fail(store: Store) -> None:
    with store.transaction() as tx:
        tx.set_mode("DEMO", Mode.STOPPED)
        tx.emit(Event(EventKind.STOPPED, NOON, "DEMO"))
        raise ValueError("in the middle")


def test_a_server_that_nobody_knows_has_the_defaults(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert ServerState(name="DEMO") == store.server("DEMO")
        assert {} == store.servers()


def test_everything_that_is_written_is_read_back(tmp_path: Path) -> None:
    state = ServerState(
        "DEMO",
        Mode.SUSPENDED,
        Authority.STANDBY,
        failback_pending=True,
        stale=True,
        answered_boot_id="boot 1",
        last_failover_at=NOON,
        attempts=3,
    )
    copy = Copy("DEMO", "database", NOON, NOON + timedelta(seconds=2), 7, "v1")
    held = HeldAddress("10.0.0.1", "eth0", "boot 1", "DEMO", NOON)
    seen = Observation("DEMO", "ok", 0, NOON, None)
    monitor = MonitorRecord(7, "us", "boot 1", NOON, NOON)
    with Store(tmp_path) as store, store.transaction() as tx:
        tx.set_mode("DEMO", state.mode)
        tx.set_authority("DEMO", state.authority)
        tx.set_failback_pending("DEMO", pending=True)
        tx.set_stale("DEMO", stale=True)
        tx.set_answered("DEMO", "boot 1")
        tx.set_last_failover("DEMO", NOON)
        tx.set_attempts("DEMO", 3)
        tx.claim_stand_in(STAND_IN)
        tx.set_phase(Phase.STANDING_IN)
        tx.set_application((42, 1.25))
        tx.set_copy(copy)
        tx.hold_address(held)
        tx.observe([seen])
        tx.set_monitor(monitor)
        tx.begin_run("DEMO", "replicate-from-live", NOON)
    with Store(tmp_path) as store:
        stand_in = store.stand_in()

        assert state == store.server("DEMO")
        assert stand_in is not None
        assert (Phase.STANDING_IN, "boot 1") == (stand_in.phase, stand_in.boot_id)
        assert (42, 1.25) == store.application()
        assert copy == store.copy("DEMO", "database")
        assert [held] == store.held_addresses()
        assert {"DEMO": seen} == store.observations()
        assert monitor == store.monitor()
        assert (NOON, None) == store.last_run("DEMO", "replicate-from-live")


def test_the_case_of_a_name_makes_no_second_server(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.set_mode("Demo", Mode.STOPPED)
            tx.set_authority("DEMO", Authority.STANDBY)

        assert ["Demo"] == list(store.servers())
        assert (Mode.STOPPED, Authority.STANDBY) == (
            store.server("demo").mode,
            store.server("demo").authority,
        )


def test_nothing_of_a_transaction_stays_when_it_fails(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with pytest.raises(ValueError, match="in the middle"):
            stop_and_fail(store)

        assert Mode.MONITORING is store.server("DEMO").mode
        assert 0 == store.last_cursor()
        with store.transaction() as tx:
            tx.set_mode("DEMO", Mode.STOPPED)
        assert Mode.STOPPED is store.server("DEMO").mode


def test_there_is_one_role_whoever_claims_it(tmp_path: Path) -> None:
    with Store(tmp_path) as ours, Store(tmp_path) as theirs:
        with ours.transaction() as tx:
            tx.claim_stand_in(STAND_IN)

        with pytest.raises(sqlite3.IntegrityError), theirs.transaction() as tx:
            tx.claim_stand_in(StandIn("OTHER", "boot 1", NOON, Phase.TAKING_OVER, None, None))

        stand_in = theirs.stand_in()
        assert stand_in is not None
        assert "DEMO" == stand_in.server


def test_a_change_by_another_process_is_noticed(tmp_path: Path) -> None:
    with Store(tmp_path) as ours, Store(tmp_path) as theirs:
        before = ours.data_version()
        assert before == ours.data_version()

        with theirs.transaction() as tx:
            tx.set_mode("DEMO", Mode.STOPPED)

        assert before != ours.data_version()


def test_what_decisions_depend_on_counts_its_changes_and_heartbeats_do_not(tmp_path: Path) -> None:
    changes: tuple[Effect, ...] = (
        lambda tx: tx.set_mode("DEMO", Mode.STOPPED),
        lambda tx: tx.set_mode("DEMO", Mode.MONITORING),
        lambda tx: tx.claim_stand_in(STAND_IN),
        lambda tx: tx.set_phase(Phase.STANDING_IN),
        lambda tx: tx.release_stand_in(),
        lambda tx: tx.set_copy(Copy("DEMO", "files", NOON, NOON, 7, "v1")),
        lambda tx: tx.hold_address(HeldAddress("10.0.0.1", "eth0", "boot 1", None, NOON)),
        lambda tx: tx.drop_address("10.0.0.1"),
    )
    with Store(tmp_path) as store:
        revisions = [store.revision()]
        for change in changes:
            with store.transaction() as tx:
                change(tx)
            revisions.append(store.revision())
        with store.transaction() as tx:
            tx.observe([Observation("DEMO", "ok", 0, NOON, None)])
            tx.set_monitor(MonitorRecord(7, "us", "boot 1", NOON, NOON))
            tx.emit(Event(EventKind.SERVER_ANSWERING, NOON, "DEMO"))

        assert sorted(set(revisions)) == revisions
        assert revisions[-1] == store.revision()


def test_events_are_read_by_cursor(tmp_path: Path) -> None:
    event = Event(EventKind.SERVER_FAILED, NOON, "DEMO", {"misses": 15})
    with Store(tmp_path) as store:
        for _ in range(3):
            with store.transaction() as tx:
                tx.emit(event)

        assert [event] * 3 == [logged.event for logged in store.events_after(0)]
        assert [3] == [logged.cursor for logged in store.events_after(2)]
        assert [] == store.events_after(store.last_cursor())


def test_the_log_does_not_grow_for_ever_and_keeps_what_is_still_open(tmp_path: Path) -> None:
    failed = Event(EventKind.FILE_SYNC_FAILED, NOON, "DEMO", {"reason": "no space"})
    seen = Event(EventKind.SERVER_ANSWERING, NOON, "DEMO")
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.emit(failed)
            tx.connection.execute(
                "WITH RECURSIVE n (id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM n WHERE id < ?) "
                "INSERT INTO events SELECT id, '2026-03-04T12:00:00+00:00', 'suspended', 'DEMO', "
                "'warning', '{}' FROM n",
                (KEPT_EVENTS + 999,),
            )
            tx.emit(seen)

        assert KEPT_EVENTS + 1 == store.rows("SELECT count(*) AS n FROM events")[0]["n"]
        assert failed == store.event(1)
        assert seen == store.event(store.last_cursor())


def test_what_the_history_tells_of_outlives_the_rest_of_the_log(tmp_path: Path) -> None:
    old = NOON - LASTING_FOR - timedelta(seconds=1)
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            for at in (old, NOON):
                tx.emit(Event(EventKind.REPLICATED, at, "DEMO"))
                tx.emit(Event(EventKind.FILES_SYNCED, at, "DEMO"))
            tx.connection.execute("UPDATE sqlite_sequence SET seq = ?", (KEPT_EVENTS + 999,))
            tx.emit(Event(EventKind.SERVER_ANSWERING, NOON, "DEMO"))

        assert [
            (EventKind.REPLICATED, NOON),
            (EventKind.SERVER_ANSWERING, NOON),
        ] == [(each.event.kind, each.event.at) for each in store.events_after(0)]


def test_the_log_is_read_by_time_server_level_and_kind(tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.emit(Event(EventKind.SERVER_ANSWERING, NOON - hour, "DEMO"))
            tx.emit(Event(EventKind.SERVER_FAILED, NOON, "DEMO", {"misses": 15}))
            tx.emit(Event(EventKind.SERVER_FAILED, NOON + hour, "OTHER", {"misses": 15}))

        def found(wanted: Wanted) -> list[int]:
            return [logged.cursor for logged in store.all_events(wanted)]

        assert [1, 2, 3] == found(Wanted())
        in_auckland = NOON.astimezone(timezone(13 * hour))
        assert [2, 3] == found(Wanted(since=in_auckland))
        assert [1] == found(Wanted(until=in_auckland))
        assert [1, 2] == found(Wanted(server="demo"))
        assert [2, 3] == found(Wanted(levels=("warning", "error")))
        assert [1] == found(Wanted(kinds=("server_answering",), levels=("info",), server="DEMO"))


def test_the_last_events_that_are_wanted_lie_behind_a_cursor(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            for number in range(1500):
                tx.emit(Event(EventKind.SUSPENDED, NOON, f"SERVER{number % 2}"))
        wanted = Wanted(server="SERVER0")
        cursor = store.cursor_before_last(600, wanted)

        assert 600 == len(list(store.all_events(wanted, behind=cursor)))
        assert 750 == len(
            list(store.all_events(wanted, behind=store.cursor_before_last(800, wanted)))
        )
        assert 1500 == len(list(store.all_events(Wanted())))
        assert [] == list(store.all_events(wanted, behind=store.cursor_before_last(0, wanted)))


def test_the_list_of_runs_does_not_grow_for_ever(tmp_path: Path) -> None:
    with Store(tmp_path) as store, store.transaction() as tx:
        tx.begin_run("OTHER", "replicate-from-live", NOON)
        for number in range(KEPT_RUNS + 50):
            tx.begin_run("DEMO", "replicate-from-live", NOON + timedelta(days=number))
            tx.end_run("DEMO", "replicate-from-live", NOON, f"run {number}")

        assert KEPT_RUNS + 1 == tx.rows("SELECT count(*) AS n FROM runs")[0]["n"]
        assert (NOON, None) == tx.last_run("OTHER", "replicate-from-live")
        last = tx.last_run("DEMO", "replicate-from-live")
        assert (NOON + timedelta(days=KEPT_RUNS + 49), f"run {KEPT_RUNS + 49}") == last


def test_a_text_that_is_no_text_is_logged_and_mailed_all_the_same(tmp_path: Path) -> None:
    # What Linux makes of the file name b"m\xe9mo.wav".
    reason = "cannot read m\udce9mo.wav"
    event = Event(EventKind.FILE_SYNC_FAILED, NOON, "DEMO", {"reason": reason})
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.emit(event)

        assert 1 == store.mails_waiting()
        assert event.text == store.events_after(0)[0].event.text


def test_processes_that_start_at_the_same_time_make_one_store(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ipfx_failover.state.store import Store\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for n in range(8): Store(Path(sys.argv[1]) / str(n)).close()\n"
        "print('done')"
    )
    with (
        child(code, tmp_path) as one,
        child(code, tmp_path) as other,
        child(code, tmp_path) as third,
    ):
        children = (one, other, third)
        assert ["ready"] * 3 == [each.line() for each in children]
        for each in children:
            each.say("go")

        assert [(0, "done")] * 3 == [each.finish() for each in children]


@pytest.mark.parametrize(
    "content",
    [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 4096],
    ids=["text", "header only"],
)
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / DATABASE).write_bytes(content)

    with pytest.raises(InDoubt, match="is damaged") as caught:
        Store(tmp_path)

    assert "state reset" in caught.value.hint
    assert content == (tmp_path / DATABASE).read_bytes()


def damage_pages(path: Path) -> None:
    """Overwrite everything behind the first page, as a failing disk does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def test_damage_is_told_when_it_is_met_in_reading_or_in_writing(tmp_path: Path) -> None:
    Store(tmp_path).close()
    damage_pages(tmp_path / DATABASE)

    with Store(tmp_path) as store:
        with pytest.raises(InDoubt, match="is damaged"):
            store.servers()
        with pytest.raises(InDoubt, match="is damaged"), store.transaction() as tx:
            tx.set_mode("DEMO", Mode.STOPPED)


def test_an_empty_file_is_no_store_yet(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()

    with Store(tmp_path) as store:
        assert {} == store.servers()


def test_how_long_a_transaction_waits_for_others_can_be_said(tmp_path: Path) -> None:
    with Store(tmp_path, busy_timeout_s=3.0) as store:
        with store.transaction(busy_timeout_s=0.25) as tx:
            asked = tx.row("PRAGMA busy_timeout")
        with store.transaction() as tx:
            usual = tx.row("PRAGMA busy_timeout")

    assert ({"timeout": 250}, {"timeout": 3000}) == (asked, usual)


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_a_durable_commit_survives_a_power_cut(
    tmp_path: Path,
    durable: bool,  # noqa: FBT001
    synchronous: int,
) -> None:
    with Store(tmp_path) as store, store.transaction(durable=durable) as tx:
        assert {"synchronous": synchronous} == tx.row("PRAGMA synchronous")


def test_a_database_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as other:
        other.execute("CREATE TABLE calls (id)")

    with pytest.raises(InDoubt, match="not a state store"):
        Store(tmp_path)


def test_the_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as newer:
        newer.execute("PRAGMA user_version = 99")

    with pytest.raises(Refused, match="newer ipfx-failover") as caught:
        Store(tmp_path)

    assert "upgrade" in caught.value.hint


def test_a_bug_of_ours_is_not_taken_for_damage(tmp_path: Path) -> None:
    with Store(tmp_path) as store, pytest.raises(sqlite3.OperationalError, match="no such table"):
        store.rows("SELECT * FROM nowhere")

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        stop_and_fail(store)


def test_a_writer_that_hangs_is_waited_for_and_then_named_as_the_reason(tmp_path: Path) -> None:
    code = (
        "import sys, sqlite3\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE'); print('holding', flush=True); sys.stdin.readline()"
    )
    with Store(tmp_path, busy_timeout_s=0.05) as store:
        with child(code, store.path) as writer:
            assert "holding" == writer.line()
            psutil.Process(writer.pid).suspend()

            assert ServerState(name="DEMO") == store.server("DEMO")
            with pytest.raises(StateUnwritableError, match="locked") as caught:
                stop_and_fail(store)
            assert not caught.value.needs_room
            writer.kill()
        with store.transaction() as tx:
            tx.set_mode("DEMO", Mode.STOPPED)


def write_until_it_fails(state_dir: Path) -> None:
    """In a child whose files cannot grow: a disk that is full, as far as SQLite can tell."""
    import resource

    with Store(state_dir) as store:
        store.renew_ballast()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        event = Event(EventKind.SERVER_FAILED, NOON, "DEMO", {"misses": 15, "pad": "x" * 5000})
        try:
            for _ in range(100):
                with store.transaction() as tx:
                    tx.emit(event)
        except FailoverError as error:
            needs_room = isinstance(error, StateUnwritableError) and error.needs_room
            print(type(error).__name__, needs_room)  # noqa: T201
        print(store.release_ballast(), store.release_ballast())  # noqa: T201
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        with store.transaction() as tx:
            tx.set_mode("DEMO", Mode.STOPPED)
        print(store.server("DEMO").mode, store.rows("PRAGMA integrity_check"))  # noqa: T201


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size there")
def test_a_full_disk_is_told_the_ballast_gives_room_and_nothing_is_damaged(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.unit.state.test_state_store import write_until_it_fails\n"
        "write_until_it_fails(Path(sys.argv[1]))"
    )
    with child(code, tmp_path) as full:
        assert (
            0,
            "StateUnwritableError True\nTrue False\nstopped [{'integrity_check': 'ok'}]",
        ) == full.finish()


def test_the_ballast_is_kept_once_and_without_effect_where_there_is_no_room(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        (tmp_path / BALLAST).write_bytes(b"half")
        store.renew_ballast()
        assert 4 * 1024 * 1024 == (tmp_path / BALLAST).stat().st_size

        assert store.release_ballast()
        (tmp_path / BALLAST).mkdir()
        store.renew_ballast()


@pytest.mark.skipif(sys.platform == "win32", reason="there the rights are in access lists")
def test_another_user_is_told_whose_store_it_is() -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from ipfx_failover.state.store import Store\n"
        "from ipfx_failover.errors import FailoverError\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try:\n"
        "    with Store(Path(sys.argv[1])) as store, store.transaction() as tx:\n"
        "        tx.set_stale('DEMO', stale=True)\n"
        "except FailoverError as error:\n"
        "    print(error.hint)"
    )
    with tempfile.TemporaryDirectory() as directory:
        state_dir = Path(directory)
        Store(state_dir).close()
        (state_dir / DATABASE).chmod(0o444)
        state_dir.chmod(0o555)
        with child(code, state_dir) as reader:
            told = reader.finish()
        state_dir.chmod(0o755)

    assert (0, "run this as the user that runs the monitor (root or an administrator)") == told
