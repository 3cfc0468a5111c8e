"""The last step of full replication: what it needs no more goes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError, Interrupted
from ipfx_failover.events import one_line
from ipfx_failover.workflow.ports import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfx_failover.replication.engine import Side
    from ipfx_failover.workflow.ports import Effect, Values

_INTERRUPTED = "it was interrupted"


@dataclass(frozen=True, slots=True)
class TidyUp:
    """Drop the previous copy and the backups. Behind the swap nothing fails any more.

    What cannot be removed is a fact for the end; the next run's first step removes it.
    """

    sides: Mapping[str, Side]

    def describe(self, values: Values) -> str:  # noqa: ARG002 - the same for all
        return "drop the previous copy and the backups"

    def do(self, values: Values) -> Outcome:
        drops = [
            (side, each)
            for name, side in self.sides.items()
            for each in str(values[f"{name}_files"]).split("\n")
        ]
        if values.get("was_interrupted"):
            reasons = [_INTERRUPTED] * len(drops)
        else:
            reasons = _ended([_begun(side, database) for side, database in drops])
        left = "\n".join(
            one_line(f"{database} on {side.name}: {reason}")
            for (side, database), reason in zip(drops, reasons, strict=True)
            if reason
        )
        was_interrupted = _INTERRUPTED in reasons
        return Outcome(facts={"left_behind": left, "was_interrupted": was_interrupted})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - never undone
        return ()


def _begun(side: Side, database: str) -> Callable[[], str]:
    """What waits for the drop to end, and returns why it went wrong; empty when it went well."""
    try:
        wait = side.begin_to_drop(database)
    except (FailoverError, OSError) as error:
        return partial(str, _reason(error, side, database))

    def why_not() -> str:
        try:
            wait()
        except (FailoverError, OSError) as error:
            return _reason(error, side, database)
        return ""

    return why_not


def _reason(error: FailoverError | OSError, side: Side, database: str) -> str:
    if isinstance(error, Interrupted):
        return _INTERRUPTED
    if isinstance(error, FailoverError):
        return error.message.removeprefix(f"dropping {database} on {side.name}: ")
    return error.strerror or str(error)


def _ended(begun: Sequence[Callable[[], str]]) -> list[str]:
    """Why each went wrong. The first ones, the live server's, are at it while the last end."""
    reasons: list[str] = []
    for why_not in reversed(begun):
        # Whoever interrupts one may have seen it hang.
        reasons.append(_INTERRUPTED if _INTERRUPTED in reasons else why_not())
    return reasons[::-1]
