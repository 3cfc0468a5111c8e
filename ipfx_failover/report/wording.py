"""How the report says things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.records import Concern

if TYPE_CHECKING:
    from datetime import datetime

    from ipfx_failover.records import Condition

_MEANS = {
    Concern.NOT_PINGED: "cannot be pinged, and is not judged: ",
    Concern.NOT_TAKEN: "not taken over: ",
    Concern.COPY: "its copy could not be taken over: ",
}


def in_local_time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def in_words(condition: Condition) -> str:
    """What keeps the monitor from acting, and the way out."""
    advice = f": {condition.advice}" if condition.advice else ""
    return f"{_MEANS.get(condition.concern, '')}{condition.text}{advice}"
