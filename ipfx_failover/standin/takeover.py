"""Failover: becoming the stand-in of a Primary (manual, "Failover")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.events import Event, EventKind
from ipfx_failover.history.wording import duration, stamp
from ipfx_failover.records import Phase
from ipfx_failover.standin import address_steps, copy_steps, steps
from ipfx_failover.standin.probing import any_answers, who_answers
from ipfx_failover.state.journal import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.net import Address
    from ipfx_failover.standin.application import Role
    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.state.journal import Journal
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.ports import Effect, StepKind, Values

_ANSWER_S = 1.0


@dataclass(frozen=True, slots=True)
class Takeover:
    """The workflow: address first, for there milliseconds count, the application last."""

    ports: StandInPorts

    name = "takeover"
    # FULL would cost 10 to 18 ms under disk load; the role's note in /run is the second copy.
    durable = False
    point_of_no_return = None

    @property
    def kinds(self) -> Mapping[str, StepKind]:
        return {
            steps.CLAIM: steps.Claim(self.ports),
            steps.FENCE: steps.Fence(self.ports),
            address_steps.TAKE_ADDRESS: address_steps.TakeAddress(self.ports),
            address_steps.VERIFY_ADDRESS: address_steps.VerifyAddress(self.ports),
            steps.EVICT: steps.Evict(self.ports),
            copy_steps.READY_COPY: copy_steps.ReadyCopy(self.ports),
            steps.START_APPLICATION: steps.StartApplication(self.ports),
        }

    def finished(self, server: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        now = self.ports.clock.now()
        return (
            lambda tx: tx.set_phase(Phase.STANDING_IN),
            lambda tx: tx.set_last_failover(server, now),
            lambda tx: tx.set_failback_pending(server, pending=False),
            lambda tx: tx.set_attempts(server, 0),
            self.ports.event(EventKind.STAND_IN_STARTED, server, detail=self._on_what(server)),
        )

    def _on_what(self, server: str) -> str:
        """How old the data are that it stands in with: what people ask first."""
        as_of = self.ports.copy.as_of(server)
        if as_of is None:
            return ""
        age_s = round((self.ports.clock.now() - as_of).total_seconds())
        return f", on the database as of {stamp(as_of)} ({duration(age_s)} ago)"

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        now = self.ports.clock.now()

        def tell(tx: Transaction) -> None:
            event = failure(server, reason, now)
            stand_in = tx.stand_in()
            if stand_in is not None and stand_in.phase is Phase.INTERRUPTED:
                advice = (
                    f"It is NOT tried again. Go on with ipfx-failover failover-now {server}, or "
                    f"give the role back: ipfx-failover stop-failover {server}"
                )
                event = replace(event, data={"reason": reason, "advice": advice})
            tx.emit(event)

        return (counted(server), tell)

    def goes_forward(self, journal: Journal) -> bool:
        """After a restart it goes on; after a reboot the address is gone: undo, judge afresh.

        Judged afresh, too, when the Primary is back, and clients have not met its stand-in yet.
        """
        return journal.boot_id == self.ports.boot_id and not self._is_back(journal)

    def _is_back(self, journal: Journal) -> bool:
        values = {step.kind: step.parameters for step in journal.steps}
        if where := values.get(address_steps.TAKE_ADDRESS):
            return self._is_used(IPv4Address(str(where["address"])), str(where["adapter"]))
        application, role = self.ports.application, values.get(steps.START_APPLICATION)
        if application is None or role is None:
            return False
        has_begun = application.problem(steps.role_of(role), None) is None
        return not has_begun and self._answers(IPv4Address(str(role["role_address"])))

    def _is_used(self, address: Address, adapter: str) -> bool:
        """By another machine: one that we hold already is not asked for."""
        ports = self.ports
        if ports.addresses.holder(address) is not None:
            return False
        return who_answers(ports.arp(adapter), address, ports.clock, ports.wait) is not None

    def _answers(self, address: Address) -> bool:
        echo = self.ports.echo(None)
        try:
            echo.prepare([address])
            ports = self.ports
            return any_answers(echo, [address], 0, ports.clock, _ANSWER_S, ports.wait)
        finally:
            echo.close()


def failure(server: str, reason: str, at: datetime) -> Event:
    """A takeover that was undone, and is tried again."""
    advice = f"It is tried again. By hand: ipfx-failover failover-now {server}"
    data = {"reason": reason, "advice": advice}
    return Event(EventKind.TAKEOVER_FAILED, at, server, data)


def counted(server: str) -> Effect:
    """One more takeover has failed; the next waits longer."""
    return lambda tx: tx.set_attempts(server, tx.server(server).attempts + 1)


def takeover_steps(
    server: ServerSettings,
    role: Role,
    *,
    adapter: str | None,
    starts_application: bool,
    again: bool,
    by: str,
) -> list[Step]:
    """What taking the server's role over consists of, as data.

    `again`: the role was ours before this machine was rebooted. `by`: who wants it, for the log.
    """
    name, address = server.name, str(server.address)
    taken = server.assume_ip
    plan = [
        Step(
            steps.CLAIM,
            {
                "server": name,
                "address": address if taken else None,
                "adapter": adapter if taken else None,
                "again": again,
                "by": by,
            },
        )
    ]
    if server.fence is not None:
        plan.append(Step(steps.FENCE, {"server": name, "required": server.fence.required}))
    if taken:
        where = {"server": name, "address": address, "adapter": adapter}
        plan += [Step(address_steps.TAKE_ADDRESS, where), Step(address_steps.VERIFY_ADDRESS, where)]
    plan.append(Step(steps.EVICT, {"server": name}))
    if server.database is not None and server.database.engine == "sqlserver":
        plan.append(Step(copy_steps.READY_COPY, {"server": name}))
    if starts_application:
        plan.append(Step(steps.START_APPLICATION, role_values(role)))
    return plan


def role_values(role: Role) -> dict[str, str | int]:
    """A role as the values of a step."""
    return {
        "server": role.server,
        "role_address": role.address,
        "port": role.port,
        "catalog": role.catalog,
        "database": role.database,
        "vm_dir": role.vm_dir,
        "vm_local_dir": role.vm_local_dir,
    }
