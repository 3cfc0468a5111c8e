"""Which events become mails, and when they are repeated. Pure.

One mail a transition, reminders with back-off while it lasts, silence for repetitions in between
(a tool of this kind once sent 130,000 mails from one loop).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.events import Event

_REMIND_AFTER = (
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=24),
)


@dataclass(frozen=True, slots=True)
class Memory:
    """What was mailed about a topic that is still open; `repeats` since the last mail."""

    since: datetime
    mailed_at: datetime
    reminders: int = 0
    repeats: int = 0

    @property
    def remind_at(self) -> datetime:
        """When the next mail on this topic may go out."""
        return self.mailed_at + _REMIND_AFTER[min(self.reminders, len(_REMIND_AFTER) - 1)]


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    body: str


def weigh(memory: Memory | None, event: Event) -> tuple[Mail | None, Memory | None]:
    """Decide whether `event` is mailed, given what is remembered of its topic."""
    if event.spec.subject is None:
        return None, memory
    if event.spec.topic is None:
        return compose(event), None
    if memory is None:
        return compose(event), Memory(since=event.at, mailed_at=event.at)
    if event.at < memory.remind_at:
        return None, replace(memory, repeats=memory.repeats + 1)
    return compose(event, memory), reminded(memory, event.at)


def reminded(memory: Memory, now: datetime) -> Memory:
    """The memory after a reminder was written at `now`."""
    return replace(memory, mailed_at=now, reminders=memory.reminders + 1, repeats=0)


def compose(event: Event, memory: Memory | None = None, *, now: datetime | None = None) -> Mail:
    """The mail for an event; with a memory it is a reminder (of `now`, where nothing new came)."""
    spec = event.spec
    subject = event.fill(spec.subject or "")
    lines = [f"{event.server}: {event.text}" if event.server else event.text, ""]
    if next_step := event.fill(spec.next_step):
        lines += ["What to do now:", f"  {next_step}", ""]
    lines.append(f"When: {_stamp(event.at)}")
    if memory is not None:
        subject = f"Still: {subject}"
        lines.append(f"Since: {_stamp(memory.since)}")
        if memory.repeats:
            lines.append(f"Repeated {memory.repeats} times since the last mail")
        if now is not None:
            lines.append(f"Reminder of: {_stamp(now)}")
    return Mail(subject=subject, body="\n".join(lines) + "\n")


def _stamp(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
