"""The toolbar and the context menu of the manual's window ("Overview"), as keys. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Tool:
    """`asks`: the command has a question of its own, which is asked in its words."""

    key: str
    label: str
    command: str
    asks: bool = True


TOOLS = (
    Tool("s", "Suspend", "suspend", asks=False),
    Tool("t", "Stop", "stop", asks=False),
    Tool("r", "Resume", "resume", asks=False),
    Tool("f", "Failover Now", "failover-now"),
    Tool("o", "Stop Failover Server", "stop-failover"),
    Tool("l", "Replicate from Live", "replicate-from-live"),
    Tool("v", "Replicate to Live", "replicate-to-live"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command has not even asked."""

    message: str
    hint: str


def question_in(lines: Sequence[str]) -> str | Refusal | None:
    """What a command that was called with --json, and without --yes, wants to be answered.

    A `Refusal` when it refuses whatever the answer; None when it printed no such document.
    """
    for line in reversed(lines):
        error = _error_in(line)
        if error is not None and "question" in error:
            return str(error["question"])
        if error is not None:
            return Refusal(str(error.get("message")), str(error.get("hint")))
    return None


def _error_in(line: str) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else None
