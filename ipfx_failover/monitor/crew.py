"""The monitor's threads as they run: started, exchanged for another config's, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from queue import SimpleQueue

    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.monitor.threads import Generation, Threads
    from ipfx_failover.monitor.watched import Launch

_BYE_S = 15.0
_BYE_OF_CHILDREN_S = 40.0


class Crew:
    """`threads`: those that work now. The deciding thread alone calls it."""

    def __init__(self, threads: Threads, messages: SimpleQueue[Message], launch: Launch) -> None:
        self.threads = threads
        self._messages = messages
        self._launch = launch
        self._running: list[threading.Thread] = []

    def start(self) -> None:
        """All but the children: those come when the rights are there."""
        threads = self.threads
        for name, target in (
            ("scribe", threads.scribe.run),
            ("prober", threads.prober.run),
            ("upkeep", threads.upkeep.run),
            ("stand-in", threads.executor.run),
            ("mailer", threads.mailer.run),
            ("lookout", threads.lookout.run),
            ("copies", threads.copies.run),
        ):
            self.launch(name, target)

    def launch(self, name: str, target: Callable[[], None]) -> None:
        thread = self._launch(name, target, self._messages)
        thread.start()
        self._running.append(thread)

    def exchange(self, generation: Generation) -> None:
        """Let another config's threads go on; those that serve for both just do."""
        old, new = self.threads, generation.threads
        self.threads = new
        generation.take_effect()
        self._running += generation.started
        if new.executor is not old.executor:
            old.executor.stop()
        old.lookout.stop()
        self.launch("lookout", new.lookout.run)
        old.copies.stop()
        self.launch("copies", new.copies.run)
        old.chores.hand_over()
        self.launch("chores", new.chores.run)
        if new.prober is not old.prober:
            old.prober.stop()
            self.launch("prober", new.prober.run)
        if new.upkeep is not old.upkeep:
            old.upkeep.stop()
            self.launch("upkeep", new.upkeep.run)

    def stop_work(self) -> None:
        """Nothing new is begun; what is under way is carried through."""
        threads = self.threads
        for part in (
            threads.prober,
            threads.upkeep,
            threads.executor,
            threads.chores,
            threads.copies,
        ):
            part.stop()

    def wait(self) -> None:
        """For all but the scribe, so long at most."""
        self.threads.mailer.stop()
        self.threads.lookout.stop()
        _, *others = self._running
        for thread in others:
            thread.join(timeout=_BYE_OF_CHILDREN_S if thread.name == "chores" else _BYE_S)

    def end(self) -> None:
        """When everything is written down."""
        self.threads.scribe.stop()
        scribe, *_ = self._running
        scribe.join(timeout=_BYE_S)
