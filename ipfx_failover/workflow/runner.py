"""The step runner: journal, do, commit; on failure undo in reverse.

Steps are data (`Step`), found again by kind, and idempotent: whoever next holds the resource's
lock can finish or undo what a killed process left (`recover`). A step's state change, event and
mail are committed together with the mark that it is done.

Ctrl-C and SIGTERM are told while a step is done, and nowhere else: that step is undone with those
before it, or, behind the point of no return, finished. What is being undone is undone to its end.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ipfx_failover.adapters.signals import held_back, let_through
from ipfx_failover.errors import Busy, FailoverError, InDoubt, Interrupted
from ipfx_failover.state import journal as journals
from ipfx_failover.state.journal import Journal, StepState
from ipfx_failover.state.store import StateUnwritableError
from ipfx_failover.workflow.committer import Committer
from ipfx_failover.workflow.ports import HINT, Outcome, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.clock import Clock
    from ipfx_failover.state.journal import Step
    from ipfx_failover.state.store import Store
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.ports import Effect, Observer, StepKind, Values, Workflow


class Runner:
    """Carries one workflow out on one resource, whose lock the caller holds."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        boot_id: str,
        workflow: Workflow,
        committer: Committer | None = None,
        observer: Observer = silent,
    ) -> None:
        self._store = store
        self._clock = clock
        self._boot_id = boot_id
        self._workflow = workflow
        self._committer = committer or Committer(store, durable=workflow.durable)
        self._observer = observer

    def run(
        self,
        resource: str,
        server: str,
        steps: Sequence[Step],
        *,
        opening: Sequence[Effect] = (),
        facts: Values | None = None,
    ) -> Values:
        """Do all steps; on a failure undo those begun, and raise it. Returns the facts.

        `opening` is committed together with the journal. `facts`: what is known beforehand.

        Raises:
            Busy: an unfinished journal stands on the resource.
            InDoubt: undoing failed too.
        """
        journal = Journal(
            resource=resource,
            workflow=self._workflow.name,
            server=server,
            boot_id=self._boot_id,
            steps=tuple(steps),
            states=tuple(StepState.WAITING for _ in steps),
            facts=facts or {},
            undo_reason=None,
        )
        with held_back():
            self._begin(journal, opening)
            return self._go(journal)

    def _begin(self, journal: Journal, opening: Sequence[Effect]) -> None:
        def begin(tx: Transaction) -> None:
            journals.open_journal(
                tx,
                resource=journal.resource,
                workflow=journal.workflow,
                server=journal.server,
                boot_id=journal.boot_id,
                steps=journal.steps,
                at=self._clock.now(),
            )
            journals.learn(tx, journal.resource, journal.facts)

        try:
            self._committer.commit(begin, *opening)
        except sqlite3.IntegrityError as error:
            raise Busy(
                f"other work on {journal.resource} is not finished",
                "wait for it to end, and see: ipfx-failover status",
            ) from error

    def recover(self, resource: str) -> bool:
        """Finish or undo what a killed process left on the resource; whether there was something.

        Raises:
            InDoubt: it can be neither finished nor undone.
        """
        journal = journals.read_journal(self._store, resource)
        if journal is None or journal.workflow != self._workflow.name:
            return False
        self._refuse_unknown_kinds(journal)
        with held_back():
            if journal.undo_reason is None and self._workflow.goes_forward(journal):
                self._go(journal)
            else:
                self._undo(journal, journal.undo_reason or "the process that did it was killed")
        return True

    def _go(self, journal: Journal) -> Values:
        try:
            for position, state in enumerate(journal.states):
                if state is not StepState.DONE:
                    journal = _with(journal, position, StepState.DOING)
                    journal = self._do(journal, position)
            self._committer.commit(
                *self._workflow.finished(journal.server, journal.facts),
                lambda tx: journals.close_journal(tx, journal.resource),
            )
        except BaseException as error:
            if not self._is_late(journal):
                self._undo(_advised(journal, error), _reason(error))
            elif isinstance(error, StateUnwritableError):
                raise _in_doubt("it is done, but not written down", error) from error
            raise
        return journal.facts

    def _is_late(self, journal: Journal) -> bool:
        """Whether the point of no return is passed."""
        point = self._workflow.point_of_no_return
        states = zip(journal.steps, journal.states, strict=True)
        return any(step.kind == point and state is StepState.DONE for step, state in states)

    def _refuse_unknown_kinds(self, journal: Journal) -> None:
        if unknown := {step.kind for step in journal.steps} - set(self._workflow.kinds):
            raise InDoubt(
                f"unfinished work on {journal.resource} was begun by another version of "
                f"ipfx-failover, which knew the steps {', '.join(sorted(unknown))}",
                "run the same command with that version: it goes on where this stopped",
            )

    def _do(self, journal: Journal, position: int) -> Journal:
        step, resource = journal.steps[position], journal.resource
        kind = self._workflow.kinds[step.kind]
        values = {**step.parameters, **journal.facts}
        text = kind.describe(values)
        self._committer.commit(lambda tx: journals.mark(tx, resource, position, StepState.DOING))
        self._tell(step, StepState.DOING, text)
        outcome = _act(kind, values, is_late=self._is_late(journal))
        journal = _with(journal, position, StepState.DONE, outcome.facts)

        def done(tx: Transaction) -> None:
            journals.mark(tx, resource, position, StepState.DONE)
            if outcome.facts:
                journals.learn(tx, resource, journal.facts)

        self._committer.commit(done, *outcome.effects)
        left = f"; NOT all of it: {outcome.left}" if outcome.left else ""
        self._tell(step, StepState.DONE, f"{text}{left}")
        return journal

    def _undo(self, journal: Journal, reason: str) -> None:
        try:
            self._undo_all(journal, reason)
        except StateUnwritableError as error:
            raise _in_doubt(f"{reason}; and it is not undone", error) from error

    def _undo_all(self, journal: Journal, reason: str) -> None:
        resource = journal.resource
        self._committer.commit(
            lambda tx: journals.turn_back(tx, resource, reason),
            lambda tx: journals.learn(tx, resource, journal.facts),
        )
        for position in reversed(range(len(journal.steps))):
            if journal.states[position] in {StepState.DOING, StepState.DONE}:
                self._undo_step(journal, position, reason)
        self._committer.commit(
            *self._workflow.undone(journal.server, reason, journal.facts),
            lambda tx: journals.close_journal(tx, resource),
        )

    def _undo_step(self, journal: Journal, position: int, reason: str) -> None:
        step = journal.steps[position]
        kind = self._workflow.kinds[step.kind]
        values = {**step.parameters, **journal.facts}
        text = kind.describe(values)
        try:
            effects = kind.undo(values)
        except Exception as error:
            raise _in_doubt(f"{reason}; and undoing '{text}' failed", error) from error
        self._committer.commit(
            lambda tx: journals.mark(tx, journal.resource, position, StepState.UNDONE), *effects
        )
        self._tell(step, StepState.UNDONE, text)

    def _tell(self, step: Step, state: StepState, text: str) -> None:
        # Nobody who watches is needed: a broken pipe ends no work.
        with suppress(OSError):
            self._observer(step, state, text)


def _act(kind: StepKind, values: Values, *, is_late: bool) -> Outcome:
    """Do a step. Interrupted when it is too late to undo anything, it is finished undisturbed."""
    try:
        with let_through():
            return kind.do(values)
    except Interrupted:
        if not is_late:
            raise
    facts = {"was_interrupted": True}
    outcome = kind.do({**values, **facts})
    return replace(outcome, facts={**facts, **outcome.facts})


def _with(
    journal: Journal, position: int, state: StepState, facts: Values | None = None
) -> Journal:
    states = (*journal.states[:position], state, *journal.states[position + 1 :])
    return replace(journal, states=states, facts={**journal.facts, **(facts or {})})


def _advised(journal: Journal, error: BaseException) -> Journal:
    """With what is to be done about it, for those who are told that it was undone."""
    if not isinstance(error, FailoverError) or isinstance(error, Interrupted):
        return journal
    return replace(journal, facts={**journal.facts, HINT: error.hint})


def _in_doubt(what: str, error: Exception) -> InDoubt:
    hint = error.hint if isinstance(error, FailoverError) else "see to it"
    return InDoubt(
        f"{what}: {_reason(error)}",
        f"{hint}; then run the same command again: it goes on where this stopped",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, FailoverError):
        return error.message
    if isinstance(error, (KeyboardInterrupt, Interrupted, SystemExit)):
        return "it was interrupted"
    return f"{type(error).__name__}: {error}"
