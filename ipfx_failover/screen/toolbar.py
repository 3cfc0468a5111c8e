"""The toolbar and the context menu of the manual's window ("Overview"), as keys. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipfx_failover.events import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Tool:
    """A key, its name in the manual, and its command.

    `asks`: how the command is made to say its question, which is asked in its words; None: it has
    none.
    """

    key: str
    label: str
    command: str
    asks: tuple[str, ...] | None = ("--json",)


TOOLS = (
    Tool("s", "Suspend", "suspend", asks=None),
    Tool("t", "Stop", "stop", asks=None),
    Tool("r", "Resume", "resume", asks=None),
    Tool("f", "Failover Now", "failover-now"),
    Tool("o", "Stop Failover Server", "stop-failover"),
    Tool("l", "Replicate from Live", "replicate-from-live", ("--json", "--ask")),
    Tool("v", "Replicate to Live", "replicate-to-live"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command has not even asked, as it would print it."""

    lines: tuple[str, ...]


def question_in(lines: Sequence[str]) -> str | Refusal | None:
    """What a command that was called with --json, and without --yes, wants to be answered.

    A `Refusal` when it refuses whatever the answer; None when it printed no such document.
    """
    for line in reversed(lines):
        error = _error_in(line)
        if error is not None and "question" in error:
            warnings = [f"warning: {warning}" for warning in error.get("warnings", ())]
            return "\n".join(map(one_line, [*warnings, str(error["question"])]))
        if error is not None:
            return _refusal(error)
    return None


def _refusal(error: Mapping[str, Any]) -> Refusal:
    details = [str(detail) for detail in error.get("details", ())]
    said = [*details, f"error: {error.get('message')}", f"  hint: {error.get('hint')}"]
    return Refusal(tuple(map(one_line, said)))


def _error_in(line: str) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else None
