"""The snapshot for unprivileged readers is drawn in time, whatever is committed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.scribe import Scribe
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Drawing:
    """A scribe whose clock stands still, and each store that it has drawn the snapshot of."""

    def __init__(self, state_dir: Path) -> None:
        self.clock = FakeClock()
        self.store = Store(state_dir)
        self.drawn: list[Store] = []
        self.scribe = Scribe(
            open_store=lambda: self.store,
            clock=self.clock,
            after_commit=self.drawn.append,
            say=lambda _: None,
            cry=lambda _: None,
            hurry=Hurry(self.clock),
        )

    def turn(self) -> None:
        self.scribe.turn(self.store, self.scribe.committer(self.store), wait_s=None)


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Drawing]:
    made = Drawing(tmp_path)
    yield made
    made.store.close()


def test_the_snapshot_stays_fresh_while_nothing_is_committed(drawing: Drawing) -> None:
    for _ in range(3):
        drawing.turn()
        drawing.clock.advance(5)

    assert [drawing.store] * 3 == drawing.drawn


def test_the_snapshot_is_not_drawn_at_each_commit(drawing: Drawing) -> None:
    for _ in range(3):
        drawing.scribe.write(lambda _: None)
        drawing.turn()
        drawing.clock.advance(1)

    assert [drawing.store] == drawing.drawn
