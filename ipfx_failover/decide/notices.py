"""What a hook is told of an event: the words of its mail, and the values behind them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from ipfx_failover.decide.alerts import Mail
    from ipfx_failover.events import Event, Value


class Notice(TypedDict):
    """`at` is ISO 8601, UTC; `server` is None where the event is of no server's."""

    cursor: int
    kind: str
    level: str
    at: str
    server: str | None
    subject: str
    text: str
    next_step: str
    body: str
    data: dict[str, Value]


def notice(event: Event, mail: Mail, cursor: int) -> Notice:
    """An event with the words that people get about it, which may be a reminder's."""
    server = f"{event.server}: " if event.server else ""
    return Notice(
        cursor=cursor,
        kind=event.kind,
        level=event.spec.level,
        at=event.at.isoformat(),
        server=event.server,
        subject=mail.subject if event.spec.subject else f"{server}{event.text}",
        text=event.text,
        next_step=event.fill(event.spec.next_step),
        body=mail.body,
        data=dict(event.data),
    )
