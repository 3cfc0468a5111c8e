"""A piece of work that kills itself at a given step, as a power cut or `kill -9` would.

It composes what the commands compose (`ipfx_failover.wiring`), with an observer that is told of
each step.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.standin.commands import AddressCommand
from ipfx_failover.state.journal import StepState
from ipfx_failover.wiring.replication import replicator
from ipfx_failover.wiring.site import open_site
from ipfx_failover.wiring.standin import desk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.state.journal import Step
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_MARKED_DONE = re.compile(r"UPDATE journal_steps SET state = 'done' .*position = (\d+)$")


class Moment(StrEnum):
    """When, within a step."""

    BEGUN = "begun"
    """It is written down that the step is being done; nothing of it is done."""
    ACTED = "acted"
    """All of it is done, and that is not written down."""
    DONE = "done"
    """It is written down as done."""


@dataclass
class Killer:
    """Observes a workflow; at its `position`-th step (from 0), at this moment, all is over.

    `kinds`: of all steps, as they are expected.
    """

    kinds: Sequence[str]
    position: int
    moment: Moment
    step: int = -1

    def observe(self, step: Step, state: StepState, text: str) -> None:  # noqa: ARG002 - the port
        """An `Observer`."""
        if state is StepState.DOING:
            self.step += 1
            assert step.kind == self.kinds[self.step], (step.kind, self.kinds)
            self._die_at(Moment.BEGUN, self.step)
        elif state is StepState.DONE:
            self._die_at(Moment.DONE, self.step)

    def watch(self, store: Store) -> None:
        """Follow the statements of a store: SQLite tells of one before it is carried out."""
        store.connection.set_trace_callback(self._trace)

    def _trace(self, statement: str) -> None:
        if marked := _MARKED_DONE.search(statement):
            self._die_at(Moment.ACTED, int(marked[1]))

    def _die_at(self, moment: Moment, position: int) -> None:
        if (moment, position) == (self.moment, self.position):
            os.kill(os.getpid(), signal.SIGKILL)


def work_until_killed(
    work: str, config: str, server: str, position: int, moment: str, kinds: Sequence[str]
) -> None:
    """Do a piece of work on a server: one of `works`."""
    site = open_site(Path(config))
    killer = Killer(kinds, position, Moment(moment))
    works: dict[str, Callable[[Site, Killer, str], None]] = {
        "take over": _take_over,
        "stand down": partial(_stand_down, discard=False),
        "take alone": _take_alone,
        "discard": partial(_stand_down, discard=True),
        "from live": _from_live,
        "to live": _to_live,
    }
    works[work](site, killer, server)


def _take_over(site: Site, killer: Killer, server: str) -> None:
    with desk(site, must_go_on=True, observer=killer.observe) as at:
        killer.watch(at.ports.store)
        at.take_over(site.server(server), by="monitor")


def _take_alone(site: Site, killer: Killer, server: str) -> None:
    with desk(site, observer=killer.observe) as at:
        killer.watch(at.ports.store)
        AddressCommand(at, server, None).take()


def _stand_down(site: Site, killer: Killer, server: str, *, discard: bool) -> None:
    with desk(site, observer=killer.observe) as at:
        killer.watch(at.ports.store)
        at.stand_down(server, discard=discard)


def _from_live(site: Site, killer: Killer, server: str) -> None:
    with site.store() as store:
        killer.watch(store)
        made, close = replicator(site, store, site.server(server), killer.observe)
        try:
            made.from_live()
        finally:
            close()


def _to_live(site: Site, killer: Killer, server: str) -> None:
    with site.store() as store:
        killer.watch(store)
        made, close = replicator(site, store, site.server(server), killer.observe)
        try:
            made.to_live(application_answers=False)
        finally:
            close()
