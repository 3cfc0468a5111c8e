"""Whatever happens to the LAN, the machine and the monitor, in whatever order.

`Simulation` holds everything that the Failover Server does against its own books.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ipfx_failover.errors import FailoverError
from ipfx_failover.events import SPECS, EventKind
from ipfx_failover.records import Authority, Phase
from tests.support.simulation import AFTER_REBOOT, Simulation
from tests.support.stand_in import DEMO, OTHER, Fate

if TYPE_CHECKING:
    from collections.abc import Callable

K = EventKind
names = st.sampled_from([DEMO, OTHER])

HAPPENINGS: dict[str, Callable[[Simulation, str], object]] = {
    "its cable is pulled": lambda world, name: world.unplug(name),
    "its cable is back": lambda world, name: world.plug(name),
    "it ignores pings": lambda world, name: world.ignore_pings(name, ignore=True),
    "it answers pings": lambda world, name: world.ignore_pings(name, ignore=False),
    "our cable is pulled": lambda world, _: world.unplug_us(),
    "our cable is back": lambda world, _: world.plug_us(),
    "the gateway is gone": lambda world, _: world.set_gateway(is_plugged=False),
    "the gateway is back": lambda world, _: world.set_gateway(is_plugged=True),
    "the disk is full": lambda world, _: world.fill_disk(is_full=True),
    "the disk has room": lambda world, _: world.fill_disk(is_full=False),
    "our application dies": lambda world, _: world.machine.application.crash(),
    "our machine stalls": lambda world, _: world.clock.advance(7),
    "the monitor is killed": lambda world, _: world.kill_monitor(),
    "the monitor is started": lambda world, _: world.start_monitor(),
    "our machine reboots": lambda world, _: world.reboot(),
}
COMMANDS: dict[str, Callable[[Simulation, str], object]] = {
    "suspend": lambda world, name: world.change_mode(name, "suspend"),
    "stop": lambda world, name: world.change_mode(name, "stop"),
    "resume": lambda world, name: world.change_mode(name, "resume"),
    "failover-now": lambda world, name: world.failover_now(name),
    "stop-failover": lambda world, name: world.stop_failover(name),
    "replicate-to-live": lambda world, name: world.replicate_to_live(name),
}


class AnythingHappens(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = TemporaryDirectory()
        self.world = Simulation(Path(self.directory.name))
        self.world.rounds_pass(2)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            self.directory.cleanup()

    @rule(rounds=st.integers(1, 12))
    def time_passes(self, rounds: int) -> None:
        self.world.rounds_pass(rounds)

    @rule(name=names, what=st.sampled_from(sorted(HAPPENINGS)), rounds=st.integers(0, 3))
    def something_happens(self, name: str, what: str, rounds: int) -> None:
        HAPPENINGS[what](self.world, name)
        self.world.rounds_pass(rounds)

    @rule(name=names, what=st.sampled_from(sorted(COMMANDS)), rounds=st.integers(0, 3))
    def the_operator_acts(self, name: str, what: str, rounds: int) -> None:
        with suppress(FailoverError):
            COMMANDS[what](self.world, name)
        self.world.follow()
        self.world.rounds_pass(rounds)

    @rule(name=names, dies_at=st.integers(1, 40), rounds=st.integers(8, 20))
    def the_monitor_dies_at_its_worst_moment(self, name: str, dies_at: int, rounds: int) -> None:
        self.world.start_monitor(fate=Fate(dies_at))
        self.world.unplug(name)
        self.world.rounds_pass(rounds)
        self.world.start_monitor()

    @rule(name=names)
    def a_dead_primary_is_taken_over_when_nothing_inhibits_it(self, name: str) -> None:
        """With all obstacles away, whatever was before."""
        world = self.world
        self._clear_the_way(name)
        world.unplug(name)
        world.until(lambda: world.stands_in_for(name), rounds=3 * AFTER_REBOOT)
        world.rounds_pass(1)
        assert world.machine.application.role is not None
        assert name == world.machine.application.role.server
        assert Authority.STANDBY is world.state(name).authority

    def _clear_the_way(self, name: str) -> None:
        world = self.world
        world.fill_disk(is_full=False)
        world.plug_us()
        world.set_gateway(is_plugged=True)
        if world.process is None:
            world.start_monitor()
        world.rounds_pass(4)
        for other in (DEMO, OTHER):
            world.plug(other)
            world.ignore_pings(other, ignore=False)
        if world.stand_in is not None:
            world.stop_failover(world.stand_in.server)
        world.change_mode(name, "resume")
        world.rounds_pass(20)

    @invariant()
    def no_address_has_two_owners_but_where_a_primary_came_back(self) -> None:
        if hasattr(self, "world"):
            for name in (DEMO, OTHER):
                owners = self.world.owners(name)
                if self.world.machine.us in owners:
                    role = self.world.machine.record().read()
                    assert role is not None
                    assert role.server == name

    @invariant()
    def what_was_given_back_is_not_performed(self) -> None:
        if hasattr(self, "world") and not self.world.machine.disk_is_full:
            world, role = self.world, self.world.machine.application.role
            if role is not None and world.process is not None:
                stand_in = world.stand_in
                assert stand_in is not None
                assert stand_in.server == role.server
                assert stand_in.phase is not Phase.INTERRUPTED

    @invariant()
    def no_topic_is_mailed_twice_while_it_lasts(self) -> None:
        """Within the hour behind which the first reminder goes out."""
        if hasattr(self, "world"):
            openings = [e.kind for e in self.world.events if SPECS[e.kind].subject]
            assert len(self.world.mails) <= len(openings)


AnythingHappens.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, print_blob=True
)
TestAnythingHappens = AnythingHappens.TestCase
