"""Ctrl-C at any moment of a replication: the copy is the one that it was, or the new one."""

from __future__ import annotations

import signal
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Interrupted
from ipfx_failover.replication import steps
from ipfx_failover.state.journal import StepState, open_journals
from tests.support.interrupts import signals_told
from tests.support.replication import Copies, set_text, text_in

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.state.journal import Step
    from ipfx_failover.workflow.ports import Observer

KINDS = (
    steps.MAKE_ROOM,
    steps.BACK_UP,
    steps.CARRY,
    steps.VERIFY,
    steps.CLOSE_DOWN,
    steps.SWAP,
    steps.TIDY,
)
TOLD = (StepState.DOING, StepState.DONE)
MOMENTS = [(kind, state) for kind in KINDS for state in TOLD]
SWAPPED = MOMENTS.index((steps.SWAP, StepState.DONE))


def pressed_at(moment: tuple[str, StepState]) -> Observer:
    """Somebody presses Ctrl-C right behind the commit that says so."""

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if (step.kind, state) == moment:
            signal.raise_signal(signal.SIGINT)

    return observe


@pytest.mark.parametrize("moment", MOMENTS, ids="-".join)
def test_a_replication_is_undone_until_its_copy_is_swapped_and_finished_from_then_on(
    tmp_path: Path, moment: tuple[str, StepState]
) -> None:
    with closing(Copies(tmp_path)) as copies:
        copies.replicator().from_live()
        set_text(copies.live, "second")
        again = replace(copies.replicator(), observer=pressed_at(moment))
        with signals_told(), suppress(Interrupted):
            again.from_live()

        is_swapped = MOMENTS.index(moment) >= SWAPPED
        assert ("second" if is_swapped else "first") == text_in(copies.standby)
        assert is_swapped == (not copies.events("replication_failed"))
        assert [] == open_journals(copies.store)
