"""Where a stand-in is begun, ended and recovered: by the monitor, or by a command.

Everything here runs under the machine's one stand-in lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Self

from ipfx_failover.errors import Refused, tolerated
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import HeldAddress, Phase, StandIn
from ipfx_failover.standin.copy_steps import ReadyCopy
from ipfx_failover.standin.refusals import inhibition, taking_refusal, unusable
from ipfx_failover.standin.restoring import effects_of, noted
from ipfx_failover.standin.stand_down import StandDown, stand_down_steps
from ipfx_failover.standin.steps import StartApplication, endure
from ipfx_failover.standin.take_alone import TakeAlone
from ipfx_failover.standin.takeover import Takeover, role_values, takeover_steps
from ipfx_failover.state import locks
from ipfx_failover.state.journal import open_journals, read_journal
from ipfx_failover.workflow.ports import silent
from ipfx_failover.workflow.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.config.models import Config, ServerSettings
    from ipfx_failover.standin.application import Role
    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.state.journal import Journal, Step
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.committer import Committer
    from ipfx_failover.workflow.ports import Effect, Observer, Workflow

RESOURCE = locks.STAND_IN


@dataclass(frozen=True, slots=True)
class StandInDesk:
    """Begins and ends stand-ins.

    `role_of`: the values that the application gets for a server. `machine_locks`: those of the
    machine, not of a state directory. `committer`: how commits are made; the monitor's goes on
    when the state disk is full.
    """

    config: Config
    ports: StandInPorts
    machine_locks: locks.Locks
    role_of: Callable[[ServerSettings], Role]
    committer: Committer
    observer: Observer = silent
    close_sockets: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store and the sockets; what is held stays held."""
        self.close_sockets()
        self.ports.addresses.close()
        self.ports.store.close()

    def take_over(
        self,
        server: ServerSettings,
        *,
        by: str,
        automatic: bool = False,
        wait_s: float = 0.0,
        opening: Sequence[Effect] = (),
    ) -> None:
        """Become the server's stand-in; `opening` is committed together with the journal.

        `automatic`: not the operator's wish, so that it obeys his (suspended, failback pending).

        Raises:
            Refused: somebody else's role is being performed, or nothing was replicated yet.
            Busy: another process is taking or giving back a role.
            Failed: a step failed; everything was undone.
            InDoubt: undoing failed too.
        """
        with self.machine_locks.hold(RESOURCE, locks.this_command(), wait_s=wait_s):
            begun = self._recover()
            stand_in = self.ports.store.stand_in()
            if _is(begun, Takeover.name, server.name) and stand_in and self._is_standing(stand_in):
                return  # a killed process had begun what is asked for now
            if reason := self.refusal(server) or (
                automatic and inhibition(self.ports.store, server.name)
            ):
                raise reason
            plan = self.plan_takeover(server, by=by)
            self.runner(Takeover(self.ports)).run(RESOURCE, server.name, plan, opening=opening)

    def stand_down(self, name: str, *, discard: bool = False, wait_s: float = 0.0) -> None:
        """Give the role of server `name` back; `discard` sets aside what was recorded.

        Raises:
            Refused: the Failover Server does not stand in for it.
            Busy: another process is taking or giving back a role.
            InDoubt: the application does not stop, or the address cannot be released.
        """
        with self.machine_locks.hold(RESOURCE, locks.this_command(), wait_s=wait_s):
            begun = self._recover()
            if _is(begun, StandDown.name, name) and self.ports.store.stand_in() is None:
                return  # a killed process had begun what is asked for now
            stand_in = self.stand_in_for(name)
            plan = self.plan_stand_down(stand_in, discard=discard)
            self.runner(StandDown(self.ports)).run(RESOURCE, stand_in.server, plan)
            endure(self.ports.store, stand_in.server)

    def is_giving_back(self, name: str) -> bool:
        """Whether a killed process has begun to give the role of server `name` back."""
        return _is(read_journal(self.ports.store, RESOURCE), StandDown.name, name)

    def recover(self) -> None:
        """Finish or undo what a killed process left; restore what a full disk kept from the store.

        Raises:
            Busy: another process is at it.
        """
        with self.machine_locks.hold(RESOURCE, locks.this_command()):
            self._recover()

    def is_unfinished(self) -> bool:
        """Whether a takeover or stand-down is neither finished nor undone, by whomever."""
        return RESOURCE in open_journals(self.ports.store)

    def catch_up(self) -> None:
        """Commit what a full disk kept from the store, when nobody else changes the role."""
        with self.machine_locks.hold(RESOURCE, locks.this_command()):
            self._catch_up()

    def _catch_up(self) -> None:
        note = self.ports.record.read()
        if note is None or note.state_dir != str(self.ports.store.state_dir):
            # Somebody else has given the role back since: it must not come to life again.
            self.committer.forget()
        self.committer.commit()

    def restore_addresses(self) -> None:
        """Take addresses again that we hold and that are gone from their adapters."""
        ports = self.ports
        with self.machine_locks.hold(RESOURCE, locks.this_command()):
            for held in ports.store.held_addresses():
                if held.boot_id == ports.boot_id and self._is_still_ours(held):
                    self._restore(held)

    def _is_still_ours(self, held: HeldAddress) -> bool:
        """Whether it is to be kept: alone, or while its role is performed."""
        stand_in = self.ports.store.stand_in()
        if stand_in is None or stand_in.address != held.address:
            return True
        return self._is_standing(stand_in)

    def _restore(self, held: HeldAddress) -> None:
        ports, address = self.ports, IPv4Address(held.address)
        if ports.addresses.holder(address) is not None:
            return
        ports.addresses.add(address, held.adapter)
        ports.arp(held.adapter).announce(address)
        data = {"address": held.address, "adapter": held.adapter}
        event = Event(EventKind.ADDRESS_RESTORED, ports.clock.now(), held.server, data)
        self.committer.commit(lambda tx: tx.emit(event))

    def restart_application(self, server: ServerSettings) -> None:
        """Stop what is left of the application that stands in, and start it again."""
        with self.machine_locks.hold(RESOURCE, locks.this_command()):
            stand_in = self.ports.store.stand_in()
            if stand_in is None or not self._is_standing(stand_in):
                return
            values = role_values(self.role_of(server))
            step = StartApplication(self.ports)
            self.committer.commit(*step.undo(values))
            self.committer.commit(*step.do(values).effects)

    def ready_copy(self, server: ServerSettings) -> bool:
        """Try again what could not be done to make the copy ready; whether nothing is left."""
        with self.machine_locks.hold(RESOURCE, locks.this_command()):
            stand_in = self.ports.store.stand_in()
            if stand_in is None or not self._is_standing(stand_in) or not stand_in.unready:
                return True
            effects = ReadyCopy(self.ports).again(server.name, stand_in.unready)
            self.committer.commit(*effects)
            after = self.ports.store.stand_in()
            return after is None or not after.unready

    def refusal(self, server: ServerSettings) -> Refused | None:
        """Why the server's role cannot be taken, whoever asks; None when it can."""
        stand_in = self._stand_in()
        standing = stand_in is not None and self._is_standing(stand_in)
        copies = self.ports.store.copies()
        return taking_refusal(
            server, stand_in, copies, is_standing=standing
        ) or self._without_database(server)

    def _without_database(self, server: ServerSettings) -> Refused | None:
        """Why its copy is of no use, as far as it can be told at once.

        The steps look again: a database that is not answering must not keep the address from being
        taken, and one that is being put in its place is not there for a moment.
        """
        store = self.ports.store
        if locks.database(server.name) in open_journals(store):
            return None
        with tolerated():
            if reason := self.ports.copy.obstacle(server.name):
                return unusable(server.name, reason, store.server(server.name).authority)
        return None

    def plan_takeover(self, server: ServerSettings, *, by: str) -> list[Step]:
        adapter = self.config.network.adapter
        return takeover_steps(
            server,
            self.role_of(server),
            adapter=adapter,
            starts_application=self.ports.application is not None,
            again=self._stand_in() is not None,
            by=by,
        )

    def plan_stand_down(self, stand_in: StandIn, *, discard: bool) -> list[Step]:
        server = self.config.servers.get(stand_in.server)
        if server is None:
            raise Refused(
                f"the config does not know {stand_in.server}, for which this machine stands in",
                f"put [servers.{stand_in.server}] back into the config first",
            )
        return stand_down_steps(
            stand_in,
            self.role_of(server),
            was_standing=self._is_standing(stand_in),
            stops_application=self.ports.application is not None,
            discard=discard,
        )

    def describe(self, plan: Sequence[Step], workflow: Workflow) -> list[str]:
        """The plan in words, a line a step."""
        return [workflow.kinds[step.kind].describe(step.parameters) for step in plan]

    def _is_standing(self, stand_in: StandIn) -> bool:
        return stand_in.phase is Phase.STANDING_IN and stand_in.boot_id == self.ports.boot_id

    def _stand_in(self) -> StandIn | None:
        """The role that we perform; by the machine's note where the store could not be told."""
        store = self.ports.store
        return store.stand_in() or noted(self.ports.record, store.state_dir)

    def stand_in_for(self, name: str) -> StandIn:
        stand_in = self._stand_in()
        if stand_in is None or stand_in.server.casefold() != name.casefold():
            whom = f"; it stands in for {stand_in.server}" if stand_in else ""
            raise Refused(
                f"the Failover Server does not stand in for {name}{whom}",
                "see: ipfx-failover status",
            )
        return stand_in

    def _recover(self) -> Journal | None:
        """The journal that was open, if any."""
        if self.committer.is_behind:
            self._catch_up()
        # First: an address that was taken alone and given up must not be the one of a role.
        for resource in open_journals(self.ports.store):
            self.runner(TakeAlone(self.ports)).recover(resource)
        begun = read_journal(self.ports.store, RESOURCE)
        for workflow in (Takeover(self.ports), StandDown(self.ports)):
            self.runner(workflow).recover(RESOURCE)
        if not self.committer.is_behind:
            self._restore_from_note()
            self._forget_lost_addresses()
        return begun

    def _restore_from_note(self) -> None:
        note = self.ports.record.read()
        store = self.ports.store
        if note is None or note.state_dir != str(store.state_dir) or store.stand_in() is not None:
            return
        self.committer.commit(*effects_of(note, self.ports))

    def _forget_lost_addresses(self) -> None:
        """What was taken before this machine was rebooted is not there any more."""
        for held in self.ports.store.held_addresses():
            if held.boot_id != self.ports.boot_id:
                self.committer.commit(partial(_drop_address, address=held.address))

    def runner(self, workflow: Workflow) -> Runner:
        return Runner(
            store=self.ports.store,
            clock=self.ports.clock,
            boot_id=self.ports.boot_id,
            workflow=workflow,
            committer=self.committer,
            observer=self.observer,
        )


def _is(journal: Journal | None, workflow: str, server: str) -> bool:
    return (
        journal is not None
        and journal.workflow == workflow
        and journal.server.casefold() == server.casefold()
    )


def _drop_address(tx: Transaction, address: str) -> None:
    tx.drop_address(address)
