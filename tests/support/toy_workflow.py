"""A small workflow on real files: replace `live` by a new version, keep the old one as `previous`.

It has what the product's workflows have: steps that are data, facts that a later step needs,
changes in the store, and an end that is told by one event, whichever way it went.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Authority
from ipfx_failover.state.journal import Step, StepState, read_journal
from ipfx_failover.state.store import Store
from ipfx_failover.workflow.ports import Effect, Outcome, silent
from ipfx_failover.workflow.runner import Runner
from tests.fakes.clock import A_WEDNESDAY_NOON, FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfx_failover.state.journal import Journal
    from ipfx_failover.workflow.committer import Committer
    from ipfx_failover.workflow.ports import Observer, StepKind, Values

RESOURCE = "DEMO/database"
OLD, NEW = "old data", "new data"


@dataclass
class Fate:
    """Counts the moments at which a process can be killed, and kills it at one of them."""

    dies_at: int = 0
    moment: int = 0

    def pass_moment(self) -> None:
        self.moment += 1
        if self.moment == self.dies_at:
            # SIGKILL, and what comes nearest on Windows.
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


@dataclass
class Toy:
    """The files, and what goes wrong: `fails_at` in doing, `stuck_at` in undoing.

    `during`: what happens meanwhile; it is told what is being done, such as "undo Write".
    """

    directory: Path
    fate: Fate = field(default_factory=Fate)
    fails_at: str = ""
    stuck_at: str = ""
    during: Callable[[str], None] = lambda _: None

    def path(self, name: str) -> Path:
        return self.directory / name

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.directory.glob("*"))}


@dataclass(frozen=True)
class _Kind:
    toy: Toy

    def describe(self, values: Values) -> str:
        return f"{type(self).__name__} {values['server']}"

    def do(self, values: Values) -> Outcome:
        self.toy.fate.pass_moment()
        outcome = self._do(values)
        self.toy.during(f"do {type(self).__name__}")
        self.toy.fate.pass_moment()
        if self.toy.fails_at == type(self).__name__:
            raise Failed("no space left", "make room")
        return outcome

    def undo(self, values: Values) -> Sequence[Effect]:
        self.toy.fate.pass_moment()
        if self.toy.stuck_at == type(self).__name__:
            raise Failed("it is in use", "end whoever uses it")
        self.toy.during(f"undo {type(self).__name__}")
        effects = self._undo(values)
        self.toy.fate.pass_moment()
        return effects

    def _do(self, values: Values) -> Outcome:
        raise NotImplementedError

    def _undo(self, values: Values) -> Sequence[Effect]:
        raise NotImplementedError


class Write(_Kind):
    """Make the new version beside; finds out how large it is."""

    def _do(self, values: Values) -> Outcome:
        content = str(values["content"])
        self.toy.path("beside").write_text(content)
        return Outcome(facts={"size": len(content)})

    def _undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002
        self.toy.path("beside").unlink(missing_ok=True)
        return ()


class SetAside(_Kind):
    def _do(self, values: Values) -> Outcome:
        assert values["size"] == len(NEW)
        if not self.toy.path("previous").exists():
            self.toy.path("live").replace(self.toy.path("previous"))
        return Outcome()

    def _undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002
        if self.toy.path("previous").exists():
            self.toy.path("previous").replace(self.toy.path("live"))
        return ()


class SwapIn(_Kind):
    """Put it in its place; authority changes in the same commit as the mark."""

    def _do(self, values: Values) -> Outcome:
        if self.toy.path("beside").exists():
            self.toy.path("beside").replace(self.toy.path("live"))
        return Outcome([lambda tx: tx.set_authority(str(values["server"]), Authority.STANDBY)])

    def _undo(self, values: Values) -> Sequence[Effect]:
        if self.toy.path("live").exists() and self.toy.path("previous").exists():
            self.toy.path("live").unlink()
        return [lambda tx: tx.set_authority(str(values["server"]), Authority.LIVE)]


@dataclass(frozen=True)
class ToyWorkflow:
    toy: Toy
    forward: bool = False
    name: str = "toy"
    durable: bool = True
    point_of_no_return: str | None = None

    @property
    def kinds(self) -> Mapping[str, StepKind]:
        return {kind.__name__: kind(self.toy) for kind in (Write, SetAside, SwapIn)}

    def finished(self, server: str, facts: Values) -> Sequence[Effect]:
        size = facts["size"]
        assert isinstance(size, int)
        return self._tell(EventKind.REPLICATED, server, size_bytes=size)

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        return self._tell(EventKind.REPLICATION_ROLLED_BACK, server, kept=reason)

    def _tell(self, kind: EventKind, server: str, **data: str | int) -> Sequence[Effect]:
        event = Event(kind, A_WEDNESDAY_NOON, server, data)
        return [lambda tx: tx.emit(event), lambda _: self.toy.fate.pass_moment()]

    def goes_forward(self, journal: Journal) -> bool:  # noqa: ARG002
        return self.forward


STEPS = (
    Step("Write", {"server": "DEMO", "content": NEW}),
    Step("SetAside", {"server": "DEMO"}),
    Step("SwapIn", {"server": "DEMO"}),
)


def prepare(directory: Path) -> Toy:
    """The files before the workflow."""
    toy = Toy(directory / "files")
    toy.directory.mkdir(parents=True)
    toy.path("live").write_text(OLD)
    return toy


def runner(
    store: Store,
    toy: Toy,
    *,
    forward: bool = False,
    observer: Observer = silent,
    committer: Committer | None = None,
    point_of_no_return: str | None = None,
) -> Runner:
    return Runner(
        store=store,
        clock=FakeClock(),
        boot_id="boot 1",
        workflow=ToyWorkflow(toy, forward, point_of_no_return=point_of_no_return),
        committer=committer,
        observer=observer,
    )


@dataclass(frozen=True)
class End:
    """Where everything stands."""

    files: Mapping[str, str]
    authority: Authority
    events: tuple[EventKind, ...]
    has_journal: bool


ALL_DONE = End(
    {"live": NEW, "previous": OLD}, Authority.STANDBY, (EventKind.REPLICATED,), has_journal=False
)
ALL_UNDONE = End(
    {"live": OLD}, Authority.LIVE, (EventKind.REPLICATION_ROLLED_BACK,), has_journal=False
)


def end(store: Store, toy: Toy) -> End:
    return End(
        toy.files(),
        store.server("DEMO").authority,
        tuple(logged.event.kind for logged in store.events_after(0)),
        read_journal(store, RESOURCE) is not None,
    )


def live_until(directory: str, dies_at: int, work: str, *, forward: bool, fails: bool) -> None:
    """In a child: run or recover the workflow, and be killed at the given moment."""
    toy = Toy(Path(directory) / "files", Fate(dies_at), "SwapIn" if fails else "")

    def watch(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001
        toy.fate.pass_moment()

    with Store(Path(directory) / "state") as store:
        ours = runner(store, toy, forward=forward, observer=watch)
        try:
            if work == "run":
                ours.run(RESOURCE, "DEMO", STEPS)
            else:
                ours.recover(RESOURCE)
        except Failed:
            print("failed")  # noqa: T201
        else:
            print("done")  # noqa: T201
