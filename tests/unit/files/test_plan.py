"""What a sync decides to do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.files.listing import Listing, Skipped, Stamp
from ipfx_failover.files.plan import deletion_refusal, make_plan, same_time
from ipfx_failover.files.values import Copy, Direction, Known, Plan
from tests.support.sync import listing, stamp

if TYPE_CHECKING:
    from random import Random

Value = TypeVar("Value")
BOTH = (Direction.FROM_LIVE, Direction.TO_LIVE)
OLD, NEW, OTHER = stamp(1), stamp(2, 3600.0), stamp(3, 7200.0)
IN_SYNC = Known(OLD, OLD)


def plan(
    source: dict[str, Stamp] | Listing,
    target: dict[str, Stamp] | Listing,
    known: dict[str, Known] | None = None,
    direction: Direction = Direction.FROM_LIVE,
    **options: bool,
) -> Plan:
    look = [side if isinstance(side, Listing) else listing(side) for side in (source, target)]
    return make_plan(look[0], look[1], known or {}, direction=direction, **options)


@pytest.mark.parametrize("direction", BOTH)
def test_a_new_file_is_copied(direction: Direction) -> None:
    made = plan({"Mail/a": OLD}, {}, direction=direction)

    assert (Copy("Mail/a", OLD, replaces=None, keep_old=False),) == made.copies


@pytest.mark.parametrize("direction", BOTH)
def test_what_is_in_sync_needs_nothing(direction: Direction) -> None:
    assert Plan() == plan({"a": OLD}, {"a": OLD}, {"a": IN_SYNC}, direction)


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_is_alike_on_both_sides_is_adopted_without_copying(
    direction: Direction,
) -> None:
    made = plan({"a": OLD}, {"a": OLD}, direction=direction)

    assert ((), (("a", IN_SYNC),)) == (made.copies, made.adopted)


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_changed_at_the_source_is_copied_and_the_old_one_kept(
    direction: Direction,
) -> None:
    made = plan({"a": NEW}, {"a": OLD}, {"a": IN_SYNC}, direction)

    assert (Copy("a", NEW, replaces=OLD, keep_old=True),) == made.copies


def test_a_growing_file_does_not_fill_the_trash() -> None:
    grown = stamp(9, 2.0)
    made = plan({"a": grown}, {"a": OLD}, {"a": IN_SYNC})

    assert (Copy("a", grown, replaces=OLD, keep_old=False),) == made.copies


def test_a_growing_file_that_the_target_changed_is_kept_in_the_trash() -> None:
    made = plan({"a": stamp(9, 2.0)}, {"a": OTHER}, {"a": IN_SYNC})

    assert [True] == [copy.keep_old for copy in made.copies]


@pytest.mark.parametrize("direction", BOTH)
def test_when_both_sides_changed_the_source_wins_and_the_target_goes_to_the_trash(
    direction: Direction,
) -> None:
    made = plan({"a": NEW}, {"a": OTHER}, {"a": IN_SYNC}, direction)

    assert (Copy("a", NEW, replaces=OTHER, keep_old=True),) == made.copies


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_both_sides_made_under_one_name_is_kept_in_the_trash(
    direction: Direction,
) -> None:
    made = plan({"a": NEW}, {"a": OTHER}, direction=direction)

    assert (Copy("a", NEW, replaces=OTHER, keep_old=True),) == made.copies


def test_from_live_restores_a_file_that_only_the_standby_changed() -> None:
    made = plan({"a": OLD}, {"a": OTHER}, {"a": IN_SYNC})

    assert (Copy("a", OLD, replaces=OTHER, keep_old=True),) == made.copies


def test_to_live_keeps_a_file_that_only_the_live_server_changed() -> None:
    made = plan({"a": OLD}, {"a": OTHER}, {"a": IN_SYNC}, Direction.TO_LIVE)

    assert ((), ("a",)) == (made.copies, made.kept_changed)


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_the_target_lost_is_copied_again(direction: Direction) -> None:
    made = plan({"a": OLD}, {}, {"a": IN_SYNC}, direction)

    assert (Copy("a", OLD, replaces=None, keep_old=False),) == made.copies


def test_from_live_copies_again_what_may_have_changed_without_a_sign() -> None:
    unsettled = {"a": Known(OLD, OLD, settled=False)}

    assert [False] == [copy.keep_old for copy in plan({"a": OLD}, {"a": OLD}, unsettled).copies]


def test_to_live_never_takes_an_uncertain_copy_for_a_newer_version() -> None:
    unsettled = {"a": Known(OLD, OLD, settled=False)}
    made = plan({"a": OLD}, {"a": NEW}, unsettled, Direction.TO_LIVE)

    assert ((), ("a",)) == (made.copies, made.kept_changed)


def test_a_file_adopted_just_after_it_was_written_is_looked_at_once_more() -> None:
    fresh = stamp(1, 100.0)
    made = plan(listing({"a": fresh}, taken_at_s=100.01), {"a": fresh})

    assert (("a", Known(fresh, fresh, settled=False)),) == made.adopted


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_went_at_the_source_is_deleted(direction: Direction) -> None:
    made = plan({}, {"a": OLD}, {"a": IN_SYNC}, direction)

    assert ("a",) == made.deletions


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_only_the_target_ever_had_stays(direction: Direction) -> None:
    made = plan({}, {"a": OLD}, direction=direction)

    assert ((), ("a",)) == (made.deletions, made.kept_target_only)


@pytest.mark.parametrize("direction", BOTH)
def test_a_file_that_went_at_the_source_and_changed_at_the_target_stays(
    direction: Direction,
) -> None:
    made = plan({}, {"a": NEW}, {"a": IN_SYNC}, direction)

    assert ((), ("a",)) == (made.deletions, made.kept_changed)


def test_what_went_on_both_sides_is_forgotten() -> None:
    assert ("a",) == plan({}, {}, {"a": IN_SYNC}).forgotten


@pytest.mark.parametrize("field", ["skipped", "unreadable"])
@pytest.mark.parametrize("blocked", ["Mail/1", "Mail/1/a", "Mail", ""])
def test_what_cannot_be_seen_at_the_source_is_neither_deleted_nor_forgotten(
    field: str, blocked: str
) -> None:
    unseen = (Skipped(blocked, "why"),)
    source = dataclasses.replace(
        listing(),
        skipped=unseen if field == "skipped" else (),
        unreadable=unseen if field == "unreadable" else (),
    )
    known = {"Mail/1/a": IN_SYNC, "Mail/1/gone": IN_SYNC}
    if blocked == "Mail/1/a":
        del known["Mail/1/gone"]
    made = plan(source, {"Mail/1/a": OLD}, known)

    assert ((), ()) == (made.deletions, made.forgotten)


def test_a_neighbour_with_a_longer_name_is_not_protected() -> None:
    source = dataclasses.replace(listing(), unreadable=(Skipped("Mail/1", "why"),))
    made = plan(source, {"Mail/10/a": OLD}, {"Mail/10/a": IN_SYNC})

    assert ("Mail/10/a",) == made.deletions


def test_nothing_is_written_where_the_target_has_a_link() -> None:
    target = dataclasses.replace(listing(), skipped=(Skipped("Mail/link", "a link"),))
    made = plan({"Mail/link/a": OLD, "Mail/link": OLD}, target)

    assert ((), ()) == (made.copies, tuple(d for d in made.make_directories if d != "Mail"))
    assert {"Mail/link/a", "Mail/link"} == {skipped.path for skipped in made.blocked}


def test_a_file_and_a_directory_that_change_places_take_two_passes() -> None:
    known = {"a": IN_SYNC, "b/x": IN_SYNC}
    made = plan({"a/x": OLD, "b": OLD}, {"a": OLD, "b/x": OLD}, known)

    assert ((), ("a", "b/x"), ("b",)) == (made.copies, made.deletions, made.empty_directories)


def test_directories_are_made_also_when_they_are_empty() -> None:
    made = plan(listing(directories=("Mail", "Mail/1")), listing(directories=("Mail",)))

    assert ("Mail/1",) == made.make_directories


def test_directories_that_went_are_removed_deepest_first_and_no_others() -> None:
    source = listing(directories=("Mail",))
    target = listing({"Mail/1/2/a": OLD}, directories=("Mail/other",))
    made = plan(source, target, {"Mail/1/2/a": IN_SYNC})

    assert ("Mail/1/2", "Mail/1") == made.empty_directories


def test_on_windows_names_that_differ_in_case_only_are_not_mixed_up() -> None:
    made = plan({"Mail/A": OLD, "Mail/a": NEW}, {}, target_ignores_case=True)

    assert ["Mail/A"] == [copy.path for copy in made.copies]
    assert ["Mail/a"] == [skipped.path for skipped in made.blocked]


def test_on_windows_a_change_of_case_is_no_deletion() -> None:
    made = plan({"Mail/a": OLD}, {"Mail/A": OLD}, {"Mail/A": IN_SYNC}, target_ignores_case=True)

    assert ((), (), ("Mail/A",), (("Mail/a", IN_SYNC),)) == (
        made.copies,
        made.deletions,
        made.forgotten,
        made.adopted,
    )


@pytest.mark.parametrize(
    ("deletions", "known", "percent", "allowed"),
    [
        (25, 100, 25, True),
        (26, 100, 25, False),
        (1, 3, 25, True),
        (2, 3, 25, False),
        (1, 100, 0, False),
        (0, 0, 0, True),
        (100, 100, 100, True),
    ],
)
def test_the_cap_is_a_share_of_the_known_files(
    deletions: int, known: int, percent: int, *, allowed: bool
) -> None:
    assert allowed == (deletion_refusal(deletions, known, percent) is None)


def test_too_many_deletions_are_withheld_and_copies_go_on() -> None:
    known = {f"f{number}": IN_SYNC for number in range(10)}
    target = dict.fromkeys(known, OLD)
    made = make_plan(
        listing({"new": OLD}),
        listing(target),
        known,
        direction=Direction.FROM_LIVE,
        deletion_cap_percent=25,
    )

    expected = (
        "10 of 10 known files are gone at the source, more than deletion_cap_percent = 25 "
        "allows (3): none is deleted"
    )

    assert (["new"], expected) == ([copy.path for copy in made.copies], made.withheld)


def test_the_operator_can_allow_them() -> None:
    made = make_plan(
        listing(),
        listing({"a": OLD}),
        {"a": IN_SYNC},
        direction=Direction.FROM_LIVE,
        deletion_cap_percent=0,
        allow_deletions=True,
    )

    assert (("a",), None) == (made.deletions, made.withheld)


@pytest.mark.parametrize(
    ("one_ns", "other_ns", "alike"),
    [
        (1_500_000_000, 1_500_000_000, True),
        (1_500_000_000, 1_500_000_099, True),
        (1_500_000_000, 1_500_000_100, False),
        (1_999_999_999, 1_000_000_000, True),
        (2_000_000_000, 1_000_000_000, False),
        (1_500_000_000, 1_600_000_000, False),
    ],
)
def test_times_are_compared_as_finely_as_the_coarser_side_keeps_them(
    one_ns: int, other_ns: int, *, alike: bool
) -> None:
    assert (alike, alike) == (same_time(one_ns, other_ns), same_time(other_ns, one_ns))


# Properties: any two trees, any manifest.

STAMPS = st.sampled_from([OLD, NEW, OTHER, stamp(1, 0.5)])
PATHS = st.sampled_from([f"{d}{n}" for d in ("", "D/", "D/E/", "F/") for n in "abc"])
TREES = st.dictionaries(PATHS, STAMPS, max_size=8)
ENTRIES = st.builds(lambda one, settled: Known(one, one, settled), STAMPS, st.booleans())
MANIFESTS = st.dictionaries(PATHS, ENTRIES, max_size=8)
DIRECTIONS = st.sampled_from(BOTH)


def carried_out(
    made: Plan, target: dict[str, Stamp], known: dict[str, Known]
) -> tuple[dict[str, Stamp], dict[str, Known]]:
    """What a perfect world makes of a plan: files, and manifest."""
    files, entries = dict(target), dict(known)
    for path in made.forgotten:
        del entries[path]
    entries.update(made.adopted)
    for copy in made.copies:
        files[copy.path] = copy.stamp
        entries[copy.path] = Known(copy.stamp, copy.stamp)
    for path in made.deletions if made.withheld is None else ():
        del files[path]
        del entries[path]
    return files, entries


@given(TREES, TREES, MANIFESTS, DIRECTIONS)
def test_nothing_is_deleted_that_was_not_in_sync_and_is_gone(
    source: dict[str, Stamp],
    target: dict[str, Stamp],
    known: dict[str, Known],
    direction: Direction,
) -> None:
    made = plan(source, target, known, direction)

    assert all(
        path in known and path not in source and target[path] == known[path].target
        for path in made.deletions
    )


@given(TREES, TREES, MANIFESTS)
def test_a_pass_from_live_makes_all_that_the_source_has_equal(
    source: dict[str, Stamp], target: dict[str, Stamp], known: dict[str, Known]
) -> None:
    files, _ = carried_out(plan(source, target, known), target, known)

    assert source == {path: files[path] for path in source}


@given(TREES, TREES, MANIFESTS, DIRECTIONS)
def test_the_target_keeps_nothing_but_what_it_alone_had_or_changed(
    source: dict[str, Stamp],
    target: dict[str, Stamp],
    known: dict[str, Known],
    direction: Direction,
) -> None:
    made = plan(source, target, known, direction)
    files, _ = carried_out(made, target, known)

    assert files.keys() - source.keys() <= {*made.kept_target_only, *made.kept_changed}


@given(TREES, TREES, MANIFESTS, DIRECTIONS)
def test_a_second_pass_has_nothing_to_do(
    source: dict[str, Stamp],
    target: dict[str, Stamp],
    known: dict[str, Known],
    direction: Direction,
) -> None:
    made = plan(source, target, known, direction)
    files, entries = carried_out(made, target, known)
    again = plan(source, files, entries, direction)

    assert again.is_empty
    assert not again.adopted
    assert not again.forgotten


@given(TREES, TREES, MANIFESTS, DIRECTIONS, st.randoms())
def test_the_order_of_the_listings_does_not_matter(
    source: dict[str, Stamp],
    target: dict[str, Stamp],
    known: dict[str, Known],
    direction: Direction,
    random: Random,
) -> None:
    def shuffled(items: dict[str, Value]) -> dict[str, Value]:
        pairs = list(items.items())
        random.shuffle(pairs)
        return dict(pairs)

    expected = plan(source, target, known, direction)

    assert expected == plan(shuffled(source), shuffled(target), shuffled(known), direction)


@given(TREES, MANIFESTS, st.integers(0, 100), DIRECTIONS)
def test_more_deletions_than_the_cap_are_never_carried_out(
    target: dict[str, Stamp], known: dict[str, Known], percent: int, direction: Direction
) -> None:
    made = make_plan(
        listing(), listing(target), known, direction=direction, deletion_cap_percent=percent
    )
    files, _ = carried_out(made, target, known)

    assert len(target) - len(files) <= -(-len(known) * percent // 100)


@given(TREES, TREES, MANIFESTS)
def test_no_version_is_overwritten_for_good_that_stood_for_long_or_was_the_targets_own(
    source: dict[str, Stamp], target: dict[str, Stamp], known: dict[str, Known]
) -> None:
    made = plan(source, target, known)
    lost = [copy for copy in made.copies if copy.replaces is not None and not copy.keep_old]

    assert all(
        known[copy.path].target.size_bytes == target[copy.path].size_bytes
        and 0 <= copy.stamp.mtime_ns - known[copy.path].source.mtime_ns < 60e9
        for copy in lost
    )
