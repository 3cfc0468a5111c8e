"""Which events become mails: one a transition, few reminders, never a flood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfx_failover.decide.alerts import Mail, Memory, compose, weigh
from ipfx_failover.events import SPECS, Event, EventKind

K = EventKind
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MAILED = [kind for kind, spec in SPECS.items() if spec.subject]


class Box:
    """What the state store does with events: remembers topics, collects mails."""

    def __init__(self) -> None:
        self.memories: dict[str, Memory] = {}
        self.mails: list[Mail] = []

    def emit(self, kind: EventKind, at: datetime) -> None:
        event = Event(kind, at, "DEMO", {"reason": "it is so"})
        for topic in event.spec.closes:
            if topic in self.memories and self.memories[topic].closed_at is None:
                self.memories[topic] = closed(self.memories[topic], at)
        topic = event.spec.topic or kind
        mail, memory = weigh(self.memories.get(topic), event)
        if memory is not None:
            self.memories[topic] = memory
        if mail is not None:
            self.mails.append(mail)

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mails]


def closed(memory: Memory, at: datetime) -> Memory:
    return Memory(
        memory.since,
        memory.mailed_at,
        memory.reminders,
        memory.repeats,
        closed_at=at,
        spells=memory.spells,
    )


def test_an_event_that_is_only_logged_makes_no_mail() -> None:
    assert (None, None) == weigh(None, Event(K.SERVER_FAILED, NOON, "DEMO"))


def test_a_transition_is_mailed_once_and_repetitions_are_counted() -> None:
    box = Box()
    for second in range(60):
        box.emit(K.REPLICATION_FAILED, NOON + second * SECOND)

    assert ["Replication of DEMO failed"] == box.subjects
    assert 59 == box.memories["replication"].repeats


def test_what_lasts_is_told_again_after_an_hour_then_four_then_once_a_day() -> None:
    box = Box()
    for minute in range(3 * 24 * 60):
        box.emit(K.REPLICATION_FAILED, NOON + minute * 60 * SECOND)

    assert ["Replication of DEMO failed"] + 4 * [
        "Still: Replication of DEMO failed"
    ] == box.subjects
    assert "Repeated 1439 times since the last mail" in box.mails[-1].body


def test_after_it_was_over_it_is_news_again() -> None:
    box = Box()
    box.emit(K.STAND_IN_STARTED, NOON)
    box.emit(K.STAND_IN_STOPPED, NOON + 60 * SECOND)
    box.emit(K.STAND_IN_STARTED, NOON + 120 * SECOND)

    assert 2 * ["DEMO has failed: the Failover Server has taken over"] == box.subjects


def test_a_server_that_was_offline_and_is_taken_over_later_is_mailed_both_times() -> None:
    box = Box()
    box.emit(K.FAILED_WHILE_STANDING_IN, NOON)
    box.emit(K.STAND_IN_STARTED, NOON + 60 * SECOND)

    assert [
        "DEMO has failed too, and is offline",
        "DEMO has failed: the Failover Server has taken over",
    ] == box.subjects


def test_each_of_a_few_resets_is_mailed() -> None:
    box = Box()
    for number in range(3):
        box.emit(K.SERVER_RESET, NOON + number * 60 * SECOND)

    assert 3 * ["DEMO has been reset: it answers again"] == box.subjects


@pytest.mark.parametrize(("kind", "most"), [(K.REPLICATION_FAILED, 3), (K.SERVER_RESET, 8)])
def test_a_hundred_thousand_events_of_a_day_make_a_handful_of_mails(
    kind: EventKind, most: int
) -> None:
    box = Box()
    for number in range(100_000):
        box.emit(kind, NOON + number * 0.864 * SECOND)

    assert len(box.mails) <= most


@pytest.mark.parametrize("kind", MAILED)
def test_no_event_floods_the_mail_however_often_it_comes(kind: EventKind) -> None:
    box = Box()
    for minute in range(24 * 60):
        box.emit(kind, NOON + minute * 60 * SECOND)

    assert len(box.mails) <= 8


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        (K.WARNING_COUNT_REACHED, K.SERVER_ANSWERING),
        (K.TAKEOVER_REFUSED, K.SERVER_RESET),
        (K.ISOLATED, K.ISOLATION_ENDED),
        (K.FILE_SYNC_FAILED, K.FILE_SYNC_RECOVERED),
        (K.COPY_LOST, K.COPY_FOUND),
        (K.STAND_IN_STARTED, K.AUTO_STOPPED),
    ],
)
def test_what_comes_and_goes_all_day_does_not_flood_the_mail(
    opens: EventKind, closes: EventKind
) -> None:
    box = Box()
    for minute in range(0, 24 * 60, 2):
        box.emit(opens, NOON + minute * 60 * SECOND)
        box.emit(closes, NOON + (minute + 1) * 60 * SECOND)

    assert len(box.mails) <= 16


def test_after_an_hour_of_calm_what_came_and_went_is_forgotten() -> None:
    box = Box()
    for second in range(0, 1000, 2):
        box.emit(K.ISOLATED, NOON + second * SECOND)
        box.emit(K.ISOLATION_ENDED, NOON + (second + 1) * SECOND)
    before = len(box.mails)

    box.emit(K.ISOLATED, NOON + 999 * SECOND + HOUR)

    assert before + 1 == len(box.mails)
    assert (
        Memory(NOON + 999 * SECOND + HOUR, NOON + 999 * SECOND + HOUR) == box.memories["isolated"]
    )


def test_a_clock_that_was_far_ahead_does_not_silence_a_topic_until_then() -> None:
    box = Box()
    box.emit(K.REPLICATION_FAILED, NOON + 2000 * DAY)

    box.emit(K.REPLICATION_FAILED, NOON)
    box.emit(K.REPLICATION_FAILED, NOON + SECOND)

    assert 2 == len(box.mails)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(list(K)), st.integers(0, 7200)), min_size=1, max_size=400)
)
def test_no_sequence_of_events_makes_more_mails_than_its_topics_allow(
    steps: list[tuple[EventKind, int]],
) -> None:
    box, at = Box(), NOON
    for kind, seconds in steps:
        at += seconds * SECOND
        box.emit(kind, at)

    topics = len({SPECS[kind].topic or kind for kind, _ in steps if SPECS[kind].subject})
    hours = 1 + (at - NOON) // HOUR
    assert len(box.mails) <= topics * 7 * hours


def test_a_mail_says_what_happened_what_to_do_when_and_of_whom() -> None:
    event = Event(K.TAKEOVER_REFUSED, NOON, "DEMO", {"reason": "no copy", "advice": "make one"})

    mail = compose(event)

    assert "DEMO has failed, and was NOT taken over" == mail.subject
    assert mail.body.startswith("DEMO: Not taken over: no copy\n\nWhat to do now:\n  make one\n\n")
    assert "\nWhen: 2026-03-04 " in mail.body
    assert mail.body.endswith("\nPrimary Server: DEMO\n")


def test_a_mail_about_no_server_names_none() -> None:
    assert "Primary Server" not in compose(Event(K.ISOLATED, NOON)).body


def test_a_reminder_says_since_when_and_how_often() -> None:
    event = Event(K.TAKEOVER_REFUSED, NOON + HOUR, "DEMO", {"reason": "no copy"})

    mail = compose(event, Memory(since=NOON, mailed_at=NOON, repeats=7), now=NOON + DAY)

    assert "Still: DEMO has failed, and was NOT taken over" == mail.subject
    assert "\nSince: 2026-03-04 " in mail.body
    assert "\nRepeated 7 times since the last mail\n" in mail.body
    assert "\nReminder of: 2026-03-05 " in mail.body


@given(st.sampled_from(MAILED), st.from_regex(r"\A[A-Za-z0-9_-]{0,9}\Z"), st.text())
def test_no_value_begins_a_line_of_the_mail_or_breaks_its_subject(
    kind: EventKind, server: str, value: str
) -> None:
    data = dict.fromkeys(("reason", "advice", "mac", "address", "worker", "kept"), value)
    plain = compose(Event(kind, NOON, server or None, dict.fromkeys(data, "x")))

    mail = compose(Event(kind, NOON, server or None, data))

    assert len(mail.subject.splitlines()) <= 1
    assert len(mail.body.splitlines()) <= len(plain.body.splitlines())
