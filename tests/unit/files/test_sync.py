"""Passes over two trees in memory, with faults and kills."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import DoneWithExceptions, Failed, Interrupted, Refused
from ipfx_failover.files.execute import RESERVE_BYTES
from ipfx_failover.files.manifest import Manifest
from ipfx_failover.files.names import MARKER, TEMPORARY_PREFIX
from ipfx_failover.files.ports import CHANGED
from ipfx_failover.files.sync import FileSync, SyncRules
from ipfx_failover.files.values import Direction
from ipfx_failover.progress import Progress
from tests.fakes.clock import FakeClock
from tests.fakes.tree import FakeTree, Killed
from tests.support.sync import Row, selection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.files.values import SyncResult

FROM_LIVE, TO_LIVE = Direction.FROM_LIVE, Direction.TO_LIVE
HOUR_NS = 3_600_000_000_000


class Pair:
    """A live and a standby tree, and what syncs them."""

    def __init__(self, state: Path) -> None:
        self.live = FakeTree(location="P:/vm")
        self.standby = FakeTree(location="/vm")
        self.clock = FakeClock()
        self.rules = SyncRules(selection(Row("")), deletion_cap_percent=25, trash_days=14)
        self.stop_when_asked = 0
        self._asked = 0
        self.told: list[Progress] = []
        self._state = state
        self.sync = self._built()

    def _built(self) -> FileSync:
        return FileSync(
            live=self.live,
            standby=self.standby,
            manifest=Manifest(self._state / "P.db", live="P:/vm", standby="/vm"),
            rules=self.rules,
            clock=self.clock,
            should_stop=self._should_stop,
            report=self.told.append,
        )

    def _should_stop(self) -> bool:
        self._asked += 1
        return self._asked == self.stop_when_asked

    def restart(self) -> None:
        """As after the end of the process."""
        self.sync.close()
        self.live.changes_until_killed = self.standby.changes_until_killed = None
        self.sync = self._built()

    def wait(self, hours: int = 1) -> None:
        """Time goes by on both machines."""
        self.live.now_ns += hours * HOUR_NS
        self.standby.now_ns += hours * HOUR_NS
        self.clock.advance(hours * 3600.0)

    def pass_(self, direction: Direction = FROM_LIVE, *, allow: bool = False) -> SyncResult:
        return self.sync.run(direction, allow_deletions=allow)

    def in_sync(self, *paths: str) -> None:
        """Begin with these files on both sides."""
        for path in paths:
            self.live.write(path, path.encode())
        self.wait()
        self.pass_()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    with closing(made.sync):
        yield made
    made.sync.close()


def test_new_and_changed_files_arrive_with_their_times(pair: Pair) -> None:
    pair.in_sync("Mail/1", "Mail/2")
    pair.live.write("Mail/2", b"changed")
    pair.wait()
    result = pair.pass_()

    assert (1, 7) == (result.copied, result.copied_bytes)
    assert pair.live.contents() == pair.standby.contents()
    assert pair.live.files["Mail/2"].mtime_ns == pair.standby.files["Mail/2"].mtime_ns
    assert {"Mail/2": b"Mail/2"} == pair.standby.trash()


def test_a_second_pass_does_nothing(pair: Pair) -> None:
    pair.in_sync("Mail/1")
    result = pair.pass_()

    assert (0, 0, None) == (result.copied, result.deleted, result.problem)


def test_a_deleted_file_goes_to_the_trash_and_its_empty_directory_goes(pair: Pair) -> None:
    pair.in_sync("Mail/1/a", "Mail/2/b", "Mail/3/c", "Mail/4/d")
    del pair.live.files["Mail/1/a"]
    pair.live.directories.discard("Mail/1")
    result = pair.pass_()

    assert 1 == result.deleted
    assert {"Mail/1/a": b"Mail/1/a"} == pair.standby.trash()
    assert "Mail/1" not in pair.standby.directories
    assert pair.live.contents() == pair.standby.contents()


def test_a_deleted_file_that_the_operator_takes_out_of_the_trash_stays(pair: Pair) -> None:
    pair.in_sync("a", "b", "c", "d")
    deleted = pair.standby.files["a"]
    del pair.live.files["a"]
    pair.pass_()
    pair.standby.files["a"] = deleted
    result = pair.pass_()

    assert (0, ("a",)) == (result.deleted, result.kept_target_only)
    assert "a" in pair.standby.files


def test_too_many_deletions_are_refused_and_new_files_still_arrive(pair: Pair) -> None:
    pair.in_sync("a", "b", "c", "d")
    del pair.live.files["a"], pair.live.files["b"]
    pair.live.write("new", b"1")
    result = pair.pass_()

    assert isinstance(result.problem, Refused)
    assert "2 of 4 known files are gone" in result.problem.message
    assert "--allow-deletions" in result.problem.hint
    assert {"a", "b", "c", "d", "new"} == set(pair.standby.contents())


def test_the_operator_may_allow_many_deletions(pair: Pair) -> None:
    pair.in_sync("a", "b", "c", "d")
    del pair.live.files["a"], pair.live.files["b"]
    result = pair.pass_(allow=True)

    assert (2, None) == (result.deleted, result.problem)
    assert {"c", "d"} == set(pair.standby.contents())


def test_the_first_pass_marks_both_roots(pair: Pair) -> None:
    pair.in_sync("a")

    assert MARKER in pair.live.files
    assert MARKER in pair.standby.files


@pytest.mark.parametrize("direction", [FROM_LIVE, TO_LIVE])
def test_an_unmounted_source_is_refused_and_nothing_is_touched(
    pair: Pair, direction: Direction
) -> None:
    pair.in_sync("a", "b")
    source, target = (
        (pair.live, pair.standby) if direction is FROM_LIVE else (pair.standby, pair.live)
    )
    source.files.clear()
    before = dict(target.files)

    with pytest.raises(Refused, match="has lost its marker file"):
        pair.pass_(direction, allow=True)
    assert before == target.files
    assert {} == source.files


def test_a_source_that_is_not_there_is_refused(pair: Pair) -> None:
    pair.live.there = False

    with pytest.raises(Refused, match="P:/vm is not there"):
        pair.pass_()


def test_to_live_never_makes_the_live_directory(pair: Pair) -> None:
    pair.live.there = False

    with pytest.raises(Refused, match="P:/vm is not there"):
        pair.pass_(TO_LIVE)


def test_what_the_stand_in_recorded_goes_back_and_the_live_servers_own_stays(pair: Pair) -> None:
    pair.in_sync("Mail/1", "Mail/2", "Mail/3", "Mail/4")
    pair.live.write("Mail/last-second", b"only here")
    pair.standby.write("Mail/recorded", b"while standing in")
    del pair.standby.files["Mail/2"]
    pair.wait()
    result = pair.pass_(TO_LIVE)

    assert (1, 1, ("Mail/last-second",)) == (
        result.copied,
        result.deleted,
        result.kept_target_only,
    )
    assert {"Mail/1", "Mail/3", "Mail/4", "Mail/recorded", "Mail/last-second"} == set(
        pair.live.contents()
    )
    assert {"Mail/2": b"Mail/2"} == pair.live.trash()


def test_after_the_way_back_the_way_from_live_has_only_the_live_servers_own_to_copy(
    pair: Pair,
) -> None:
    pair.in_sync("Mail/1")
    pair.live.write("Mail/last-second", b"only here")
    pair.standby.write("Mail/recorded", b"while standing in")
    pair.wait()
    pair.pass_(TO_LIVE)
    result = pair.pass_()

    assert (1, 0) == (result.copied, result.deleted)
    assert pair.live.contents() == pair.standby.contents()


def test_a_file_that_changes_while_it_is_copied_is_left_for_the_next_pass(pair: Pair) -> None:
    pair.live.write("growing", b"12")
    pair.live.write("still", b"1")
    pair.live.changing.add("growing")
    pair.wait()
    first = pair.pass_()

    assert [("growing", CHANGED)] == list(first.failed)
    assert {"still"} == set(pair.standby.contents())

    pair.live.changing.clear()
    pair.wait()
    pair.pass_()

    assert b"12+" == pair.standby.contents()["growing"]


def test_a_file_written_this_moment_is_copied_now_and_once_more(pair: Pair) -> None:
    pair.live.write("fresh", b"1")
    pair.pass_()
    # The same size, and a clock too coarse to show it.
    pair.live.files["fresh"].content = b"2"
    pair.wait()
    result = pair.pass_()

    assert (1, b"2") == (result.copied, pair.standby.contents()["fresh"])
    assert 0 == pair.pass_().copied


def test_one_unreadable_file_does_not_stop_the_others(pair: Pair) -> None:
    for name in "abc":
        pair.live.write(name, b"1")
    pair.live.unreadable.add("b")
    result = pair.pass_()

    assert isinstance(result.problem, DoneWithExceptions)
    assert ["b: cannot be read: Permission denied"] == [str(one) for one in result.failed]
    assert {"a", "c"} == set(pair.standby.contents())


def test_a_directory_that_cannot_be_listed_keeps_its_copy(pair: Pair) -> None:
    pair.in_sync("Mail/1/a", "Mail/2/b")
    pair.live.unreadable.add("Mail/1")
    result = pair.pass_(allow=True)

    assert isinstance(result.problem, DoneWithExceptions)
    assert {"Mail/1/a", "Mail/2/b"} == set(pair.standby.contents())


def test_a_full_disk_ends_the_pass_without_leaving_pieces(pair: Pair) -> None:
    pair.live.write("a", b"1" * 100)
    pair.live.write("b", b"1" * 100)
    pair.standby.capacity_bytes = RESERVE_BYTES + 150

    with pytest.raises(Failed, match="needs"):
        pair.pass_()
    assert {} == pair.standby.contents()
    assert not [path for path in pair.standby.files if TEMPORARY_PREFIX in path]


def test_a_dry_run_changes_nothing(pair: Pair) -> None:
    pair.live.write("a", b"1")
    plan = pair.sync.plan(FROM_LIVE)

    assert ["a"] == [copy.path for copy in plan.copies]
    assert ({"a"}, set()) == (set(pair.live.files), set(pair.standby.files))


def test_a_stop_before_the_first_file_is_an_interruption(pair: Pair) -> None:
    pair.live.write("a", b"1")
    pair.stop_when_asked = 1

    with pytest.raises(Interrupted, match="every file is whole"):
        pair.pass_()


@pytest.mark.parametrize("asked", range(1, 6))
def test_a_stop_between_two_pieces_leaves_whole_files_and_no_others(pair: Pair, asked: int) -> None:
    for path in ("a", "b"):
        pair.live.write(path, b"1234")
    pair.stop_when_asked = asked

    with pytest.raises(Interrupted, match="every file is whole"):
        pair.pass_()
    assert {} == pair.standby.contents()
    assert not [path for path in pair.standby.files if TEMPORARY_PREFIX in path]


def test_many_small_files_tell_how_many_have_come(pair: Pair) -> None:
    for number in range(3):
        pair.live.write(f"{number}", b"123")
    pair.pass_()

    assert [Progress("files", done, 3, "files") for done in (1, 2, 3)] == pair.told


def test_a_large_file_tells_how_much_of_it_has_come(pair: Pair) -> None:
    pair.live.write("a", b"1" * 100_000)
    pair.pass_()

    assert [Progress("files", done, 100_000, "bytes") for done in (50_000, 100_000)] == pair.told


def test_old_trash_is_purged_after_the_retention(pair: Pair) -> None:
    pair.in_sync("a", "b", "c", "d")
    del pair.live.files["a"]
    pair.pass_()
    pair.wait(hours=15 * 24)
    pair.pass_()

    assert {} == pair.standby.trash()


@pytest.mark.parametrize("direction", [FROM_LIVE, TO_LIVE])
def test_a_kill_at_any_moment_leaves_whole_files_and_a_truthful_manifest(
    tmp_path: Path, direction: Direction
) -> None:
    steps = 0
    while True:
        pair = Pair(tmp_path / f"{direction.value}-{steps}")
        pair.in_sync("Mail/a", "Mail/b", "Mail/c", "Mail/d", "Gone/e")
        source, target = (
            (pair.live, pair.standby) if direction is FROM_LIVE else (pair.standby, pair.live)
        )
        old = source.contents()
        source.write("Mail/a", b"changed")
        source.write("New/f", b"new")
        del source.files["Gone/e"]
        source.directories.discard("Gone")
        pair.wait()
        target.changes_until_killed = steps
        try:
            pair.pass_(direction)
            killed = False
        except Killed:
            killed = True
        pair.restart()
        whole = {
            (path, content) for side in (old, source.contents()) for path, content in side.items()
        }

        assert set(target.contents().items()) <= whole
        assert {b"Mail/a"} >= {target.trash()[path] for path in target.trash() if path == "Mail/a"}

        result = pair.pass_(direction)

        assert source.contents() == target.contents()
        assert result.problem is None
        assert not [path for path in target.files if TEMPORARY_PREFIX in path]
        assert {"Mail/a": b"Mail/a", "Gone/e": b"Gone/e"} == target.trash()
        pair.sync.close()
        if not killed:
            break
        steps += 1
    assert steps >= 8


def test_an_unchanged_source_is_not_compared_again(pair: Pair) -> None:
    pair.in_sync("a")
    looks = pair.standby.looks
    results = [pair.sync.run_if_changed() for _ in range(3)]

    assert ([None, None, None], looks) == (results, pair.standby.looks)


def test_a_changed_source_is_synced_at_once(pair: Pair) -> None:
    pair.in_sync("a")
    pair.live.write("b", b"1")
    result = pair.sync.run_if_changed()

    assert result is not None
    assert 1 == result.copied


def test_after_some_minutes_the_target_is_looked_at_all_the_same(pair: Pair) -> None:
    pair.in_sync("a")
    del pair.standby.files["a"]
    pair.wait()
    result = pair.sync.run_if_changed()

    assert result is not None
    assert {"a"} == set(pair.standby.contents())


def test_what_failed_is_tried_again_after_a_minute(pair: Pair) -> None:
    pair.live.write("a", b"1")
    pair.wait()
    pair.live.unreadable.add("a")
    pair.sync.run_if_changed()
    pair.live.unreadable.clear()

    soon = pair.sync.run_if_changed()
    pair.clock.advance(61.0)
    later = pair.sync.run_if_changed()

    assert soon is None
    assert later is not None
    assert 1 == later.copied


@pytest.mark.parametrize("name", ["a\tb", "a\\b", "a\udcff"])
def test_a_name_that_cannot_be_synced_is_an_exception_and_no_setback(pair: Pair, name: str) -> None:
    pair.live.write(name, b"x")
    pair.live.write("c", b"x")
    planned = pair.sync.plan(FROM_LIVE)
    result = pair.pass_()

    assert [name] == [skipped.path for skipped in planned.skipped]
    assert (1, None) == (result.copied, result.setback)
    assert isinstance(result.problem, DoneWithExceptions)


def test_a_link_at_the_source_is_listed_and_no_failure(pair: Pair) -> None:
    pair.live.links.add("link")
    result = pair.pass_()

    assert (["link"], None) == ([skipped.path for skipped in result.skipped], result.problem)


def test_names_are_checked_for_windows_when_either_side_is_one(pair: Pair) -> None:
    pair.standby.windows = True
    pair.live.write("10:30.wav", b"1")
    result = pair.pass_()

    assert ["Windows does not allow its name"] == [skipped.reason for skipped in result.skipped]
    assert {} == pair.standby.contents()


def test_a_damaged_manifest_is_told_and_deletes_nothing(pair: Pair, tmp_path: Path) -> None:
    pair.in_sync("a", "b")
    pair.sync.close()
    (tmp_path / "P.db").write_bytes(b"garbage" * 1000)
    del pair.live.files["a"]
    pair.restart()
    result = pair.pass_()

    assert (0, ("a",)) == (result.deleted, result.kept_target_only)
    assert ("the sync manifest was damaged and has been begun anew",) == result.notes


def test_a_deletion_cap_of_zero_means_never_without_permission(pair: Pair) -> None:
    pair.rules = replace(pair.rules, deletion_cap_percent=0)
    pair.restart()
    pair.in_sync("a", "b")
    del pair.live.files["a"]

    assert isinstance(pair.pass_().problem, Refused)
