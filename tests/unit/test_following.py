"""Following the log, whoever writes it, also through damage and a reset of the store."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.log import Wanted
from ipfx_failover.state.reset import reset
from ipfx_failover.state.store import DATABASE, Store
from ipfx_failover.wiring.following import Follower
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Reader:
    """What a follower has shown and said."""

    def __init__(self, state_dir: Path, cursor: int = 0, wanted: Wanted | None = None) -> None:
        self.shown: list[str] = []
        self.said: list[str] = []
        self.follower = Follower(
            state_dir,
            cursor,
            lambda logged: self.shown.append(logged.event.server or str(logged.event.kind)),
            self.said.append,
            wanted or Wanted(),
        )

    def turn(self) -> list[str]:
        """What one more turn shows."""
        before = len(self.shown)
        self.follower.turn()
        return self.shown[before:]


def write(state_dir: Path, *servers: str) -> None:
    with Store(state_dir) as store, store.transaction() as tx:
        for server in servers:
            tx.emit(Event(EventKind.SUSPENDED, NOON, server))


def damage(state_dir: Path) -> None:
    for path in state_dir.glob(f"{DATABASE}-*"):
        path.unlink()
    (state_dir / DATABASE).write_bytes(b"no database at all, but longer than its header" * 100)


def end(reader: Reader) -> None:
    reader.follower.stop()
    reader.follower.run()


def test_what_is_new_is_shown_once(tmp_path: Path) -> None:
    write(tmp_path, "OLD")
    reader = Reader(tmp_path, cursor=1)
    turns = [reader.turn()]
    write(tmp_path, "A", "B")
    turns += [reader.turn(), reader.turn()]
    end(reader)

    assert [[], ["A", "B"], []] == turns


def test_only_what_is_wanted_is_shown(tmp_path: Path) -> None:
    reader = Reader(tmp_path, wanted=Wanted(server="A"))
    write(tmp_path, "A", "B")

    assert ["A"] == reader.turn()
    end(reader)


def test_what_was_written_just_before_the_end_is_shown(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.turn()
    write(tmp_path, "A")
    end(reader)

    assert ["A"] == reader.shown


def test_who_looks_seldom_shows_at_once_what_it_is_told_of(tmp_path: Path) -> None:
    write(tmp_path)
    shown = threading.Event()
    follower = Follower(tmp_path, 0, lambda _: shown.set(), lambda _: None, every_s=3600)
    thread = threading.Thread(target=follower.run)
    thread.start()
    write(tmp_path, "A")
    follower.soon()
    is_shown = shown.wait(timeout=30)
    follower.stop()
    thread.join(timeout=30)

    assert (True, False) == (is_shown, thread.is_alive())


def test_a_store_that_is_made_later_is_followed_from_its_beginning(tmp_path: Path) -> None:
    reader = Reader(tmp_path)

    assert [] == reader.turn()
    write(tmp_path, "A")
    assert ["A"] == reader.turn()
    end(reader)


def test_no_damage_is_said_twice_and_the_new_store_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "A", "B", "C")
    reader = Reader(tmp_path)
    shown = reader.turn()
    damage(tmp_path)
    for _ in range(5):
        shown += reader.turn()
    reset(tmp_path, servers=[], locks_of_state=Locks(tmp_path / "locks"), clock=FakeClock())
    write(tmp_path, "D")
    shown += reader.turn()
    end(reader)

    assert ["A", "B", "C", "state_reset", "D"] == shown
    assert len(set(reader.said)) == len(reader.said)
    assert ["is damaged" in said for said in reader.said] == [True] * len(reader.said)
    assert reader.said


def test_a_sound_store_that_is_refused_a_reset_goes_on_being_followed(tmp_path: Path) -> None:
    write(tmp_path, "A")
    reader = Reader(tmp_path)
    reader.turn()
    with pytest.raises(Refused):
        reset(tmp_path, servers=[], locks_of_state=Locks(tmp_path / "locks"), clock=FakeClock())
    write(tmp_path, "B")

    assert ["B"] == reader.turn()
    end(reader)
