"""Which events become mails, and when they are repeated. Pure.

One mail a transition, reminders with back-off while it lasts, silence for repetitions in between
(a tool of this kind once sent 130,000 mails from one loop). What comes and goes all the time is
treated as if it lasted.
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
_CALM_AFTER = timedelta(hours=1)
"""A topic that is over this long is forgotten."""
_MOST_SPELLS = 6
"""How often a topic that comes and goes without calm in between is mailed as new."""
_LARGEST_DISORDER = timedelta(hours=1)
"""Events come this much out of order at most; a larger step back is a clock that was corrected."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What was mailed about a topic; `repeats` since the last mail.

    `closed_at`: when it was over; None while it lasts. `spells`: how often it came since the last
    calm.
    """

    since: datetime
    mailed_at: datetime
    reminders: int = 0
    repeats: int = 0
    closed_at: datetime | None = None
    spells: int = 1

    @property
    def remind_at(self) -> datetime:
        """When the next mail on this topic may go out."""
        return self.mailed_at + _REMIND_AFTER[min(self.reminders, len(_REMIND_AFTER) - 1)]


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    body: str


def weigh(memory: Memory | None, event: Event) -> tuple[Mail | None, Memory | None]:
    """Decide whether `event` is mailed, given what is remembered of its topic.

    An event without a topic is over at once.
    """
    if event.spec.subject is None:
        return None, memory
    closed_at = event.at if event.spec.topic is None else None
    spell = _spell(memory, event.at)
    if memory is None or spell is not None:
        return compose(event), Memory(event.at, event.at, closed_at=closed_at, spells=spell or 1)
    if _is_quiet(memory, event.at):
        return None, replace(memory, repeats=memory.repeats + 1, closed_at=closed_at)
    return compose(event, memory), replace(reminded(memory, event.at), closed_at=closed_at)


def _spell(memory: Memory | None, at: datetime) -> int | None:
    """Which spell begins at `at`; None when it is to be treated as the one that lasts."""
    if memory is None:
        return 1
    if memory.closed_at is None:
        return None
    if at - memory.closed_at >= _CALM_AFTER:
        return 1
    return memory.spells + 1 if memory.spells < _MOST_SPELLS else None


def _is_quiet(memory: Memory, at: datetime) -> bool:
    return memory.mailed_at - _LARGEST_DISORDER <= at < memory.remind_at


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
    if event.server:
        lines.append(f"Primary Server: {event.server}")
    return Mail(subject=subject, body="\n".join(lines) + "\n")


def _stamp(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
