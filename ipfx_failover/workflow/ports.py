"""What a workflow is made of: kinds of steps, what they change, and who watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from ipfx_failover.state.journal import Parameter
from ipfx_failover.state.writing import Transaction

if TYPE_CHECKING:
    from ipfx_failover.state.journal import Journal, Step, StepState

HINT: Final = "hint"
"""The fact of a journal that is undone, that says what to do about the failure."""
Effect = Callable[[Transaction], None]
Values = Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step changes in the store, and what it found out for the steps after it.

    `left`: what of it could not be done, for those who watch.
    """

    effects: Sequence[Effect] = ()
    facts: Values = field(default_factory=dict)
    left: str = ""


class StepKind(Protocol):
    """How a kind of step is done and undone. Both are idempotent: they may run again after a kill.

    `describe` says in words what it will do, for `--plan` and progress.
    """

    def describe(self, values: Values) -> str: ...
    def do(self, values: Values) -> Outcome: ...
    def undo(self, values: Values) -> Sequence[Effect]: ...


class Workflow(Protocol):
    """A named set of step kinds, and what it means that all are done, or all undone."""

    @property
    def name(self) -> str: ...
    @property
    def kinds(self) -> Mapping[str, StepKind]: ...
    @property
    def durable(self) -> bool:
        """Whether commits must survive a power cut (FULL) rather than be fast (NORMAL)."""
        ...

    @property
    def point_of_no_return(self) -> str | None:
        """The kind of step that is not undone any more once it is done; None where all are."""
        ...

    def finished(self, server: str, facts: Values) -> Sequence[Effect]: ...
    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]: ...
    def goes_forward(self, journal: Journal) -> bool:
        """Whether a journal that a killed process left is finished rather than undone."""
        ...


class Observer(Protocol):
    """Is told when a step begins, is done or is undone (after the commit that says so)."""

    def __call__(self, step: Step, state: StepState, text: str) -> None: ...


def silent(step: Step, state: StepState, text: str) -> None:
    """An observer for whom nobody watches."""


def text_or_none(value: Parameter) -> str | None:
    """A value of a step that need not have one."""
    return None if value is None else str(value)
