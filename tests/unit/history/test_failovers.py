"""Failovers out of the log: when, by whom, how long, and how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ipfx_failover.events import Event, EventKind, Value
from ipfx_failover.history.failovers import Ending, Failover, failovers

K = EventKind
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
Happened = tuple[float, EventKind, Mapping[str, Value]]
FALL: tuple[Happened, ...] = (
    (0, K.SERVER_SUSPECT, {"needed": 15}),
    (28, K.SERVER_FAILED, {"misses": 15, "silent_s": 29.5}),
    (28, K.TAKEOVER_STARTED, {"by": "monitor"}),
)
RISE: tuple[Happened, ...] = (*FALL, (30, K.STAND_IN_STARTED, {}))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(*happened: Happened, server: str = "DEMO") -> list[Failover]:
    return failovers(Event(kind, at(second), server, data) for second, kind, data in happened)


def test_without_a_takeover_there_is_none() -> None:
    assert [] == told(*FALL[:2], (60, K.SERVER_RESET, {}), (99, K.FAILBACK_COMPLETED, {}))


def test_it_says_who_took_over_why_and_how_long_nobody_served() -> None:
    (failover,) = told(*RISE)

    assert ("DEMO", "monitor", "15 pings in a row failed") == (
        failover.server,
        failover.by,
        failover.why,
    )
    assert (at(28), at(30), Ending.STANDING_IN) == (
        failover.began_at,
        failover.stood_in_at,
        failover.ending,
    )
    assert 31.5 == failover.outage_s
    assert 70 == failover.stood_in_s(at(100))


def test_what_a_terminal_would_act_upon_is_shown_as_text() -> None:
    (failover,) = told((0, K.TAKEOVER_STARTED, {"by": "a\x1b[2J\nb"}))

    assert "a\\x1b[2J\\nb" == failover.by


def test_by_hand_the_outage_begins_with_the_command() -> None:
    (failover,) = told(
        (0, K.SERVER_SUSPECT, {}),
        (2, K.SERVER_ANSWERING, {}),
        (10, K.TAKEOVER_STARTED, {"by": "operator"}),
        (12, K.STAND_IN_STARTED, {}),
    )

    assert ("operator", "", 2.0) == (failover.by, failover.why, failover.outage_s)


def test_a_role_that_was_given_back() -> None:
    (failover,) = told(*RISE, (90, K.STAND_IN_STOPPED, {}), (120, K.FAILBACK_COMPLETED, {}))

    assert (Ending.GIVEN_BACK, at(90), at(120)) == (
        failover.ending,
        failover.stopped_at,
        failover.ended_at,
    )
    assert 60 == failover.stood_in_s(at(999))


def test_between_the_two_failback_is_pending() -> None:
    (failover,) = told(*RISE, (90, K.STAND_IN_STOPPED, {}))

    assert (Ending.PENDING, None) == (failover.ending, failover.ended_at)


def test_a_standby_that_was_discarded() -> None:
    (failover,) = told(*RISE, (90, K.STAND_IN_STOPPED, {}), (95, K.STANDBY_DISCARDED, {}))

    assert Ending.DISCARDED is failover.ending


def test_one_that_stopped_by_itself_is_over() -> None:
    (failover,) = told(*RISE, (90, K.AUTO_STOPPED, {"kept": "/x"}))

    assert (Ending.AUTO_STOPPED, at(90)) == (failover.ending, failover.ended_at)


def test_what_comes_after_its_end_changes_it_no_more() -> None:
    over: tuple[Happened, ...] = (*RISE, (90, K.AUTO_STOPPED, {"kept": "/x"}))

    assert told(*over) == told(*over, (95, K.FAILBACK_COMPLETED, {}), (96, K.STANDBY_DISCARDED, {}))


def test_one_that_failed_says_why_and_the_next_is_another() -> None:
    first, second = told(
        *FALL,
        (30, K.TAKEOVER_FAILED, {"reason": "no\x1b[31m answer"}),
        (60, K.TAKEOVER_STARTED, {"by": "monitor"}),
        (61, K.STAND_IN_STARTED, {}),
    )

    assert (Ending.UNDONE, None, None) == (first.ending, first.outage_s, first.stood_in_s(at(99)))
    assert r"15 pings in a row failed; no\x1b[31m answer" == first.why
    assert (Ending.STANDING_IN, 62.5) == (second.ending, second.outage_s)


def test_one_that_was_interrupted_and_taken_up_again_is_one() -> None:
    interrupted: tuple[Happened, ...] = (*RISE, (50, K.STAND_IN_INTERRUPTED, {}))
    again: tuple[Happened, ...] = (
        *interrupted,
        (70, K.TAKEOVER_STARTED, {"by": "operator"}),
        (71, K.STAND_IN_STARTED, {}),
    )

    assert [Ending.INTERRUPTED] == [each.ending for each in told(*interrupted)]
    assert [(Ending.STANDING_IN, at(30))] == [(f.ending, f.stood_in_at) for f in told(*again)]


def test_servers_are_told_apart_without_regard_to_case() -> None:
    demo = [Event(kind, at(second), "DEMO", data) for second, kind, data in RISE]
    other = [
        Event(K.TAKEOVER_STARTED, at(200), "OTHER", {"by": "monitor"}),
        Event(K.STAND_IN_STOPPED, at(210), "demo"),
    ]

    assert [("DEMO", Ending.PENDING), ("OTHER", Ending.TAKING_OVER)] == [
        (each.server, each.ending) for each in failovers([*demo, *other])
    ]
