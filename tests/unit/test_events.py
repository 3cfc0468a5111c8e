"""The table of events: complete, pinned, and safe to fill with anything."""

from __future__ import annotations

from datetime import UTC, datetime
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.events import SPECS, Event, EventKind, Spec, one_line

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
K = EventKind

# What each kind's texts are filled with: whoever reports an event must bring these.
FIELDS = {
    K.MONITOR_STARTED: {"servers", "pid"},
    K.MONITOR_STOPPED: {"detail"},
    K.SERVER_ANSWERING: set(),
    K.SERVER_SUSPECT: {"follows"},
    K.WARNING_COUNT_REACHED: {"misses", "needed"},
    K.SERVER_FAILED: {"misses", "detail"},
    K.PROBE_REFUSED: {"reason"},
    K.SERVER_RESET: {"detail", "advice"},
    K.FAILED_WHILE_STANDING_IN: {"standing_in"},
    K.TAKEOVER_REFUSED: {"reason", "advice"},
    K.TAKEOVER_STARTED: {"by"},
    K.FENCE_FAILED: {"reason"},
    K.COPY_NOT_READY: {"reason"},
    K.COPY_READY: set(),
    K.ADDRESS_TAKEN: {"address", "adapter"},
    K.ADDRESS_RELEASED: {"address", "adapter"},
    K.ADDRESS_CONFLICT: {"mac", "address"},
    K.ADDRESS_RESTORED: {"address", "adapter"},
    K.STAND_IN_STARTED: {"detail"},
    K.STAND_IN_INTERRUPTED: {"reason"},
    K.TAKEOVER_FAILED: {"reason", "advice"},
    K.STAND_IN_TROUBLE: {"job", "reason", "advice"},
    K.APPLICATION_DIED: {"detail"},
    K.APPLICATION_RESTARTED: set(),
    K.PRIMARY_RETURNED: {"how"},
    K.STAND_IN_STOPPED: set(),
    K.AUTO_STOPPED: {"kept"},
    K.STANDBY_DISCARDED: {"kept"},
    K.FAILBACK_COMPLETED: {"detail"},
    K.ISOLATED: {"reason"},
    K.ISOLATION_ENDED: set(),
    K.REPLICATION_STARTED: {"direction"},
    K.REPLICATED: {"direction", "size_bytes", "duration_s", "detail"},
    K.REPLICATION_WARNED: {"direction", "warnings"},
    K.REPLICATION_FAILED: {"direction", "reason", "advice", "daily"},
    K.REPLICATION_ROLLED_BACK: {"direction", "kept", "daily", "advice"},
    K.REPLICATION_PREEMPTED: {"work"},
    K.FAILBACK_FAILED: {"reason", "advice"},
    K.FAILBACK_ROLLED_BACK: {"kept", "advice"},
    K.FILES_SYNCED: {"direction", "copied", "deleted", "size_bytes"},
    K.FILE_SYNC_FAILED: {"reason", "advice"},
    K.FILE_SYNC_RECOVERED: set(),
    K.COPY_LOST: {"reason", "advice"},
    K.COPY_FOUND: set(),
    K.ROWS_FAILED: {"reason", "advice"},
    K.ROWS_RECOVERED: set(),
    K.TABLES_RELOADED: {"tables"},
    K.TABLES_LEFT: {"tables"},
    K.TABLES_FOLLOWED: set(),
    K.SUSPENDED: set(),
    K.STOPPED: set(),
    K.RESUMED: {"detail"},
    K.WORKER_FAILED: {"worker", "reason", "delay_s"},
    K.WORKER_RECOVERED: {"worker"},
    K.MAIL_FAILING: {"reason"},
    K.MAIL_RECOVERED: set(),
    K.MAIL_DROPPED: {"subject", "reason"},
    K.HOOK_FAILING: {"hook", "reason"},
    K.HOOK_RECOVERED: {"hook"},
    K.HOOK_DROPPED: {"hook", "subject", "reason"},
    K.HOOK_SAID: {"hook", "output"},
    K.METRICS_FAILING: {"reason"},
    K.METRICS_SERVED: set(),
    K.CONFIG_CHANGED: {"changes", "detail"},
    K.CONFIG_BROKEN: {"reason", "since"},
    K.STATE_UNWRITABLE: {"reason"},
    K.STATE_WRITABLE: set(),
    K.STATE_DAMAGED: {"reason"},
    K.STATE_RESET: {"kept"},
}

# The manual's five situations ("E-mail alerts") and the warning before a failover ("Network tab").
MANUAL_MAILS = {
    K.STAND_IN_STARTED: "DEMO has failed: the Failover Server has taken over",
    K.SERVER_RESET: "DEMO has been reset: it answers again",
    K.FAILED_WHILE_STANDING_IN: "DEMO has failed too, and is offline",
    K.REPLICATION_FAILED: "Daily Replication of DEMO failed",
    K.REPLICATION_ROLLED_BACK: "Daily Replication of DEMO was rolled back",
    K.WARNING_COUNT_REACHED: "DEMO does not answer: failover is near",
}


def fields_of(spec: Spec) -> set[str]:
    templates = (spec.text, spec.subject or "", spec.next_step)
    names = {name for text in templates for _, name, _, _ in Formatter().parse(text) if name}
    return names - {"server"}


def test_every_kind_has_a_spec() -> None:
    assert set(EventKind) == set(SPECS)


@pytest.mark.parametrize("kind", EventKind)
def test_the_fields_of_each_kind_are_pinned(kind: EventKind) -> None:
    assert FIELDS[kind] == fields_of(SPECS[kind])


@pytest.mark.parametrize(("kind", "subject"), MANUAL_MAILS.items())
def test_the_situations_of_the_manual_are_mailed(kind: EventKind, subject: str) -> None:
    event = Event(kind, NOON, "DEMO", {"daily": "Daily "})

    assert subject == event.fill(event.spec.subject or "")


def test_every_topic_that_is_mailed_can_be_over() -> None:
    opened = {spec.topic for spec in SPECS.values() if spec.topic}
    closed = {topic for spec in SPECS.values() for topic in spec.closes}

    assert opened == closed


def test_being_taken_over_is_news_for_a_server_that_was_said_to_be_offline() -> None:
    assert SPECS[K.STAND_IN_STARTED].topic != SPECS[K.FAILED_WHILE_STANDING_IN].topic


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_without_its_data_can_still_be_told(kind: EventKind) -> None:
    event = Event(kind, NOON)

    assert "{" not in event.text


def test_numbers_are_shown_as_the_template_says() -> None:
    event = Event(
        K.REPLICATED,
        NOON,
        "A",
        {"direction": "from-live", "size_bytes": 7654321, "duration_s": 1.25},
    )

    assert "Replicated from-live: 7,654,321 bytes in 1.2 s" == event.text


def test_a_value_with_braces_is_shown_as_it_is() -> None:
    event = Event(K.FILE_SYNC_FAILED, NOON, "A", {"reason": "{0.__class__} {missing}"})

    assert "File sync failed: {0.__class__} {missing}" == event.text


def test_a_value_cannot_forge_a_line_or_a_terminal_escape() -> None:
    event = Event(K.FILE_SYNC_FAILED, NOON, "A", {"reason": "no\n2026 OK\x1b[2J"})

    assert r"File sync failed: no\n2026 OK\x1b[2J" == event.text


@given(st.text(alphabet=st.characters() | st.sampled_from("\udce9\n\r\0\x1b\x85\u2028")))
def test_any_text_becomes_one_line_that_can_be_encoded(text: str) -> None:
    line = one_line(text)

    assert len(line.splitlines()) <= 1
    assert line == line.encode().decode()
