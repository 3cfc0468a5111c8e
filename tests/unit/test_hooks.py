"""Hooks in the outbox: committed with the event, each drained by itself, none lost."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.events import SPECS, Event, EventKind
from ipfx_failover.mailing import AskedToWaitError, Drained, drain, remind
from ipfx_failover.state.channels import Route, register, routes
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.mail import FakeMailServer

if TYPE_CHECKING:
    from collections.abc import Iterator

K = EventKind
TEAM, PAGER = "webhook team", "command pager"


class Desk:
    """A store with a clock, and what each channel reaches."""

    def __init__(self, state_dir: Path) -> None:
        self.clock = FakeClock()
        self.store = Store(state_dir)
        self.reached = {TEAM: FakeMailServer(), PAGER: FakeMailServer()}

    def emit(self, kind: EventKind, server: str | None = "DEMO", **data: str) -> None:
        with self.store.transaction() as tx:
            tx.emit(Event(kind, self.clock.now(), server, data))

    def drain(self, channel: str) -> Drained:
        return drain(self.store, self.reached[channel], self.clock, channel=channel)

    def told(self, channel: str) -> list[str]:
        self.drain(channel)
        return [letter.subject for letter in self.reached[channel].letters]

    def waiting(self) -> list[str]:
        return [row["channel"] for row in self.store.rows("SELECT channel FROM waiting")]

    def said(self) -> list[str]:
        logged = self.store.events_after(0)
        return [each.event.text for each in logged if each.event.kind.startswith("hook_")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    register(made.store, [Route(TEAM), Route(PAGER, frozenset({K.SERVER_FAILED}))])
    yield made
    made.store.close()


def test_a_hook_is_told_what_is_mailed_or_what_it_names(desk: Desk) -> None:
    desk.emit(K.SERVER_FAILED)
    desk.emit(K.STAND_IN_STARTED)

    assert ["DEMO has failed: the Failover Server has taken over"] == desk.told(TEAM)
    assert ["DEMO: FAILURE:  pings in a row failed"] == desk.told(PAGER)


def test_what_lasts_is_told_once_and_then_as_a_reminder(desk: Desk) -> None:
    for _ in range(3):
        desk.emit(K.REPLICATION_FAILED, reason="no space")
    desk.clock.advance(3601)
    remind(desk.store, desk.clock)

    subject = "Replication of DEMO failed"
    assert [subject, f"Still: {subject}"] == desk.told(TEAM)


def test_the_row_is_in_the_commit_of_the_event(desk: Desk) -> None:
    def fail() -> None:
        with desk.store.transaction() as tx:
            tx.emit(Event(K.SERVER_FAILED, desk.clock.now(), "DEMO"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [] == desk.waiting()
    assert 0 == desk.store.last_cursor()


def test_a_hook_gets_the_event_itself(desk: Desk) -> None:
    desk.emit(K.SERVER_FAILED, misses="15")
    desk.drain(PAGER)
    (letter,) = desk.reached[PAGER].letters
    document = json.loads(letter.document)

    assert (1, "server_failed", {"misses": "15"}) == (
        document["cursor"],
        document["kind"],
        document["data"],
    )


def test_one_hook_that_fails_holds_up_neither_mails_nor_the_others(desk: Desk) -> None:
    desk.reached[PAGER].is_up = False
    desk.emit(K.SERVER_FAILED)
    desk.emit(K.STAND_IN_STARTED)
    desk.drain(PAGER)
    mails = FakeMailServer()

    assert 1 == len(desk.told(TEAM))
    assert Drained(sent=1) == drain(desk.store, mails, desk.clock)
    assert [PAGER] == desk.waiting()


def test_a_hooks_failing_and_its_end_are_told_once(desk: Desk) -> None:
    desk.reached[TEAM].is_up = False
    desk.emit(K.STAND_IN_STARTED)
    for _ in range(10):
        desk.drain(TEAM)
        desk.clock.advance(100)
    desk.reached[TEAM].is_up = True
    desk.clock.advance(1000)
    desk.drain(TEAM)

    reason = "the mail server refuses the connection"
    assert [
        f"webhook team fails: {reason}; it is kept and tried again",
        "webhook team works again",
    ] == desk.said()


def test_no_hook_is_told_of_hooks(desk: Desk) -> None:
    register(desk.store, [Route(TEAM, frozenset(EventKind))])
    desk.reached[TEAM].is_up = False
    desk.emit(K.SERVER_FAILED)
    desk.drain(TEAM)

    assert [TEAM] == desk.waiting()


def test_who_asks_us_to_wait_is_left_in_peace(desk: Desk) -> None:
    def wait() -> None:
        raise AskedToWaitError("slowly", "wait", timedelta(minutes=2))

    desk.reached[TEAM].on_send = wait
    desk.emit(K.STAND_IN_STARTED)
    desk.emit(K.ISOLATED, None, reason="no carrier")
    desk.drain(TEAM)
    desk.clock.advance(119)
    desk.drain(TEAM)

    assert 1 == desk.reached[TEAM].attempts
    desk.clock.advance(2)
    desk.reached[TEAM].on_send = lambda: None
    assert 2 == len(desk.told(TEAM))


def test_one_that_is_down_is_not_asked_for_each_that_waits_and_then_gets_all(desk: Desk) -> None:
    for number in range(50):
        desk.emit(K.STAND_IN_STARTED, f"SERVER{number}")
    desk.reached[TEAM].is_up = False
    for _ in range(60):
        desk.drain(TEAM)
        desk.clock.advance(1)
    asked = desk.reached[TEAM].attempts
    desk.reached[TEAM].is_up = True
    desk.emit(K.ISOLATED, None, reason="no carrier")

    assert 3 == asked
    assert 50 <= len(desk.told(TEAM))


def test_what_waits_for_a_hook_that_is_no_more_is_dropped_with_that_reason(desk: Desk) -> None:
    desk.emit(K.STAND_IN_STARTED)
    register(desk.store, [])
    desk.reached[TEAM].without = "the config does not name it any more"
    desk.drain(TEAM)

    assert [] == [channel for channel in desk.waiting() if channel != "mail"]
    assert [
        "Not told by webhook team: DEMO has failed: the Failover Server has taken over "
        "(the config does not name it any more)"
    ] == desk.said()


def test_registering_the_same_again_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    known = routes(desk.store)
    with Store(tmp_path) as other:
        version = other.data_version()
        register(desk.store, list(reversed(known)))

        assert version == other.data_version()


def test_mails_waiting_are_counted_without_hooks(desk: Desk) -> None:
    desk.emit(K.STAND_IN_STARTED)

    assert 1 == desk.store.mails_waiting()


def test_every_kind_of_event_is_in_the_list_for_those_who_choose() -> None:
    text = (Path(__file__).parents[2] / "examples" / "webhooks" / "README.md").read_text("utf-8")
    _, mailed, others = re.split(r"Mailed are:|The others:", text)
    listed = [set(re.findall(r"`([a-z_]+)`", part)) & set(EventKind) for part in (mailed, others)]
    of_hooks = {kind for kind in EventKind if kind.startswith("hook_")}

    assert {kind for kind in EventKind if SPECS[kind].subject} == listed[0]
    assert set(EventKind) - listed[0] == listed[1]
    assert of_hooks <= listed[1]
