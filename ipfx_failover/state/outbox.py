"""What waits to be sent: claimed under a lease, so that several processes can drain it.

A crash between sending and marking may repeat a message; nothing ever loses one. A row is waiting
until it is either sent or dropped, and a dropped one says why. Each channel (mail, a webhook, a
command) is drained by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from ipfx_failover.state.reading import Reading
    from ipfx_failover.state.writing import Transaction

MAIL = "mail"
"""The channel of the mails; others are named by the config."""
EXPIRES_AFTER = timedelta(days=3)
KEPT_FOR = timedelta(days=30)
LEASE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=15)
_BACK_OFF = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    LONGEST_WAIT,
)

# What lies further ahead than it was ever put was written while the clock was wrong.
_DUE = """
SELECT * FROM waiting
WHERE channel = ? AND (next_attempt_at <= ? OR next_attempt_at > ?)
  AND (leased_until IS NULL OR leased_until <= ? OR leased_until > ?)
ORDER BY next_attempt_at, id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that was claimed.

    `recipients`: who has not got it yet; None for all that the config names. `attempts`: this one
    included. `last_error`: how the one before ended. `document`: the event as values, for a hook.
    """

    id: int
    created_at: datetime
    subject: str
    body: str
    recipients: tuple[str, ...] | None
    attempts: int
    last_error: str | None
    document: str | None


def is_due(reading: Reading, channel: str, now: datetime) -> bool:
    """Whether a message waits whose time has come, and which nobody else sends."""
    return reading.row(_DUE, channel, *_bounds(now)) is not None


def is_failing(reading: Reading, channel: str) -> bool:
    """Whether a message waits that could not be sent."""
    sql = "SELECT id FROM waiting WHERE channel = ? AND last_error IS NOT NULL LIMIT 1"
    return reading.row(sql, channel) is not None


def waiting(reading: Reading) -> dict[str, int]:
    """How many messages wait in each channel that has any."""
    rows = reading.rows("SELECT channel, count(*) AS n FROM waiting GROUP BY channel")
    return {row["channel"]: row["n"] for row in rows}


def claim(tx: Transaction, channel: str, *, holder: str, now: datetime) -> Posted | None:
    """Lease the message that has been due for longest; None when there is none.

    `holder` names the process that sends it.
    """
    row = tx.row(_DUE, channel, *_bounds(now))
    if row is None:
        return None
    tx.connection.execute(
        "UPDATE outbox SET leased_by = ?, leased_until = ?, attempts = attempts + 1 WHERE id = ?",
        (holder, (now + LEASE).isoformat(), row["id"]),
    )
    return _posted(row)


def lease_holders(reading: Reading) -> set[str]:
    """Who claimed a message and has not said yet what became of it."""
    rows = reading.rows("SELECT DISTINCT leased_by FROM waiting WHERE leased_by IS NOT NULL")
    return {row["leased_by"] for row in rows}


def free_leases(tx: Transaction, holder: str) -> None:
    """Void the leases of a process that has died."""
    tx.connection.execute(
        "UPDATE outbox SET leased_by = NULL, leased_until = NULL WHERE leased_by = ?", (holder,)
    )


def mark_sent(tx: Transaction, posted: Posted, now: datetime) -> None:
    """Everybody who can get it has got it."""
    tx.connection.execute(
        "UPDATE outbox SET sent_at = ?, leased_by = NULL, leased_until = NULL WHERE id = ?",
        (now.isoformat(), posted.id),
    )


def postpone(
    tx: Transaction,
    posted: Posted,
    *,
    error: str,
    now: datetime,
    recipients: Collection[str] | None = None,
) -> None:
    """Try again later, with back-off; `recipients`: only these, the others have got it."""
    left = posted.recipients if recipients is None else tuple(recipients)
    tx.connection.execute(
        "UPDATE outbox SET next_attempt_at = ?, last_error = ?, recipients = ?, "
        "leased_by = NULL, leased_until = NULL WHERE id = ?",
        (
            (now + back_off(posted.attempts)).isoformat(),
            error,
            None if left is None else json.dumps(left),
            posted.id,
        ),
    )


def hold(tx: Transaction, channel: str, until: datetime) -> None:
    """Send nothing of a channel before that, but for what waits longer anyway."""
    tx.connection.execute(
        "UPDATE outbox SET next_attempt_at = ? WHERE channel = ? AND next_attempt_at < ? "
        "AND sent_at IS NULL AND dropped_at IS NULL",
        (until.isoformat(), channel, until.isoformat()),
    )


def release(tx: Transaction, channel: str, now: datetime) -> None:
    """What was held without having been tried is due again."""
    tx.connection.execute(
        "UPDATE outbox SET next_attempt_at = ? WHERE channel = ? AND attempts = 0 "
        "AND next_attempt_at > ? AND sent_at IS NULL AND dropped_at IS NULL",
        (now.isoformat(), channel, now.isoformat()),
    )


def drop(tx: Transaction, posted: Posted, *, reason: str, now: datetime) -> None:
    """Give up; the row stays, with the reason."""
    tx.connection.execute(
        "UPDATE outbox SET dropped_at = ?, last_error = ?, leased_by = NULL, leased_until = NULL "
        "WHERE id = ?",
        (now.isoformat(), reason, posted.id),
    )


def forget_old(tx: Transaction, now: datetime) -> None:
    """Delete what was sent or dropped long ago."""
    long_ago = (now - KEPT_FOR).isoformat()
    tx.connection.execute(
        "DELETE FROM outbox WHERE sent_at < ? OR dropped_at < ?", (long_ago, long_ago)
    )


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts."""
    return _BACK_OFF[min(attempts, len(_BACK_OFF)) - 1]


def has_expired(posted: Posted, now: datetime) -> bool:
    return now - posted.created_at >= EXPIRES_AFTER


def _bounds(now: datetime) -> tuple[str, str, str, str]:
    text = now.isoformat()
    return text, (now + LONGEST_WAIT).isoformat(), text, (now + LEASE).isoformat()


def _posted(row: dict[str, Any]) -> Posted:
    return Posted(
        id=row["id"],
        created_at=datetime.fromisoformat(row["created_at"]),
        subject=row["subject"],
        body=row["body"],
        recipients=None if row["recipients"] is None else tuple(json.loads(row["recipients"])),
        attempts=row["attempts"] + 1,
        last_error=row["last_error"],
        document=row["document"],
    )
