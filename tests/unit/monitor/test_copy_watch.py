"""A copy that is gone is told in peace: once, when it lasts, and when it is there again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed
from ipfx_failover.monitor.copy_watch import CopyWatch
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.records import Mode, Phase, StandIn
from ipfx_failover.state import locks
from ipfx_failover.state.journal import open_journal
from tests.support.replication import DEMO, Copies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ipfx_failover.config.models import ServerSettings

LOST, FOUND = "copy_lost", "copy_found"


class Watched(Copies):
    """With a watch; `meanwhile` is what happens while it looks."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.meanwhile: Callable[[], object] = lambda: None
        self.locks = locks.Locks(directory / "locks")
        self.hurry = Hurry(self.clock)
        self.watch = self.new_watch()

    def new_watch(self) -> CopyWatch:
        return CopyWatch(
            servers={DEMO: self.server},
            clock=self.clock,
            open_store=lambda: self.store,
            is_held=self.locks.is_held,
            obstacles=self._obstacles,
            hurry=self.hurry,
        )

    def look(self, times: int = 1) -> list[str]:
        """What was told until then, by all looks."""
        for _ in range(times):
            self.watch.turn(self.store)
        return [event.kind for event in self.events(LOST, FOUND)]

    @property
    def alert_is_over(self) -> bool:
        return not self.store.open_alerts()

    def _obstacles(self, servers: Iterable[ServerSettings]) -> Mapping[str, str | None]:
        reason = None if self.standby.exists() else f"there is no {self.standby}"
        self.meanwhile()
        return {server.name: reason for server in servers}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(tmp_path)) as made:
        made.replicator().from_live()
        assert [] == made.look(2)
        yield made


def test_a_copy_that_is_gone_is_told_once_and_that_it_is_back(watched: Watched) -> None:
    watched.standby.rename(watched.directory / "away")
    assert [] == watched.look()
    assert [LOST] == watched.look(3)
    (lost,) = watched.events(LOST)
    assert f"there is no {watched.standby}" == lost.data["reason"]
    assert f"replicate-from-live {DEMO}" in str(lost.data["advice"])
    assert [f"The copy of {DEMO} could not be taken over"] == watched.subjects

    (watched.directory / "away").rename(watched.standby)
    assert [LOST, FOUND] == watched.look(3)

    watched.standby.unlink()
    assert [LOST, FOUND, LOST] == watched.look(3)


def test_another_process_goes_on_with_what_was_told(watched: Watched) -> None:
    watched.standby.rename(watched.directory / "away")
    watched.look(2)
    watched.watch = watched.new_watch()
    (watched.directory / "away").rename(watched.standby)

    assert [LOST, FOUND] == watched.look()


def test_data_that_exist_nowhere_else_are_not_to_be_made_anew(watched: Watched) -> None:
    watched.is_ahead()
    watched.standby.unlink()
    watched.look(2)
    (lost,) = watched.events(LOST)

    assert f"it holds what {DEMO} has not" in str(lost.data["advice"])
    assert "replicate-from-live" not in str(lost.data["advice"])


def test_a_copy_that_was_made_anew_is_there(watched: Watched) -> None:
    watched.standby.unlink()
    watched.look(2)
    watched.replicator().from_live()

    assert watched.alert_is_over
    assert [LOST] == watched.look(2)


def test_a_copy_that_somebody_works_with_is_not_looked_at(watched: Watched) -> None:
    watched.standby.unlink()
    with watched.locks.hold(locks.database(DEMO), "replicate-from-live"):
        assert [] == watched.look(3)
    watched.look()

    assert [LOST] == watched.look()


def test_what_a_killed_run_left_is_told_by_the_status(watched: Watched) -> None:
    with watched.store.transaction() as tx:
        open_journal(
            tx,
            resource=locks.database(DEMO),
            workflow="replicate-from-live",
            server=DEMO,
            boot_id="boot",
            steps=(),
            at=watched.clock.now(),
        )
    watched.standby.unlink()

    assert [] == watched.look(3)


@pytest.mark.parametrize(("real_time", "told"), [("all", []), ("off", [LOST])])
def test_where_rows_are_followed_that_is_how_a_copy_is_missed(
    watched: Watched, real_time: str, told: list[str]
) -> None:
    watched.server = watched.server.model_copy(update={"real_time": real_time})
    watched.watch = watched.new_watch()
    watched.standby.unlink()

    assert told == watched.look(3)


def test_what_was_told_before_rows_were_followed_is_looked_at_until_it_is_over(
    watched: Watched,
) -> None:
    watched.standby.rename(watched.directory / "away")
    watched.look(2)
    watched.server = watched.server.model_copy(update={"real_time": "all"})
    watched.watch = watched.new_watch()
    assert [LOST] == watched.look(2)
    (watched.directory / "away").rename(watched.standby)

    assert [LOST, FOUND] == watched.look(3)


def test_where_rows_are_not_followed_for_now_it_is_looked_at(watched: Watched) -> None:
    watched.server = watched.server.model_copy(update={"real_time": "all"})
    watched.watch = watched.new_watch()
    watched.is_ahead()
    watched.standby.unlink()

    assert [LOST] == watched.look(3)


def test_a_copy_that_was_exchanged_meanwhile_is_not_judged(watched: Watched) -> None:
    def is_made_anew() -> None:
        watched.replicator().from_live()
        watched.standby.unlink()

    watched.meanwhile = is_made_anew

    assert [] == watched.look(3)


def test_a_copy_that_stands_in_is_its_applications(watched: Watched) -> None:
    now = watched.clock.now()
    with watched.store.transaction() as tx:
        tx.claim_stand_in(StandIn(DEMO, "boot", now, Phase.STANDING_IN, None, None))
    watched.standby.unlink()

    assert [] == watched.look(3)


def test_the_copy_of_a_stopped_server_is_nobodys(watched: Watched) -> None:
    with watched.store.transaction() as tx:
        tx.set_mode(DEMO, Mode.STOPPED)
    watched.standby.unlink()

    assert [] == watched.look(3)


def test_a_copy_of_what_is_no_longer_copied_is_not_missed(watched: Watched) -> None:
    watched.server = watched.server.model_copy(update={"database": None})
    watched.watch = watched.new_watch()
    watched.standby.unlink()

    assert [] == watched.look(3)


def test_a_takeover_goes_first(watched: Watched) -> None:
    seen: list[str] = []

    class Noted(Hurry):
        def wait_until_over(self) -> None:
            seen.append("waits")
            super().wait_until_over()

    watched.hurry = Noted(watched.clock)
    watched.watch = watched.new_watch()
    watched.meanwhile = lambda: seen.append("looks")
    watched.look()

    assert ["waits", "looks"] == seen


def test_what_was_never_copied_is_not_missed(tmp_path: Path) -> None:
    with closing(Watched(tmp_path)) as never:
        assert [] == never.look(3)


@pytest.mark.parametrize(
    "trouble",
    [Failed("no disk", "make room"), OSError("no disk"), sqlite3.OperationalError("no disk")],
)
def test_a_disk_in_trouble_ends_no_watch(watched: Watched, trouble: Exception) -> None:
    def fails() -> None:
        raise trouble

    watched.meanwhile = fails
    watched.standby.unlink()
    assert [] == watched.look(3)

    watched.meanwhile = lambda: None
    assert [LOST] == watched.look(2)
