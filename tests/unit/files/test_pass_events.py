"""What a pass of file sync leaves in the log: how it ended, how long it took, how much it moved."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from ipfx_failover.errors import Busy, Refused, Unreachable
from ipfx_failover.files.listing import Skipped
from ipfx_failover.files.names import refusal
from ipfx_failover.files.passes import Passes
from ipfx_failover.files.values import Direction
from ipfx_failover.records import Mode
from ipfx_failover.state.locks import Locks, files
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.support.replication import NOTHING_SYNCED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.events import Event
    from ipfx_failover.files.values import SyncResult

NOTHING = replace(NOTHING_SYNCED, direction=Direction.FROM_LIVE)


class Site:
    """The passes of DEMO; each takes twelve seconds."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory)
        self.clock = FakeClock()
        self.locks = Locks(directory / "locks")
        self.passes = Passes("DEMO", self.store, self.locks, self.clock)

    def close(self) -> None:
        self.store.close()

    def make(self, result: SyncResult | None, *, by_hand: bool = True) -> list[Event]:
        """Make a pass with this result (none: the server is lost); the events that it left."""

        def run() -> SyncResult:
            self.clock.advance(12)
            if result is None:
                raise Unreachable("DEMO is lost", "wait")
            return result

        before = self.store.last_cursor()
        direction = result.direction if result else Direction.FROM_LIVE
        try:
            self.passes.carry_out(direction, run, by_hand=by_hand)
        except Unreachable:
            assert result is None
        return [logged.event for logged in self.store.events_after(before)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with closing(Site(tmp_path)) as made:
        yield made


def test_a_pass_tells_files_bytes_and_how_long_it_took(site: Site) -> None:
    (event,) = site.make(replace(NOTHING, copied=3, deleted=2, copied_bytes=700))

    assert event.kind == "files_synced"
    assert event.data == {
        "direction": "from-live",
        "duration_s": 12.0,
        "outcome": "done",
        "copied": 3,
        "deleted": 2,
        "files": 5,
        "size_bytes": 700,
    }


def test_a_pass_by_hand_is_told_of_although_nothing_was_to_do(site: Site) -> None:
    (by_hand,) = site.make(NOTHING)

    assert ("files_synced", 0) == (by_hand.kind, by_hand.data["files"])
    assert site.make(NOTHING, by_hand=False) == []


def test_a_pass_that_left_something_undone_ended_with_exceptions(site: Site) -> None:
    events = site.make(replace(NOTHING, copied=1, withheld="too many deletions"))
    outcomes = {str(event.kind): event.data.get("outcome") for event in events}

    assert {"file_sync_failed": None, "files_synced": "exceptions"} == outcomes


def test_a_name_that_cannot_be_synced_leaves_the_copy_as_fresh_as_it_can_be(site: Site) -> None:
    bad = (Skipped("a\\b", refusal("a\\b", windows=False) or ""),)
    (event,) = site.make(replace(NOTHING, copied=1, skipped=bad))

    assert ("files_synced", "exceptions") == (event.kind, event.data["outcome"])
    assert ("demo", "files") in site.store.copies()


def test_deletions_that_are_withheld_are_told_of_and_no_copy_is_fresh_until_they_are_not(
    site: Site,
) -> None:
    withheld = replace(NOTHING, withheld="too many deletions")
    quiet = site.make(withheld, by_hand=False)
    site.passes.follow(lambda: False, lambda: None)
    site.clock.advance(61)
    before = site.store.last_cursor()
    site.passes.follow(lambda: False, lambda: None)
    (told,) = [logged.event.kind for logged in site.store.events_after(before)]

    assert ([], "file_sync_failed") == (quiet, told)
    assert site.store.copies() == {}
    assert ["file_sync_recovered"] == [event.kind for event in site.make(NOTHING, by_hand=False)]
    assert ("demo", "files") in site.store.copies()


def test_what_one_process_told_is_over_when_another_makes_a_good_pass(site: Site) -> None:
    site.make(None)
    site.passes = Passes("DEMO", site.store, site.locks, site.clock)

    assert ["file_sync_recovered"] == [event.kind for event in site.make(NOTHING, by_hand=False)]
    assert [] == site.make(NOTHING, by_hand=False)


def test_a_pass_that_was_cut_short_failed(site: Site) -> None:
    (event,) = site.make(None)
    told = {name: event.data[name] for name in ("direction", "duration_s", "outcome")}

    assert event.kind == "file_sync_failed"
    assert told == {"direction": "from-live", "duration_s": 12.0, "outcome": "failed"}


def test_looking_needs_no_lock_and_what_has_changed_is_taken_under_it(site: Site) -> None:
    made = []

    def make() -> SyncResult:
        made.append(Busy)
        return replace(NOTHING, copied=1)

    with site.locks.hold(files("DEMO"), "somebody else"):
        assert site.passes.follow(lambda: False, make) is None
        with pytest.raises(Busy):
            site.passes.follow(lambda: True, make)

    assert made == []
    assert site.passes.follow(lambda: True, make) == replace(NOTHING, copied=1)


def test_a_server_that_is_lost_while_it_is_looked_at_is_told_of_once(site: Site) -> None:
    def lost() -> bool:
        site.clock.advance(61)
        raise Unreachable("DEMO is lost", "wait")

    for _ in range(3):
        with pytest.raises(Unreachable):
            site.passes.follow(lost, lambda: NOTHING)

    assert [logged.event.kind for logged in site.store.events_after(0)] == ["file_sync_failed"]


def lost() -> NoReturn:
    raise Unreachable("DEMO is lost", "wait")


def make_quiet(site: Site, passes: int = 3) -> None:
    for _ in range(passes):
        assert site.passes.follow(lambda: False, lambda: None) is None


def test_a_suspension_stops_the_passes_after_however_many_quiet_ones(site: Site) -> None:
    make_quiet(site)
    with site.store.transaction() as tx:
        tx.set_mode("DEMO", Mode.SUSPENDED)

    with pytest.raises(Refused):
        site.passes.follow(lambda: False, lambda: None)
    with pytest.raises(Refused):
        site.passes.follow(lambda: True, lambda: None)


def test_what_another_process_told_after_quiet_passes_is_over_with_the_next(site: Site) -> None:
    make_quiet(site)
    by_hand = Passes("DEMO", site.store, site.locks, site.clock)
    with pytest.raises(Unreachable):
        by_hand.carry_out(Direction.FROM_LIVE, lost, by_hand=True)
    before = site.store.last_cursor()
    make_quiet(site)

    (event,) = [logged.event for logged in site.store.events_after(before)]
    assert "file_sync_recovered" == event.kind


def test_a_failure_that_was_never_told_does_not_count_behind_a_pass_that_went_well(
    site: Site,
) -> None:
    make_quiet(site)
    for _ in range(2):
        with pytest.raises(Unreachable):
            site.passes.follow(lost, lambda: None)
        make_quiet(site)
        site.clock.advance(61)

    assert [] == site.store.events_after(0)


def test_quiet_passes_say_now_and_then_how_fresh_the_copy_is(site: Site) -> None:
    make_quiet(site)
    noted = site.store.copies()["demo", "files"].as_of
    site.clock.advance(31)
    make_quiet(site)

    assert 31 == (site.store.copies()["demo", "files"].as_of - noted).total_seconds()
