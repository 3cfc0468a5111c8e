"""A round as a piece of work: what is written down of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication.rows.decisions import FullNeeded
from ipfx_failover.replication.rows.follower import Follower, Round
from ipfx_failover.replication.rows.rounds import Rounds
from ipfx_failover.state.locks import Locks
from tests.support.replication import DEMO, Copies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Following(Follower):
    """Follows nothing. `gap`: what a look finds; the copy is a new one for a round behind it."""

    def __init__(self) -> None:
        self.behind = 0
        self.gap: FullNeeded | None = None

    def has_news(self) -> bool:
        if self.gap:
            raise self.gap
        return False

    def round(self) -> Round:
        return Round(version=7)

    def close(self) -> None:
        """There are no sessions."""


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    with closing(Copies(tmp_path)) as made:
        yield made


def test_what_was_lacking_in_a_copy_that_was_replaced_meanwhile_is_not_told(copies: Copies) -> None:
    copies.replicator().from_live()
    follower = Following()
    locks = Locks(copies.directory / "locks")
    rounds = Rounds(copies.server, follower, copies.store, locks, copies.clock)
    rounds.follow()
    follower.gap = FullNeeded(DEMO, "its history is gone")
    done = rounds.follow()

    assert (Round(version=7), False) == (done, copies.store.server(DEMO).stale)
    assert [] == copies.events("rows_failed")
