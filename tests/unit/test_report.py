"""What `status` says: of now, or that it is not of now."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.config.outline import Outline, Watched
from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.records import (
    Authority,
    Concern,
    Condition,
    Copy,
    Mode,
    MonitorRecord,
    Observation,
    Phase,
    RowState,
    StandIn,
)
from ipfx_failover.report.drawing import draw
from ipfx_failover.report.verdict import is_bad
from ipfx_failover.report.wording import in_local_time
from ipfx_failover.snapshot import aged, read_snapshot, write_snapshot
from ipfx_failover.state import journal, locks
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.local_time import FakeLocalTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ipfx_failover.report.values import ServerReport, StatusReport

IN_USE = "its address is in use: 02:00:00:00:00:07 answers ARP"
WAY_OUT = "ipfx-failover failover-now DEMO --force"


class Site:
    """A state directory that watches DEMO and OTHER."""

    def __init__(self, state_dir: Path) -> None:
        self.clock = FakeClock()
        self.store = Store(state_dir)
        self.locks = Locks(state_dir / "locks")
        watched = [
            Watched(name, address, 100, None, has_database=False, has_files=False)
            for name, address in (("DEMO", "10.0.0.1"), ("OTHER", "10.0.0.3"))
        ]
        self.outline = Outline(state_dir, 2000, tuple(watched))

    def observe(self, name: str, liveness: Liveness, misses: int = 0) -> None:
        now = self.clock.now()
        with self.store.transaction() as tx:
            tx.observe([Observation(name, liveness, misses, now, now)])
            tx.set_monitor(MonitorRecord(7, "AKL", "boot 1", now, now))

    def hinder(self, concern: Concern, server: str | None, text: str, advice: str = "") -> None:
        condition = Condition(concern, server, text, advice, self.clock.now())
        with self.store.transaction() as tx:
            tx.set_conditions([condition])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A monitor runs, and finds both well."""
        self.observe("DEMO", Liveness.OK)
        self.observe("OTHER", Liveness.OK)
        with self.locks.hold(locks.MONITOR, "ipfx-failover monitor"):
            yield

    def begin(self, work: str) -> None:
        """A process begins to work on the database of DEMO."""
        with self.store.transaction() as tx:
            journal.open_journal(
                tx,
                resource=locks.database("DEMO"),
                workflow=work,
                server="DEMO",
                boot_id="boot 1",
                steps=(),
                at=self.clock.now(),
            )

    def end(self) -> None:
        with self.store.transaction() as tx:
            journal.close_journal(tx, locks.database("DEMO"))

    def report(self, noted: StandIn | None = None) -> StatusReport:
        local = FakeLocalTime(self.clock)
        return draw(self.outline, self.store, self.locks, self.clock, local, noted)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def watched(site: Site) -> Iterator[Site]:
    with site.watching():
        yield site


def test_all_is_well(watched: Site) -> None:
    assert (0, "OK: 2 servers watched") == is_bad(watched.report())


@pytest.mark.parametrize("work", ["replicate-from-live", "replicate-to-live"])
def test_work_that_was_killed_is_a_warning_with_the_command_that_goes_on(
    watched: Site, work: str
) -> None:
    watched.begin(work)
    report = watched.report()

    note = f"{work} was broken off half way: finish or undo it: ipfx-failover {work} DEMO"
    assert [(note,), ()] == [server.notes for server in report.servers]
    assert ["broken off", "idle"] == [server.activity for server in report.servers]
    assert (1, f"WARNING: DEMO: {note}") == is_bad(report)


def test_work_that_was_killed_is_told_without_a_monitor(site: Site) -> None:
    site.begin("replicate-from-live")

    assert 1 == len(site.report().servers[0].notes)


def test_work_that_goes_on_is_not_told_as_killed(watched: Site) -> None:
    with watched.locks.hold(locks.database("DEMO"), "ipfx-failover replicate-from-live DEMO"):
        watched.begin("replicate-from-live")
        report = watched.report()

    assert () == report.servers[0].notes
    assert "replicating" == report.servers[0].activity


def test_work_whose_process_a_full_disk_kept_from_being_named_is_not_told_as_killed(
    watched: Site, tmp_path: Path
) -> None:
    next(tmp_path.rglob("monitor.holder")).parent.joinpath("DEMO.database.holder").mkdir()
    with watched.locks.hold(locks.database("DEMO"), "ipfx-failover replicate-from-live DEMO"):
        watched.begin("replicate-from-live")
        report = watched.report()

    assert () == report.servers[0].notes
    assert "replicating" == report.servers[0].activity


def test_work_that_ends_or_begins_while_one_looks_is_not_told_as_killed(site: Site) -> None:
    def goes_on(_: str) -> bool:
        """It has just ended, and the next has not begun yet."""
        site.end()
        site.clock.advance(1)
        site.begin("replicate-from-live")
        return False

    site.begin("replicate-from-live")

    assert [] == journal.broken_off(site.store, goes_on)


def test_who_is_suspended_is_not_said_to_be_watched(watched: Site) -> None:
    with watched.store.transaction() as tx:
        tx.set_mode("OTHER", Mode.SUSPENDED)

    assert (0, "OK: 1 server watched; OTHER is suspended") == is_bad(watched.report())


def test_a_failed_server_has_its_reason_and_the_way_out(watched: Site) -> None:
    watched.observe("DEMO", Liveness.FAILED, 15)
    watched.hinder(Concern.NOT_TAKEN, "DEMO", IN_USE, WAY_OUT)
    report = watched.report()

    assert f"not taken over: {IN_USE}: {WAY_OUT}" == report.servers[0].obstacle
    assert report.servers[1].obstacle is None
    assert (2, f"CRITICAL: DEMO has failed (not taken over: {IN_USE}: {WAY_OUT})") == is_bad(report)


def test_a_suspect_whose_address_is_in_use_is_a_warning_with_that_reason(watched: Site) -> None:
    watched.observe("DEMO", Liveness.SUSPECT, 2)
    watched.hinder(Concern.NOT_TAKEN, "DEMO", IN_USE, WAY_OUT)
    code, line = is_bad(watched.report())

    assert 1 == code
    assert line.startswith(f"WARNING: DEMO is suspect (not taken over: {IN_USE}")


def test_being_cut_off_is_critical_and_says_that_nobody_is_taken_over(watched: Site) -> None:
    watched.hinder(Concern.ISOLATED, None, "the network cable has no carrier")
    report = watched.report()

    (warning,) = report.warnings
    assert "(the network cable has no carrier)" in warning
    assert "none is taken over" in warning
    assert (2, f"CRITICAL: {warning}") == is_bad(report)


def test_a_copy_that_could_not_be_taken_over_is_a_warning_about_its_server(watched: Site) -> None:
    watched.hinder(Concern.COPY, "OTHER", "there is no /x", "see to it")
    report = watched.report()

    said = "OTHER: its copy could not be taken over: there is no /x: see to it"
    assert (1, f"WARNING: {said}") == is_bad(report)
    assert () == report.advice


def test_want_of_a_reference_is_a_warning_about_all_or_about_one(watched: Site) -> None:
    watched.hinder(Concern.NO_REFERENCE, None, "no reference target", "set one")
    of_all = watched.report()
    watched.hinder(Concern.NO_REFERENCE, "OTHER", "no reference target", "set one")
    of_one = watched.report()

    assert (1, "WARNING: no reference target: set one") == is_bad(of_all)
    assert (1, "WARNING: OTHER: no reference target: set one") == is_bad(of_one)
    assert () == of_one.advice


def test_a_server_that_cannot_be_pinged_is_critical(watched: Site) -> None:
    watched.hinder(Concern.NOT_PINGED, "DEMO", "Operation not permitted")

    told = "DEMO cannot be pinged, and is not judged: Operation not permitted"
    report = watched.report()
    assert ["UNKNOWN", "OK"] == [server.status for server in report.servers]
    assert (2, f"CRITICAL: {told}") == is_bad(report)


@pytest.mark.parametrize("concern", Concern)
def test_without_a_monitor_nothing_that_it_found_is_shown(site: Site, concern: Concern) -> None:
    site.observe("DEMO", Liveness.FAILED, 15)
    site.hinder(concern, None if concern is Concern.ISOLATED else "DEMO", "something", "advice")
    report = site.report()

    assert [None, None] == [server.obstacle for server in report.servers]
    assert ((), ()) == (report.advice, report.servers[0].notes)
    assert ["UNKNOWN", "UNKNOWN"] == [server.status for server in report.servers]
    (warning,) = report.warnings
    assert warning.startswith("no monitor is running: nobody watches the servers")


def test_a_monitor_that_hangs_is_as_good_as_none(watched: Site) -> None:
    watched.hinder(Concern.NOT_TAKEN, "DEMO", IN_USE)
    watched.clock.advance(60)
    report = watched.report()

    assert report.servers[0].obstacle is None
    assert "has not judged a round since" in report.warnings[0]


def test_a_stand_in_is_critical_also_when_all_else_is_well(watched: Site) -> None:
    now = watched.clock.now()
    with watched.store.transaction() as tx:
        tx.claim_stand_in(StandIn("DEMO", "boot 1", now, Phase.STANDING_IN, "10.0.0.1", "eth0"))

    report = watched.report()

    assert (2, "CRITICAL: standing in for DEMO") == is_bad(report)
    (note,) = report.servers[0].notes
    assert note.endswith(": repair it, then ipfx-failover stop-failover DEMO")


def test_a_stand_in_that_a_full_disk_kept_from_the_store_is_shown_and_so_is_that(
    watched: Site,
) -> None:
    now = watched.clock.now()
    noted = StandIn("DEMO", "boot 1", now, Phase.STANDING_IN, "10.0.0.1", "eth0")

    report = watched.report(noted)

    assert ("DEMO", "standby") == (report.standing_in_for, report.servers[0].authority)
    assert (2, "CRITICAL: standing in for DEMO") == is_bad(report)
    (advice,) = report.advice
    assert advice.startswith("the state store does not know yet of the stand-in for DEMO: ")


def test_what_the_store_says_of_a_stand_in_counts_where_it_says_something(watched: Site) -> None:
    now = watched.clock.now()
    known = StandIn("DEMO", "boot 1", now, Phase.STANDING_DOWN, "10.0.0.1", "eth0")
    with watched.store.transaction() as tx:
        tx.claim_stand_in(known)

    report = watched.report(replace(known, phase=Phase.STANDING_IN))

    assert (Phase.STANDING_DOWN, ()) == (report.stand_in_phase, report.advice)


def test_a_role_whose_server_is_not_in_the_config_has_its_way_out(watched: Site) -> None:
    now = watched.clock.now()
    with watched.store.transaction() as tx:
        tx.claim_stand_in(StandIn("GONE", "boot 1", now, Phase.STANDING_IN, "10.0.0.9", "eth0"))
    (advice,) = watched.report().advice

    assert "put [servers.GONE] back, then ipfx-failover stop-failover GONE" in advice


def test_a_snapshot_is_the_report(watched: Site, tmp_path: Path) -> None:
    watched.hinder(Concern.NO_REFERENCE, None, "no reference target", "set one")
    report = watched.report()
    write_snapshot(report, tmp_path)

    assert report == read_snapshot(tmp_path)
    assert 0o644 == (tmp_path / "status.json").stat().st_mode & 0o777


def test_an_old_snapshot_shows_nothing_of_the_present(watched: Site) -> None:
    watched.observe("DEMO", Liveness.FAILED, 15)
    watched.hinder(Concern.NOT_TAKEN, "DEMO", IN_USE)
    report = replace(watched.report(), advice=("mend it",), warnings=("cut off",))
    old = aged(report, watched.clock.now() + timedelta(minutes=1))

    assert report == aged(report, watched.clock.now())
    (warning,) = old.warnings
    assert "no monitor writes it any more" in warning
    assert ((), False) == (old.advice, old.monitor.running)
    assert [("UNKNOWN", 0, None)] * 2 == [(s.status, s.misses, s.obstacle) for s in old.servers]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"servers": 7}'])
def test_a_snapshot_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)

    assert read_snapshot(tmp_path) is None


def hot(site: Site, rows: RowState | None) -> ServerReport:
    """The server DEMO, hot, after rows were followed so."""
    demo, *others = site.outline.servers
    site.outline = replace(site.outline, servers=(replace(demo, is_hot=True), *others))
    if rows is not None:
        with site.store.transaction() as tx:
            tx.set_row_state(rows)
    return site.report().servers[0]


def test_a_hot_standby_tells_how_far_its_rows_are_behind(site: Site) -> None:
    followed = RowState("demo", site.clock.now(), 3, "", "", {})
    site.clock.advance(2.0)
    shown = hot(site, followed)

    assert (2.0, 3) == (shown.rows_lag_s, shown.rows_behind)


def copied_and_followed(
    site: Site, real_time: str, left: Mapping[str, str], *, stale: bool = False
) -> ServerReport:
    """The server DEMO: replicated, and its rows followed an hour later."""
    at = site.clock.now()
    with site.store.transaction() as tx:
        tx.set_copy(Copy("DEMO", "database", at, at, 1, ""))
        tx.set_stale("DEMO", stale=stale)
    site.clock.advance(3600)
    demo, *others = site.outline.servers
    demo = replace(demo, follows_all=real_time == "all")
    site.outline = replace(site.outline, servers=(demo, *others))
    return hot(site, RowState("DEMO", site.clock.now(), 0, "", "", left))


@pytest.mark.parametrize(
    ("real_time", "left", "age"),
    [("all", {}, 0), ("all", {"log": "no key"}, 3600), ("configuration", {}, 3600)],
)
def test_the_database_is_as_of_its_rows_where_all_are_followed(
    site: Site, real_time: str, left: Mapping[str, str], age: float
) -> None:
    shown = copied_and_followed(site, real_time, left)

    assert (site.clock.now() - timedelta(seconds=age)).isoformat() == shown.copy_as_of


def test_a_hot_standby_that_was_stopped_is_out_of_date_and_nothing_else(site: Site) -> None:
    shown = copied_and_followed(site, "all", {}, stale=True)

    assert ("the copy is out of date: ipfx-failover replicate-from-live DEMO",) == shown.notes
    assert (None, None, None) == (shown.rows_as_of, shown.rows_lag_s, shown.rows_behind)
    assert shown.database_as_of == shown.copy_as_of


def test_what_stands_in_the_way_of_a_stale_hot_standby_is_the_one_thing_that_is_said(
    site: Site,
) -> None:
    copied_and_followed(site, "all", {}, stale=True)
    shown = hot(site, RowState("DEMO", None, None, "tracking is off", "switch it on", {}))

    assert ("the copy is out of date (tracking is off): switch it on",) == shown.notes


def test_rows_that_are_not_followed_are_a_note_with_the_way_out(site: Site) -> None:
    broken = RowState("DEMO", site.clock.now(), None, "tracking is off", "switch it on", {})
    shown = hot(site, broken)

    assert "tracking is off: switch it on" in shown.notes


@pytest.mark.parametrize(
    ("monitored", "advice"),
    [(True, "it is tried again"), (False, "it is tried again as soon as a monitor runs")],
)
def test_a_stand_in_whose_copy_is_not_quite_ready_is_critical_and_says_what_is_left(
    site: Site, *, monitored: bool, advice: str
) -> None:
    with site.store.transaction() as tx:
        now = site.clock.now()
        tx.claim_stand_in(StandIn("DEMO", "boot 1", now, Phase.STANDING_IN, None, None, "fk_a"))
        tx.set_authority("DEMO", Authority.STANDBY)
    with site.watching() if monitored else nullcontext():
        report = site.report()

    assert f"the copy that stands in is NOT quite ready (fk_a): {advice}" in report.servers[0].notes
    assert "standing in for DEMO on a copy that is not quite ready (fk_a)" in is_bad(report)[1]
    assert "fk_a" == report.stand_in_unready


def test_the_copy_of_a_server_that_is_stood_in_for_is_not_said_to_be_replicated_again(
    site: Site,
) -> None:
    with site.store.transaction() as tx:
        tx.set_stale("DEMO", stale=True)
        tx.set_authority("DEMO", Authority.STANDBY)
    notes = site.report().servers[0].notes

    assert not any("out of date" in note for note in notes)


def followed_before(site: Site, age_s: float, *, interval_ms: int = 100) -> StatusReport:
    """DEMO is hot; the last look at its rows was so long ago, and the monitor goes on."""
    (demo, *others) = site.outline.servers
    demo = replace(demo, row_interval_ms=interval_ms)
    site.outline = replace(site.outline, servers=(demo, *others))
    followed = RowState("DEMO", site.clock.now(), 0, "", "", {})
    site.clock.advance(age_s)
    site.observe("DEMO", Liveness.OK)
    hot(site, followed)
    return site.report()


def test_rows_that_are_not_looked_at_any_more_are_a_warning_and_not_said_to_be_there(
    watched: Site,
) -> None:
    since = in_local_time(watched.clock.now())
    report = followed_before(watched, 11.0)

    note = f"its rows are not followed since {since}: ipfx-failover sync-rows DEMO"
    assert (11.0, None) == (report.servers[0].rows_lag_s, report.servers[0].rows_behind)
    assert (1, f"WARNING: DEMO: {note}") == is_bad(report)


@pytest.mark.parametrize(("age_s", "interval_ms"), [(9.0, 100), (69.0, 60_000)])
def test_rows_that_were_looked_at_when_they_should_be_are_well(
    watched: Site, age_s: float, interval_ms: int
) -> None:
    report = followed_before(watched, age_s, interval_ms=interval_ms)

    assert (0, (), 0) == (is_bad(report)[0], report.servers[0].notes, report.servers[0].rows_behind)


@pytest.mark.parametrize(("age_s", "notes"), [(59.0, 0), (61.0, 1)])
def test_while_rows_are_being_applied_their_number_is_unknown_and_later_that_is_noted(
    watched: Site, age_s: float, notes: int
) -> None:
    with watched.locks.hold(locks.rows("DEMO"), "ipfx-failover sync-rows --all --watch"):
        (shown, _) = followed_before(watched, age_s).servers

    assert (None, notes) == (shown.rows_behind, len(shown.notes))


@pytest.mark.parametrize(("age_s", "notes"), [(59.0, 0), (61.0, 1)])
def test_without_a_monitor_rows_may_be_followed_by_hand(
    site: Site, age_s: float, notes: int
) -> None:
    assert notes == len(followed_before(site, age_s).servers[0].notes)


def test_tables_that_are_not_followed_are_told_with_what_they_are_of(site: Site) -> None:
    left = {"log": "no key", "pet: 2": "new", "table 3": "new", "table 4": "new"}
    at = site.clock.now()
    with site.store.transaction() as tx:
        tx.set_copy(Copy("DEMO", "database", at, at, 1, ""))
    shown = hot(site, RowState("DEMO", at, 0, "", "", left))

    tables = "log, pet: 2, table 3 and 1 more are not followed"
    assert f"{tables}, but as of {in_local_time(at)}: ipfx-failover hot show DEMO" in shown.notes


@pytest.mark.parametrize("change", [{"mode": Mode.STOPPED}, {"authority": Authority.STANDBY}])
def test_rows_that_nobody_should_follow_now_are_not_behind(
    site: Site, change: dict[str, Any]
) -> None:
    with site.store.transaction() as tx:
        for name, value in change.items():
            getattr(tx, f"set_{name}")("DEMO", value)
    shown = hot(site, RowState("DEMO", site.clock.now(), 0, "trouble", "advice", {}))

    assert (None, None, None) == (shown.rows_as_of, shown.rows_lag_s, shown.rows_behind)
    assert "trouble: advice" not in shown.notes


def test_rows_of_a_warm_standby_are_not_spoken_of(site: Site) -> None:
    with site.store.transaction() as tx:
        tx.set_row_state(RowState("DEMO", site.clock.now(), 0, "trouble", "advice", {}))
    shown = site.report().servers[0]

    assert (None, ()) == (shown.rows_lag_s, shown.notes)
