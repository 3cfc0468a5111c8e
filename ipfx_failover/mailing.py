"""Getting what waits in the outbox to people; by the monitor's threads or any command.

Whoever is present drains it, each channel (mail, a webhook, a command) by itself. What cannot be
sent stays, and is tried again with back-off.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.errors import FailoverError, Refused, Unreachable
from ipfx_failover.events import Event, EventKind
from ipfx_failover.state import outbox
from ipfx_failover.state.locks import Holder, process_created_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.decide.alerts import Mail
    from ipfx_failover.state.outbox import Posted
    from ipfx_failover.state.store import Store
    from ipfx_failover.state.writing import Transaction


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent. `key`: the same whenever this mail is sent again.

    `recipients`: None for all that the config names. `document`: for a hook, the event as JSON
    (`decide.notices.Notice`).
    """

    key: str
    written_at: datetime
    subject: str
    body: str
    recipients: tuple[str, ...] | None = None
    document: str = "{}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one recipient was not accepted, while others were; `is_final`: trying again is vain."""

    reason: str
    is_final: bool


class RejectedError(Refused):
    """The other side does not take this message; it may take others."""


class AskedToWaitError(Unreachable):
    """The other side takes nothing for a while (HTTP 429, Retry-After)."""

    def __init__(self, message: str, hint: str, wait: timedelta) -> None:
        super().__init__(message, hint)
        self.wait = min(max(wait, timedelta()), outbox.LONGEST_WAIT)


class MailSender(Protocol):
    """Hands one message to a mail server, or to whatever a hook is told by."""

    @property
    def limitation(self) -> str | None:
        """Why nothing can be sent at all with this config, in words; None when it can."""
        ...

    def send(self, letter: Letter) -> Mapping[str, Refusal]:
        """Send it; the recipients that were refused while at least one was accepted.

        Raises:
            RejectedError: this mail was not taken, for nobody.
            FailoverError: no mail can be sent now; the message says why, without any secret.
        """
        ...


@dataclass(frozen=True, slots=True)
class Drained:
    """What one pass over the outbox did; `problem`: the last failure."""

    sent: int = 0
    postponed: int = 0
    dropped: int = 0
    problem: FailoverError | None = None


def send_now(sender: MailSender, mail: Mail, clock: Clock) -> Mapping[str, Refusal]:
    """Send a mail past the outbox: to try the settings, or while the store cannot be written.

    Raises:
        Refused: the config allows no mail.
        FailoverError: as `MailSender.send`.
    """
    if reason := sender.limitation:
        raise Refused(f"no mail can be sent: {reason}", "see [alerts] in the config")
    now = clock.now()
    key = f"direct.{os.getpid()}.{clock.monotonic_ns()}"
    return sender.send(Letter(key, now, mail.subject, mail.body))


def deliver(store: Store, sender: MailSender, clock: Clock, *, within_s: float = 60.0) -> Drained:
    """Write the reminders that are due, and send what waits; a failure is in the result."""
    try:
        remind(store, clock)
        return drain(store, sender, clock, within_s=within_s)
    except FailoverError as error:
        return Drained(problem=error)


def remind(store: Store, clock: Clock) -> int:
    """Mail again what is still open and was last mailed long enough ago; how many.

    Raises:
        StateUnwritableError: the store cannot be written.
    """
    now = clock.now()
    if not any(memory.remind_at <= now for _, _, _, memory in store.open_alerts()):
        return 0
    with store.transaction() as tx:
        due = [alert for alert in tx.open_alerts() if alert[3].remind_at <= now]
        for server, topic, cursor, memory in due:
            tx.remind(server, topic, cursor, memory, now)
    return len(due)


def drain(
    store: Store,
    sender: MailSender,
    clock: Clock,
    *,
    channel: str = outbox.MAIL,
    limit: int = 100,
    within_s: float = 60.0,
) -> Drained:
    """Send what is due in a channel, oldest first; at most `limit`, none begun after `within_s`.

    Ends early when the other side cannot be used. Where there is none (no mail server, no
    recipients) everything that waits is dropped, with that reason.

    Raises:
        StateUnwritableError: the store cannot be written; what was sent just then is repeated.
    """
    done = Drained()
    deadline_ns = clock.monotonic_ns() + int(within_s * 1e9)
    free_leases_of_the_dead(store)
    for _ in range(limit):
        if clock.monotonic_ns() >= deadline_ns or not outbox.is_due(store, channel, clock.now()):
            break
        posted = _claim(store, channel, clock)
        if posted is None:
            break
        done, goes_on = _Delivery(store, sender, clock, channel, posted).attempt(done)
        if not goes_on:
            break
    return done


def _claim(store: Store, channel: str, clock: Clock) -> Posted | None:
    pid = os.getpid()
    holder = f"{pid}/{process_created_at(pid) or 0.0}"
    now = clock.now()
    with store.transaction() as tx:
        outbox.forget_old(tx, now)
        return outbox.claim(tx, channel, holder=holder, now=now)


def free_leases_of_the_dead(store: Store) -> None:
    """What a process had claimed that was killed is due again at once.

    Raises:
        StateUnwritableError: the store cannot be written.
    """
    dead = [holder for holder in outbox.lease_holders(store) if not _is_alive(holder)]
    if dead:
        with store.transaction() as tx:
            for holder in dead:
                outbox.free_leases(tx, holder)


def _is_alive(holder: str) -> bool:
    pid, _, created_at = holder.partition("/")
    return Holder(int(pid), float(created_at), "").is_alive


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One attempt for one claimed message, and what is written down about it."""

    store: Store
    sender: MailSender
    clock: Clock
    channel: str
    posted: Posted

    def attempt(self, done: Drained) -> tuple[Drained, bool]:
        """What is done now, and whether there is a point in trying the next mail."""
        if reason := self.sender.limitation:
            self._drop(reason)
            return _plus(done, dropped=1), True
        posted = self.posted
        key = f"{posted.id}.{posted.created_at:%Y%m%d%H%M%S%f}"
        letter = Letter(
            key,
            posted.created_at,
            posted.subject,
            posted.body,
            posted.recipients,
            posted.document or "{}",
        )
        try:
            refused = self.sender.send(letter)
        except FailoverError as error:
            return self._failed(error, done), isinstance(error, RejectedError)
        return self._taken(refused, done), True

    def _failed(self, error: FailoverError, done: Drained) -> Drained:
        if outbox.has_expired(self.posted, self.clock.now()):
            self._drop(f"given up after three days: {error.message}")
            return _plus(done, dropped=1, problem=error)
        with self.store.transaction() as tx:
            self._postpone(tx, error.message)
            self._hold_the_others(tx, error)
        return _plus(done, postponed=1, problem=error)

    def _hold_the_others(self, tx: Transaction, error: FailoverError) -> None:
        """Nobody is asked once a second by each of a hundred that wait; what is new may try."""
        if isinstance(error, RejectedError):
            return
        asked = error.wait if isinstance(error, AskedToWaitError) else timedelta()
        wait = max(asked, outbox.back_off(self.posted.attempts))
        outbox.hold(tx, self.channel, self.clock.now() + wait)

    def _taken(self, refused: Mapping[str, Refusal], done: Drained) -> Drained:
        """At least one recipient has got it; only those who may still get it are tried again."""
        left = {who: why for who, why in refused.items() if not why.is_final}
        if left and outbox.has_expired(self.posted, self.clock.now()):
            left = {}
        with self.store.transaction() as tx:
            for who, why in refused.items():
                if who not in left:
                    self._say_dropped(tx, f"to {who}: {why.reason}")
            if left:
                self._postpone(tx, "; ".join(why.reason for why in left.values()), tuple(left))
                return _plus(done, postponed=1)
            self._sent(tx)
        return _plus(done, sent=1)

    def _sent(self, tx: Transaction) -> None:
        outbox.mark_sent(tx, self.posted, self.clock.now())
        outbox.release(tx, self.channel, self.clock.now())
        if self.posted.last_error is not None and not outbox.is_failing(tx, self.channel):
            self._tell(tx, EventKind.MAIL_RECOVERED)

    def _postpone(
        self, tx: Transaction, error: str, recipients: tuple[str, ...] | None = None
    ) -> None:
        now = self.clock.now()
        if not outbox.is_failing(tx, self.channel):
            self._tell(tx, EventKind.MAIL_FAILING, reason=error)
        outbox.postpone(tx, self.posted, error=error, now=now, recipients=recipients)

    def _drop(self, reason: str) -> None:
        with self.store.transaction() as tx:
            outbox.drop(tx, self.posted, reason=reason, now=self.clock.now())
            self._say_dropped(tx, reason)

    def _say_dropped(self, tx: Transaction, reason: str) -> None:
        self._tell(tx, EventKind.MAIL_DROPPED, subject=self.posted.subject, reason=reason)

    def _tell(self, tx: Transaction, kind: EventKind, **data: str) -> None:
        if self.channel != outbox.MAIL:
            kind, data = _OF_HOOKS[kind], {"hook": self.channel, **data}
        tx.emit(Event(kind, self.clock.now(), None, data))


_OF_HOOKS = {
    EventKind.MAIL_FAILING: EventKind.HOOK_FAILING,
    EventKind.MAIL_RECOVERED: EventKind.HOOK_RECOVERED,
    EventKind.MAIL_DROPPED: EventKind.HOOK_DROPPED,
}


def _plus(
    done: Drained,
    *,
    sent: int = 0,
    postponed: int = 0,
    dropped: int = 0,
    problem: FailoverError | None = None,
) -> Drained:
    return Drained(
        done.sent + sent,
        done.postponed + postponed,
        done.dropped + dropped,
        problem or done.problem,
    )
