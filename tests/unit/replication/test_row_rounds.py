"""A round as a piece of work: what is written down of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import FailoverError, Refused, Unreachable
from ipfx_failover.replication.rows.decisions import FullNeeded, LiveRestored
from ipfx_failover.replication.rows.follower import Follower, Round
from ipfx_failover.replication.rows.rounds import Rounds
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.state.locks import Locks
from tests.support.replication import DEMO, Copies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Following(Follower):
    """Follows nothing. `gap`: what a look finds; `trouble`: what a round finds, in another copy."""

    def __init__(self) -> None:
        self.behind = 0
        self.gap: FullNeeded | None = None
        self.trouble: FailoverError | None = None
        self.outdated: tuple[str, ...] = ()

    def has_news(self) -> bool:
        if self.gap:
            raise self.gap
        return False

    def round(self) -> Round:
        if self.trouble:
            raise self.trouble
        return Round(version=7, left=dict.fromkeys(self.outdated, "why"), outdated=self.outdated)

    def close(self) -> None:
        """There are no sessions."""


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    with closing(Copies(tmp_path)) as made:
        yield made


@pytest.fixture
def following() -> Following:
    return Following()


@pytest.fixture
def rounds(copies: Copies, following: Following) -> Rounds:
    copies.replicator().from_live()
    locks = Locks(copies.directory / "locks")
    return Rounds(copies.server, following, copies.store, locks, copies.clock)


def test_what_was_lacking_in_a_copy_that_was_replaced_meanwhile_is_not_told(
    copies: Copies, following: Following, rounds: Rounds
) -> None:
    rounds.follow()
    following.gap = FullNeeded(DEMO, "its history is gone")
    done = rounds.follow()

    assert (Round(version=7), False) == (done, copies.store.server(DEMO).stale)
    assert [] == copies.events("rows_failed")


@pytest.mark.parametrize(
    "trouble", [SqlRefused("a lock", "try again", (1222,)), Unreachable("away", "look")]
)
def test_what_passes_by_itself_is_told_when_it_lasts(
    copies: Copies, following: Following, rounds: Rounds, trouble: FailoverError
) -> None:
    following.trouble = trouble
    told = []
    for wait_s in (0, 59, 2):
        copies.clock.advance(wait_s)
        with pytest.raises(type(trouble)):
            rounds.follow()
        told.append(len(copies.events("rows_failed")))

    assert [0, 0, 1] == told


def test_a_gap_makes_a_full_replication_due_but_not_when_the_last_one_was_of_no_use(
    copies: Copies, following: Following, rounds: Rounds
) -> None:
    copies.clock.advance(1)
    rounds.follow()
    following.trouble = FullNeeded(DEMO, "its history is gone")
    stale = []
    for _ in range(2):
        copies.clock.advance(10)
        with pytest.raises(FullNeeded):
            rounds.follow()
        stale.append(copies.store.server(DEMO).stale)
        copies.replicator().from_live()

    assert [True, False] == stale


def test_a_copy_that_may_be_the_newer_one_is_not_replaced_unasked(
    copies: Copies, following: Following, rounds: Rounds
) -> None:
    copies.clock.advance(1)
    rounds.follow()
    following.trouble = LiveRestored(DEMO)
    copies.clock.advance(10)
    with pytest.raises(LiveRestored):
        rounds.follow()
    (told,) = copies.events("rows_failed")

    assert not copies.store.server(DEMO).stale
    assert "--discard-standby" in str(told.data["advice"])


def test_a_table_that_was_altered_makes_a_full_replication_due_as_long_as_it_is_so(
    copies: Copies, following: Following, rounds: Rounds
) -> None:
    following.outdated = ("calls",)
    copies.clock.advance(1)
    rounds.follow()
    first = copies.store.server(DEMO).stale
    copies.replicator().from_live()
    copies.clock.advance(1)
    rounds.follow()
    state = copies.store.row_states()[DEMO.casefold()]
    following.outdated = ()
    copies.replicator().from_live()
    copies.clock.advance(10)
    rounds.follow()

    assert (True, False) == (first, copies.store.server(DEMO).stale)
    assert state.trouble.endswith("not followed any more: calls")


def test_rows_are_not_looked_for_after_a_failback_before_a_whole_copy_was_made(
    copies: Copies, rounds: Rounds
) -> None:
    copies.is_ahead()
    copies.replicator().to_live(application_answers=False)

    with pytest.raises(Refused, match="its rows are not followed since the failback"):
        rounds.follow()
    assert [] == copies.events("rows_failed")

    copies.replicator().from_live()
    rounds.follow()
