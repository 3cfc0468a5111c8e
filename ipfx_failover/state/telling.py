"""Events in the state store: each with its mail, and with what hooks are told, in one commit."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from ipfx_failover.decide.alerts import Mail, compose, reminded, weigh
from ipfx_failover.decide.notices import notice
from ipfx_failover.events import EventKind
from ipfx_failover.state.channels import routes
from ipfx_failover.state.outbox import MAIL
from ipfx_failover.state.reading import Reading

if TYPE_CHECKING:
    from datetime import datetime

    from ipfx_failover.decide.alerts import Memory
    from ipfx_failover.events import Event

KEPT_EVENTS = 100_000
_LOOK_EVERY = 1000

_K = EventKind
LASTING = (
    *(_K.SERVER_FAILED, _K.SERVER_RESET, _K.TAKEOVER_STARTED, _K.TAKEOVER_FAILED),
    *(_K.STAND_IN_STARTED, _K.STAND_IN_INTERRUPTED, _K.STAND_IN_STOPPED, _K.AUTO_STOPPED),
    *(_K.FAILBACK_COMPLETED, _K.STANDBY_DISCARDED, _K.REPLICATED, _K.REPLICATION_FAILED),
    _K.FAILBACK_FAILED,
)
"""What `history` tells of is kept longer than the rest of the log."""
LASTING_FOR = timedelta(days=400)


class Telling(Reading):
    """What happened is written down, and told."""

    def emit(self, event: Event) -> None:
        """Log the event, and put its mail in the outbox if one is due, and what hooks are told."""
        cursor = self.connection.execute(
            "INSERT INTO events (at, kind, server, level, data) VALUES (?, ?, ?, ?, ?)",
            (
                event.at.isoformat(),
                event.kind,
                event.server,
                event.spec.level,
                json.dumps(dict(event.data)),
            ),
        ).lastrowid
        if cursor is not None and cursor % _LOOK_EVERY == 0:
            self._forget_old_events(cursor, event.at - LASTING_FOR)
        server = event.server or ""
        for closed in event.spec.closes:
            self.connection.execute(
                "UPDATE alert_memory SET closed_at = ? "
                "WHERE server = ? AND topic = ? AND closed_at IS NULL",
                (event.at.isoformat(), server, closed),
            )
        if cursor is not None:
            self._tell_hooks(event, cursor, self._alert(server, cursor, event))

    def _forget_old_events(self, cursor: int, lasting_since: datetime) -> None:
        self.connection.execute(
            "DELETE FROM events WHERE id <= ? AND id NOT IN (SELECT event FROM alert_memory) "
            "AND NOT (kind IN (SELECT value FROM json_each(?)) AND at >= ?)",
            (cursor - KEPT_EVENTS, json.dumps(LASTING), lasting_since.isoformat()),
        )

    def _alert(self, server: str, cursor: int, event: Event) -> Mail | None:
        if event.spec.subject is None:
            return None
        topic = event.spec.topic or str(event.kind)
        mail, memory = weigh(self.alert_memory(server, topic), event)
        if memory is not None:
            self._remember(server, topic, cursor, memory)
        if mail is not None:
            self.post(mail, event.at)
        return mail

    def _tell_hooks(self, event: Event, cursor: int, mail: Mail | None) -> None:
        """`mail`: what goes to people about it, if anything."""
        is_mailed = mail is not None
        channels = [r.channel for r in routes(self) if r.wants(event, is_mailed=is_mailed)]
        if not channels:
            return
        told = notice(event, mail or compose(event), cursor)
        shown, document = Mail(told["subject"], told["body"]), json.dumps(told)
        for channel in channels:
            self.post(shown, event.at, channel, document)

    def remind(self, server: str, topic: str, cursor: int, memory: Memory, now: datetime) -> None:
        """Mail again what is still open."""
        if event := self.event(cursor):
            mail = compose(event, memory, now=now)
            self.post(mail, now)
            self._tell_hooks(event, cursor, mail)
        self._remember(server, topic, cursor, reminded(memory, now))

    def post(
        self, mail: Mail, at: datetime, channel: str = MAIL, document: str | None = None
    ) -> None:
        """Put a message into the outbox; `document`: the event as values, for a hook."""
        self.connection.execute(
            "INSERT INTO outbox (created_at, subject, body, next_attempt_at, channel, document) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (at.isoformat(), mail.subject, mail.body, at.isoformat(), channel, document),
        )

    def _remember(self, server: str, topic: str, cursor: int, memory: Memory) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO alert_memory VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                server,
                topic,
                cursor,
                memory.since.isoformat(),
                memory.mailed_at.isoformat(),
                memory.reminders,
                memory.repeats,
                memory.closed_at.isoformat() if memory.closed_at else None,
                memory.spells,
            ),
        )
