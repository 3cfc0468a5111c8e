"""A takeover that fails gives back what it found: whose data count, and who stands in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed, Refused
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Copy, Phase, StandIn
from ipfx_failover.standin.desk import StandInDesk
from ipfx_failover.standin.ports import StandInPorts
from ipfx_failover.standin.record import MachineRecord, Note
from ipfx_failover.standin.standby import role_of
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import Store
from ipfx_failover.workflow.committer import Committer
from tests.fakes.application import Behaviour, FakeApplication
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeLan
from tests.unit.config.samples import WARM, ConfigFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from ipfx_failover.net import Address

BOOT = "boot 1"
NAME = "DEMOSERVER"


@dataclass
class CopyInMemory:
    """The standby's copy: `writes` counts how often the application has written to it."""

    writes: int = 0
    kept: list[str] = field(default_factory=list)

    def evict(self, server: str) -> list[str]:  # noqa: ARG002 - nobody works on it
        return []

    def fingerprint(self, server: str) -> str:
        return f"{server} {self.writes}"

    def as_of(self, server: str) -> datetime | None:  # noqa: ARG002 - the port
        return None

    def obstacle(self, server: str) -> str | None:  # noqa: ARG002 - the port
        return None

    def take_role(self, server: str) -> list[str]:  # noqa: ARG002 - it always can
        return []

    def give_role_back(self, server: str) -> None: ...

    def set_aside(self, server: str) -> str:
        self.kept.append(server)
        return "kept"


def no_references(suspect: Address) -> Sequence[Address]:  # noqa: ARG001 - the port
    return ()


@dataclass
class Site:
    """A Failover Server with one state directory; others may be on the same machine."""

    root: Path
    state: str = "state"
    copy: CopyInMemory = field(default_factory=CopyInMemory)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.machine = FakeLan(self.clock).machine("us", "192.168.11.2/24")
        self.application = FakeApplication(self.clock)
        self.store = Store(self.root / self.state)
        self.config = ConfigFiles(self.root).load(WARM)
        self.server = self.config.servers[NAME]
        self.record = MachineRecord(self.root / "run", BOOT)
        with self.store.transaction() as tx:
            for kind in ("database", "files"):
                tx.set_copy(Copy(NAME, kind, self.clock.now(), self.clock.now(), 1, "1"))

    def desk(self) -> StandInDesk:
        ports = StandInPorts(
            clock=self.clock,
            boot_id=BOOT,
            store=self.store,
            record=self.record,
            addresses=self.machine.addresses(),
            arp=self.machine.arp,
            echo=self.machine.echo,
            application=self.application,
            references=no_references,
            fence=lambda _: None,
            copy=self.copy,
        )
        return StandInDesk(
            config=self.config,
            ports=ports,
            machine_locks=Locks(self.root / "run"),
            role_of=lambda server: role_of(server, self.config.failover_server),
            committer=Committer(self.store),
        )

    def fail_to_take_over(self) -> None:
        self.application.behaviour = Behaviour.FAILING
        with pytest.raises(Failed):
            self.desk().take_over(self.server, by="a test")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.store.close()


def test_an_untouched_copy_of_a_failed_takeover_may_be_overwritten_again(site: Site) -> None:
    site.fail_to_take_over()

    state = site.store.server(NAME)
    assert (Authority.LIVE, False) == (state.authority, state.failback_pending)
    assert site.store.stand_in() is None


def test_a_copy_that_the_application_wrote_to_counts_though_the_takeover_failed(site: Site) -> None:
    def crash_after_a_call() -> None:
        site.copy.writes += 1

    site.clock.at(site.clock.monotonic_ns() + 1, crash_after_a_call)
    site.application.behaviour = Behaviour.SILENT
    with pytest.raises(Failed):
        site.desk().take_over(site.server, by="a test")

    # Nobody gave the role back: it is taken again, as the mail about the failure says.
    state = site.store.server(NAME)
    assert (Authority.STANDBY, False) == (state.authority, state.failback_pending)


@pytest.mark.parametrize("pending", [True, False])
def test_a_standby_that_is_ahead_stays_ahead_when_a_second_takeover_fails(
    site: Site, *, pending: bool
) -> None:
    with site.store.transaction() as tx:
        tx.set_authority(NAME, Authority.STANDBY)
        tx.set_failback_pending(NAME, pending=pending)

    site.fail_to_take_over()

    state = site.store.server(NAME)
    assert (Authority.STANDBY, pending) == (state.authority, state.failback_pending)


def test_a_refused_takeover_leaves_the_note_of_another_state_directory(site: Site) -> None:
    others = Note("/elsewhere", "OTHER", BOOT, None, None)
    site.record.write(others)

    for _ in range(2):
        with pytest.raises(Refused, match="already stands in for OTHER"):
            site.desk().take_over(site.server, by="a test")

    assert others == site.record.read()
    assert Authority.LIVE is site.store.server(NAME).authority


def test_a_stand_in_that_cannot_be_taken_up_after_a_reboot_is_not_said_to_be_tried_again(
    site: Site,
) -> None:
    before = StandIn(NAME, "boot 0", site.clock.now(), Phase.STANDING_IN, None, None)
    with site.store.transaction() as tx:
        tx.claim_stand_in(before)
        tx.set_authority(NAME, Authority.STANDBY)

    site.fail_to_take_over()

    stand_in = site.store.stand_in()
    assert stand_in is not None
    assert Phase.INTERRUPTED is stand_in.phase
    told = [
        logged.event.data["advice"]
        for logged in site.store.events_after(0)
        if logged.event.kind is EventKind.TAKEOVER_FAILED
    ]
    assert [True] == [str(advice).startswith("It is NOT tried again") for advice in told]
    assert Authority.STANDBY is site.store.server(NAME).authority
