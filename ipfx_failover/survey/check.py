"""One thing that was looked at, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ipfx_failover.errors import ExitCode, FailoverError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

Level = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """`hint`: what to do; empty when it is ok. `exit_code`: how a command that ran it ends."""

    name: str
    level: Level
    message: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.DONE


def ok(name: str, message: str) -> Check:
    return Check(name, "ok", message)


def warning(name: str, message: str, hint: str) -> Check:
    """What works and will hurt."""
    return Check(name, "warning", message, hint, ExitCode.EXCEPTIONS)


def failed(name: str, error: FailoverError) -> Check:
    return Check(name, "failed", error.message, error.hint, error.exit_code)


def not_tried(name: str, without: Check) -> Check:
    """What needs something that has failed; it would fail in the same way, perhaps slowly."""
    return Check(name, "failed", f"not tried: see {without.name}", "", without.exit_code)


def attempt(name: str, look: Callable[[], Check]) -> Check:
    """What `look` finds; an error is a failed check."""
    try:
        return look()
    except Interrupted:
        raise
    except FailoverError as error:
        return failed(name, error)
