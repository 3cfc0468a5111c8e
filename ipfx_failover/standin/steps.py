"""The steps of taking a role, but for address and copy. Each may run again after a kill."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, FailoverError, Refused, UsageError
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Phase, StandIn
from ipfx_failover.standin.application import Application, Process, Role
from ipfx_failover.standin.record import Note
from ipfx_failover.state.store import StateUnwritableError
from ipfx_failover.workflow.ports import Effect, Outcome, Values, text_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.state.store import Store
    from ipfx_failover.state.writing import Transaction

CLAIM = "claim the role"
FENCE = "fence"
EVICT = "end work on the copy"
START_APPLICATION = "start the application"
END_UPKEEP = "end the upkeep"
STOP_APPLICATION = "stop the application"
RELEASE_ADDRESS = "release the address"
SET_ASIDE = "set the standby's data aside"
GIVE_UP = "give the role up"


@dataclass(frozen=True, slots=True)
class Claim:
    """Become the stand-in: authority passes to the standby before anything is started."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"claim the role of {values['server']}; its copy becomes the one that counts"

    def do(self, values: Values) -> Outcome:
        ports, server = self.ports, str(values["server"])
        note = ports.record.read()
        ours = str(ports.store.state_dir)
        if note is not None and not note.is_of(ours, server):
            raise Refused(
                f"this machine already stands in for {note.server} (state in {note.state_dir})",
                f"give that role back first: ipfx-failover stop-failover {note.server}",
            )
        stand_in = StandIn(
            server=server,
            boot_id=ports.boot_id,
            since=ports.clock.now(),
            phase=Phase.TAKING_OVER,
            address=text_or_none(values["address"]),
            adapter=text_or_none(values["adapter"]),
        )
        before = ports.store.server(server)
        # The note needs no disk, and a takeover goes on without one; then it is all that is left.
        ports.record.write(Note(ours, server, ports.boot_id, stand_in.address, stand_in.adapter))
        return Outcome(
            (
                _if_stand_in(server, lambda tx: tx.release_stand_in()),
                lambda tx: _claim(tx, stand_in),
                lambda tx: tx.set_authority(server, Authority.STANDBY),
                ports.event(EventKind.TAKEOVER_STARTED, server, by=str(values["by"])),
            ),
            {"authority_before": before.authority},
        )

    def undo(self, values: Values) -> Sequence[Effect]:
        """The role is free again, and authority where it was, unless the copy was written to.

        A standby that was ahead stays ahead: what an earlier stand-in recorded is still only here.
        What is not ours stays: a claim that was refused has taken nobody's note and role. Failback
        is not pending: nobody gave the role back, and it is to be taken again.
        """
        ports, server = self.ports, str(values["server"])
        ports.record.erase(str(ports.store.state_dir), server)
        if values["again"]:
            return (_if_stand_in(server, lambda tx: tx.set_phase(Phase.INTERRUPTED)),)
        release = _if_stand_in(server, lambda tx: tx.release_stand_in())
        if "authority_before" not in values:
            return (release,)  # it had not come to change anything
        before = values.get("fingerprint")
        written_to = before is not None and before != ports.copy.fingerprint(server)
        authority = Authority.STANDBY if written_to else Authority(str(values["authority_before"]))
        if authority is Authority.LIVE:
            with suppress(FailoverError):  # else it is replicated as a whole next time
                ports.copy.give_role_back(server)
        return (release, lambda tx: tx.set_authority(server, authority))


def _claim(tx: Transaction, stand_in: StandIn) -> None:
    if (other := tx.stand_in()) is not None:
        raise Refused(
            f"the Failover Server stands in for {other.server}; one server at a time",
            f"give that role back first: ipfx-failover stop-failover {other.server}",
        )
    tx.claim_stand_in(stand_in)


def _if_stand_in(server: str, effect: Effect) -> Effect:
    """The effect, but only where the role is this server's."""

    def guarded(tx: Transaction) -> None:
        stand_in = tx.stand_in()
        if stand_in is not None and stand_in.server.casefold() == server.casefold():
            effect(tx)

    return guarded


@dataclass(frozen=True, slots=True)
class Fence:
    """Make sure that the dead stays dead, where the config has a command for it."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"run the fence command of {values['server']}"

    def do(self, values: Values) -> Outcome:
        server = str(values["server"])
        try:
            self.ports.fence(server)
        except (Failed, UsageError) as error:
            if values["required"]:
                raise
            told = self.ports.event(EventKind.FENCE_FAILED, server, reason=error.message)
            return Outcome((told,))
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - nothing brings it back
        return ()


@dataclass(frozen=True, slots=True)
class Evict:
    """The takeover comes first: what copies from the Primary is ended, its journal recovered."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"end what works on the copy of {values['server']}, keep the last verified state"

    def do(self, values: Values) -> Outcome:
        server = str(values["server"])
        ended = self.ports.copy.evict(server)
        fingerprint = self.ports.copy.fingerprint(server)
        effects = [
            self.ports.event(EventKind.REPLICATION_PREEMPTED, server, work=work) for work in ended
        ]
        return Outcome(effects, {"fingerprint": fingerprint})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - the next run copies again
        return ()


@dataclass(frozen=True, slots=True)
class StartApplication:
    """Start our own application on the copy, and wait until it is ready."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"start the application as {values['server']}"

    def do(self, values: Values) -> Outcome:
        # The application is about to record what exists nowhere else.
        endure(self.ports.store, str(values["server"]), Authority.STANDBY)
        process = self._application.start(role_of(values))
        record = (process.pid, process.created_at) if process else None
        return Outcome((lambda tx: tx.set_application(record),))

    def undo(self, values: Values) -> Sequence[Effect]:
        record = self.ports.store.application()
        self._application.stop(role_of(values), Process(*record) if record else None)
        return (lambda tx: tx.set_application(None),)

    @property
    def _application(self) -> Application:
        if self.ports.application is None:
            raise Failed(
                "the config has no application any more",
                "restore [failover_server.application], then run the same command again",
            )
        return self.ports.application


def endure(store: Store, server: str, authority: Authority | None = None) -> None:
    """Let a server's authority, and all that was committed before, survive a power cut.

    Fast commits do not; but one that is flushed flushes those before it. A store that cannot be
    written keeps nobody from going on.
    """
    with suppress(StateUnwritableError), store.transaction(durable=True) as tx:
        tx.set_authority(server, authority or tx.server(server).authority)


def role_of(values: Values) -> Role:
    """The application's role, out of a step's values."""
    return Role(
        server=str(values["server"]),
        address=str(values["role_address"]),
        port=int(values["port"] or 0),
        catalog=str(values["catalog"]),
        database=str(values["database"]),
        vm_dir=str(values["vm_dir"]),
        vm_local_dir=str(values["vm_local_dir"]),
    )
