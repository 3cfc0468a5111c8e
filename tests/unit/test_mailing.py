"""The outbox is drained: nothing is lost, nothing is repeated for ever, failures are told once."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfx_failover.decide.alerts import Mail
from ipfx_failover.errors import Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.mailing import Drained, Refusal, deliver, drain, remind, send_now
from ipfx_failover.state import outbox
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.mail import FakeMailServer
from tests.support.processes import child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

K = EventKind
LATER = Refusal("450 try later", is_final=False)
NEVER = Refusal("550 no such user", is_final=True)


class Office:
    """A store, a mail server and a clock."""

    def __init__(self, state_dir: Path) -> None:
        self.clock = FakeClock()
        self.server = FakeMailServer("support@example.com", "boss@example.com")
        self.store = Store(state_dir)

    def post(self, *subjects: str) -> None:
        for subject in subjects:
            with self.store.transaction() as tx:
                tx.post(Mail(subject, f"About {subject}\n"), self.clock.now())

    def drain(self, *, limit: int = 100) -> Drained:
        return drain(self.store, self.server, self.clock, limit=limit)

    def drain_for(self, duration: timedelta, every: timedelta) -> None:
        end = self.clock.now() + duration
        while self.clock.now() < end:
            self.drain()
            self.clock.advance(every.total_seconds())

    def said(self) -> list[EventKind]:
        return [logged.event.kind for logged in self.store.events_after(0)]

    def texts(self) -> list[str]:
        return [logged.event.text for logged in self.store.events_after(0)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_what_waits_is_sent_once_oldest_first(office: Office) -> None:
    office.post("one", "two", "three")

    assert Drained(sent=3) == office.drain()
    assert Drained() == office.drain()
    assert ["one", "two", "three"] == office.server.inboxes["support@example.com"]
    assert 0 == office.store.mails_waiting()


def test_an_event_becomes_a_mail(office: Office) -> None:
    event = Event(K.STAND_IN_STARTED, office.clock.now(), "DEMO")
    with office.store.transaction() as tx:
        tx.emit(event)

    office.drain()

    (letter,) = office.server.letters
    assert "DEMO has failed: the Failover Server has taken over" == letter.subject
    assert "ipfx-failover stop-failover DEMO" in letter.body
    assert event.at == letter.written_at


def test_while_the_server_is_down_mail_is_kept_and_sent_later(office: Office) -> None:
    office.server.is_up = False
    office.post("one", "two")
    office.drain_for(timedelta(hours=1), every=timedelta(seconds=1))
    assert 2 == office.store.mails_waiting()

    office.server.is_up = True
    office.drain_for(timedelta(minutes=16), every=timedelta(seconds=1))

    assert {"one", "two"} == set(office.server.inboxes["boss@example.com"])
    assert 2 == len(office.server.letters)


def test_the_back_off_is_ten_seconds_at_first_and_a_quarter_of_an_hour_at_last(
    office: Office,
) -> None:
    office.server.is_up = False
    office.post("one")
    tried_at = []
    office.server.on_send = lambda: tried_at.append(office.clock.now())
    office.drain_for(timedelta(minutes=40), every=timedelta(seconds=1))

    pauses = [later - earlier for earlier, later in itertools.pairwise(tried_at)]
    assert [10, 30, 60, 300, 900, 900] == [pause.total_seconds() for pause in pauses]


def test_an_outage_of_the_mail_server_is_told_once_and_so_is_its_end(office: Office) -> None:
    office.server.is_up = False
    office.post("one", "two")
    office.drain_for(timedelta(minutes=5), every=timedelta(seconds=1))
    office.server.is_up = True
    office.drain_for(timedelta(minutes=10), every=timedelta(seconds=1))

    assert [K.MAIL_FAILING, K.MAIL_RECOVERED] == office.said()
    assert "refuses the connection" in office.texts()[0]


def test_when_the_server_is_down_a_pass_does_not_wait_for_it_mail_by_mail(office: Office) -> None:
    office.server.is_up = False
    office.post(*(f"mail {number}" for number in range(50)))

    done = office.drain()

    assert (1, 1) == (done.postponed, office.server.attempts)
    assert done.problem is not None


def test_a_mail_that_is_not_taken_holds_up_no_other(office: Office) -> None:
    office.server.rejecting = {"spam"}
    office.post("spam", "one", "two")

    done = office.drain()

    assert (2, 1) == (done.sent, done.postponed)
    assert 1 == office.store.mails_waiting()


def test_after_three_days_of_failing_it_is_given_up_and_kept_with_the_reason(
    office: Office,
) -> None:
    office.server.is_up = False
    office.post("one")
    office.drain_for(timedelta(days=2, hours=23), every=timedelta(minutes=5))
    assert 1 == office.store.mails_waiting()

    office.drain_for(timedelta(hours=2), every=timedelta(minutes=5))

    assert 0 == office.store.mails_waiting()
    assert [K.MAIL_FAILING, K.MAIL_DROPPED] == office.said()
    assert "Not sent by mail: one (given up after three days" in office.texts()[1]
    (row,) = office.store.rows("SELECT subject, last_error, sent_at FROM outbox")
    assert ("one", None) == (row["subject"], row["sent_at"])
    assert "refuses the connection" in row["last_error"]


def test_a_mail_that_lay_for_a_week_on_a_machine_that_was_off_is_still_sent(
    office: Office,
) -> None:
    office.post("one")
    office.clock.advance(7 * 86_400)

    assert Drained(sent=1) == office.drain()


def test_who_got_it_does_not_get_it_again_because_of_one_who_did_not(office: Office) -> None:
    office.server.refusing = {"boss@example.com": LATER}
    office.post("one")
    office.drain_for(timedelta(hours=1), every=timedelta(seconds=1))
    office.server.refusing = {}
    office.drain_for(timedelta(minutes=16), every=timedelta(seconds=1))

    assert {"support@example.com": ["one"], "boss@example.com": ["one"]} == office.server.inboxes
    assert [K.MAIL_FAILING, K.MAIL_RECOVERED] == office.said()


def test_who_is_refused_for_good_is_told_and_not_tried_again(office: Office) -> None:
    office.server.refusing = {"boss@example.com": NEVER}
    office.post("one")

    assert Drained(sent=1) == office.drain()
    office.drain_for(timedelta(hours=1), every=timedelta(minutes=1))
    assert 1 == office.server.attempts
    assert ["Not sent by mail: one (to boss@example.com: 550 no such user)"] == office.texts()


def test_when_everybody_is_refused_it_is_kept(office: Office) -> None:
    office.server.refusing = dict.fromkeys(office.server.recipients, NEVER)
    office.post("one")
    office.drain()
    office.server.refusing = {}
    office.clock.advance(10)

    assert Drained(sent=1) == office.drain()


@pytest.mark.parametrize("reason", ["the config names no mail server", "no recipients"])
def test_without_mail_server_or_recipients_mails_are_dropped_with_that_reason(
    office: Office, reason: str
) -> None:
    office.server.without = reason
    office.post("one", "two")

    assert Drained(dropped=2) == office.drain()
    assert 0 == office.server.attempts
    assert [f"Not sent by mail: {name} ({reason})" for name in ("one", "two")] == office.texts()
    assert [reason] * 2 == [r["last_error"] for r in office.store.rows("SELECT * FROM outbox")]


def test_two_that_drain_at_once_send_each_mail_once(office: Office, tmp_path: Path) -> None:
    office.post("one", "two", "three")
    other = Store(tmp_path)
    done = []
    office.server.on_send = lambda: done.append(drain(other, twin, office.clock))
    twin = FakeMailServer("support@example.com")

    office.drain()
    other.close()

    sent = [letter.subject for letter in (*office.server.letters, *twin.letters)]
    assert ["one", "three", "two"] == sorted(sent)
    assert twin.letters


def test_a_mail_whose_sender_was_killed_is_sent_by_the_next_at_once(
    office: Office, tmp_path: Path
) -> None:
    office.post("one")
    code = (
        "import sys; from pathlib import Path\n"
        "from ipfx_failover.mailing import drain\n"
        "from ipfx_failover.state.store import Store\n"
        "from tests.fakes.clock import FakeClock; from tests.fakes.mail import FakeMailServer\n"
        "server = FakeMailServer()\n"
        "def hang(): print('sending', flush=True); sys.stdin.readline()\n"
        "server.on_send = hang\n"
        "drain(Store(Path(sys.argv[1])), server, FakeClock())"
    )
    with child(code, tmp_path) as sender:
        assert "sending" == sender.line()
        assert Drained() == office.drain()
        sender.kill()

    assert Drained(sent=1) == office.drain()


def test_a_lease_ends_though_its_process_lives(office: Office) -> None:
    office.post("one")
    with office.store.transaction() as tx:
        holder = "7/1.0"
        assert outbox.claim(tx, outbox.MAIL, holder=holder, now=office.clock.now()) is not None
        assert outbox.claim(tx, outbox.MAIL, holder=holder, now=office.clock.now()) is None
        later = office.clock.now() + outbox.LEASE

        claimed = outbox.claim(tx, outbox.MAIL, holder=holder, now=later)

    assert claimed is not None
    assert 2 == claimed.attempts


def test_a_clock_that_was_far_ahead_does_not_delay_mail_until_then(office: Office) -> None:
    office.server.is_up = False
    office.clock.set_wall(office.clock.now() + timedelta(days=2000))
    office.post("one")
    office.drain()
    office.server.is_up = True
    office.clock.set_wall(office.clock.now() - timedelta(days=2000))

    assert Drained(sent=1) == office.drain()


def test_a_pass_is_bounded_in_number_and_time(office: Office) -> None:
    office.post(*(f"mail {number}" for number in range(9)))
    assert 2 == office.drain(limit=2).sent

    office.server.on_send = lambda: office.clock.advance(20)
    assert 3 == drain(office.store, office.server, office.clock, within_s=60.0).sent


def test_a_repeated_mail_can_be_told_by_its_key(office: Office) -> None:
    office.post("one", "two")
    office.drain()

    keys = [letter.key for letter in office.server.letters]
    assert ["1.20260304120000000000", "2.20260304120000000000"] == keys


def test_what_was_sent_long_ago_is_forgotten(office: Office) -> None:
    office.post("one")
    office.drain()
    office.clock.advance(31 * 86_400)
    office.post("two")
    office.drain()

    assert ["two"] == [row["subject"] for row in office.store.rows("SELECT subject FROM outbox")]


def open_topic(office: Office) -> None:
    with office.store.transaction() as tx:
        tx.emit(Event(K.REPLICATION_FAILED, office.clock.now(), "DEMO", {"reason": "no space"}))
    office.drain()


def test_what_lasts_is_reminded_of_though_nothing_new_comes(office: Office) -> None:
    open_topic(office)
    for _ in range(60):
        office.clock.advance(3600)
        deliver(office.store, office.server, office.clock)

    subject = "Replication of DEMO failed"
    assert [subject, *[f"Still: {subject}"] * 4] == office.server.inboxes["boss@example.com"]
    assert "Since: 2026-03-04 " in office.server.letters[-1].body


def test_a_reminder_is_written_once_however_many_look(office: Office) -> None:
    open_topic(office)
    office.clock.advance(3601)

    assert [1, 0] == [remind(office.store, office.clock) for _ in range(2)]


def test_only_what_is_due_is_reminded_of(office: Office) -> None:
    open_topic(office)
    office.clock.advance(3000)
    with office.store.transaction() as tx:
        tx.emit(Event(K.ISOLATED, office.clock.now(), None, {"reason": "no carrier"}))
    office.drain()
    office.clock.advance(601)

    assert 1 == remind(office.store, office.clock)


def test_what_is_over_is_not_reminded_of(office: Office) -> None:
    open_topic(office)
    with office.store.transaction() as tx:
        tx.emit(Event(K.REPLICATED, office.clock.now(), "DEMO"))
    office.clock.advance(90 * 3600)

    assert 0 == remind(office.store, office.clock)


def test_a_delivery_reports_a_store_that_cannot_be_used(office: Office) -> None:
    open_topic(office)
    office.post("one")
    blocker = Store(office.store.state_dir)
    impatient = Store(office.store.state_dir, busy_timeout_s=0.01)
    with blocker.transaction():
        done = deliver(impatient, office.server, office.clock)
    blocker.close()
    impatient.close()

    assert done.problem is not None
    assert "cannot be written" in done.problem.message


def test_a_mail_can_be_sent_past_the_outbox(office: Office) -> None:
    send_now(office.server, Mail("Test", "It works\n"), office.clock)

    assert ["Test"] == office.server.inboxes["boss@example.com"]
    office.server.without = "no recipients"
    with pytest.raises(Refused, match="no recipients"):
        send_now(office.server, Mail("Test", "It works\n"), office.clock)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["post", "down", "up", "boss later", "boss back", "wait", "long wait"]),
        max_size=40,
    )
)
def test_in_the_end_everybody_has_every_mail_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, happenings: list[str]
) -> None:
    office = Office(tmp_path_factory.mktemp("office"))
    posted = 0
    for happening in happenings:
        match happening:
            case "post":
                posted += 1
                office.post(f"mail {posted}")
            case "down" | "up":
                office.server.is_up = happening == "up"
            case "boss later" | "boss back":
                office.server.refusing = (
                    {"boss@example.com": LATER} if happening == "boss later" else {}
                )
            case _:
                office.clock.advance(7 if happening == "wait" else 1000)
        office.drain()
    office.server.is_up, office.server.refusing = True, {}
    office.drain_for(timedelta(minutes=16), every=timedelta(seconds=30))
    office.store.close()

    expected = sorted(f"mail {number}" for number in range(1, posted + 1))
    for who in office.server.recipients:
        assert expected == sorted(office.server.inboxes.get(who, []))
