"""A process that is killed at any moment leaves nothing that the next cannot finish or undo."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Authority
from ipfx_failover.state.journal import StepState, read_journal
from ipfx_failover.state.store import Store
from tests.support.processes import child
from tests.support.toy_workflow import (
    ALL_DONE,
    ALL_UNDONE,
    RESOURCE,
    End,
    Toy,
    end,
    prepare,
    runner,
)

if TYPE_CHECKING:
    from pathlib import Path

FAILS_AT = 11
"""The moment behind which the last step fails: three moments before, four for each other step."""

CODE = (
    "import sys; from tests.support.toy_workflow import live_until\n"
    "directory, dies_at, work, forward, fails = sys.argv[1:]\n"
    "live_until(directory, int(dies_at), work, forward=forward == 'True', fails=fails == 'True')"
)


def live(
    directory: Path, dies_at: int, work: str = "run", *, forward: bool = False, fails: bool = False
) -> str:
    """Run the workflow in a child; what it said, or "killed"."""
    with child(CODE, directory, dies_at, work, forward, fails) as process:
        code, said = process.finish()
    return said if code == 0 else "killed"


def recover(directory: Path, *, forward: bool) -> End:
    toy = Toy(directory / "files")
    with Store(directory / "state") as store:
        check_that_marks_and_effects_agree(store)
        runner(store, toy, forward=forward).recover(RESOURCE)
        return end(store, toy)


def check_that_marks_and_effects_agree(store: Store) -> None:
    journal = read_journal(store, RESOURCE)
    if journal is not None:
        swapped_in = journal.states[2] is StepState.DONE
        authority = store.server("DEMO").authority
        assert swapped_in == (authority is Authority.STANDBY)
        assert (journal.states[0] is StepState.DONE) <= ("size" in journal.facts)


@pytest.mark.parametrize(
    ("forward", "fails", "ends", "expected", "moments"),
    [
        (True, False, "done", ALL_DONE, 13),
        (False, False, "done", ALL_UNDONE, 13),
        (True, True, "failed", ALL_UNDONE, 21),
    ],
    ids=["finished by the next", "undone by the next", "while it undoes a failure"],
)
def test_killed_at_any_moment_it_ends_all_done_or_all_undone(
    tmp_path: Path,
    forward: bool,  # noqa: FBT001 - columns of the table
    fails: bool,  # noqa: FBT001
    ends: str,
    expected: End,
    moments: int,
) -> None:
    for dies_at in count(1):
        directory = tmp_path / str(dies_at)
        prepare(directory)
        said = live(directory, dies_at, forward=forward, fails=fails)
        if said != "killed":
            break
        found = recover(directory, forward=forward)
        # Before its failure was written down, a workflow that goes forward is simply finished.
        begun_to_undo = not fails or dies_at > FAILS_AT
        assert (expected if begun_to_undo else ALL_DONE) == found, f"killed at moment {dies_at}"

    assert (ends, moments + 1) == (said, dies_at)


@pytest.mark.parametrize(
    ("forward", "expected"), [(True, ALL_DONE), (False, ALL_UNDONE)], ids=["finishing", "undoing"]
)
def test_killed_again_while_recovering_it_still_ends_in_one_way(
    tmp_path: Path,
    forward: bool,  # noqa: FBT001
    expected: End,
) -> None:
    for dies_at in count(1):
        directory = tmp_path / str(dies_at)
        prepare(directory)
        assert "killed" == live(directory, 10, forward=forward)

        said = live(directory, dies_at, "recover", forward=forward)

        assert expected == recover(directory, forward=forward), f"killed again at {dies_at}"
        if said == "done":
            break
