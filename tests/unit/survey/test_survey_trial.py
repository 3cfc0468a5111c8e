"""`server test`: what it looks at, in a simulated network and on a machine in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ipfx_failover.config.models import Config
from ipfx_failover.errors import ExitCode, Refused, UsageError, worst
from ipfx_failover.livehost import RunResult
from ipfx_failover.survey.ports import DatabaseLook, SurveyPorts
from ipfx_failover.survey.trial import Trial
from tests.fakes.clock import FakeClock
from tests.fakes.livehost import FakeLiveHost
from tests.fakes.network import FakeLan
from tests.support.failover_config import merged
from tests.support.waiting import FakeWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.survey.check import Check

CONFIG: dict[str, Any] = {
    "network": {"adapter": "eth0"},
    "servers": {
        "DEMO": {
            "address": "10.0.0.1",
            "assume_ip": True,
            "local_vm_dir": "/copies/DEMO/VM",
            "ssh": {"user": "ipfx", "key_file": "/key"},
            "database": {"data_source": "/db/app.db", "vm_dir": "/vm"},
        }
    },
}
GOOD_LOOK = DatabaseLook("SQLite 3.40.1", size_bytes=5 << 20, tables=7, may_write=True)
MANUAL = ("Database Connection", "VM Directory Read", "VM Directory Write")


@dataclass
class FakeDatabase:
    """The `LiveDatabase` port: one database, as it is."""

    found: DatabaseLook

    def look(self, database: str) -> DatabaseLook:
        assert database == "/db/app.db"
        return self.found


@dataclass
class Scene:
    """A Primary that has everything; change what is to be amiss."""

    clock: FakeClock = field(default_factory=FakeClock)
    found: DatabaseLook = GOOD_LOOK
    config: dict[str, Any] = field(default_factory=lambda: CONFIG)
    application_runs: bool = True
    distrust: Refused | None = None
    clock_ahead: timedelta = timedelta()
    live: Callable[[], LiveHost] | None = None

    def __post_init__(self) -> None:
        lan = FakeLan(self.clock)
        self.us = lan.machine("us", "10.0.0.2/24")
        self.primary = lan.machine("primary", "10.0.0.1/24")
        self.host = FakeLiveHost("DEMO")
        for directory in ("/vm/Mail", "/db"):
            self.host.make_directory(directory)
        self.host.programs["uname"] = lambda *_: RunResult(0, b"Linux 6.1\n", b"")
        self.host.programs["date"] = self._date
        self.here = FakeLiveHost("this machine")
        self.here.make_directory("/copies")

    def _date(self, *_: object) -> RunResult:
        there = self.clock.now() + self.clock_ahead
        return RunResult(0, f"{int(there.timestamp())}\n".encode(), b"")

    def _trusted_key(self) -> str:
        if self.distrust is not None:
            raise self.distrust
        return "ED25519 SHA256:abc"

    def checks(self) -> list[Check]:
        config = Config.model_validate(self.config)
        ports = SurveyPorts(
            clock=self.clock,
            echo=self.us.echo,
            arp=self.us.arp,
            addresses=self.us.addresses,
            application_answers=lambda: self.application_runs,
            trusted_key=self._trusted_key,
            live=self.live or (lambda: self.host),
            database=lambda _: FakeDatabase(self.found),
            sql_sides=no_sqlserver,
            here=self.here,
            wait=FakeWait(self.clock),
        )
        return list(Trial(config, config.servers["DEMO"], ports).checks())

    def __getitem__(self, name: str) -> Check:
        (found,) = [check for check in self.checks() if check.name == name]
        return found


def no_sqlserver(host: LiveHost) -> NoReturn:
    raise AssertionError(f"{host.name} has SQLite")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def levels(scene: Scene) -> dict[str, str]:
    return {check.name: check.level for check in scene.checks()}


def test_a_server_that_has_everything_passes_all_and_says_so_in_the_manuals_words(
    scene: Scene,
) -> None:
    found = scene.checks()
    said = {check.name: check.message for check in found}

    assert {"ok"} == {check.level for check in found}
    assert all(said[name].startswith("Successful") for name in MANUAL)
    assert said["Database Connection"] == "Successful (7 tables, 5 MiB; SQLite 3.40.1)"
    assert "02:00:00:00:00:02" in said["Address takeover"]
    assert worst([check.exit_code for check in found]) is ExitCode.DONE


def test_nothing_is_left_behind_by_the_test_write(scene: Scene) -> None:
    scene.checks()

    assert {} == scene.host.files


def test_what_can_be_looked_at_is_although_the_ping_fails(scene: Scene) -> None:
    scene.primary.answers_icmp = False

    assert [name for name, level in levels(scene).items() if level == "failed"] == ["Ping"]
    assert scene["Ping"].exit_code is ExitCode.UNREACHABLE


def test_without_a_login_the_manuals_three_lines_fail_all_the_same(scene: Scene) -> None:
    scene.host.reachable = False
    found = levels(scene)

    assert all(found[name] == "failed" for name in (*MANUAL, "Login"))
    assert (found["Ping"], found["Host key"]) == ("ok", "ok")


def test_an_untrusted_host_key_fails_with_what_to_do(scene: Scene) -> None:
    scene.distrust = Refused("nobody has trusted it", "ipfx-failover server trust DEMO")
    check = scene["Host key"]

    assert (check.level, check.hint) == ("failed", "ipfx-failover server trust DEMO")
    assert check.exit_code is ExitCode.REFUSED


def test_a_way_that_cannot_be_opened_is_one_failed_login(scene: Scene) -> None:
    def live() -> LiveHost:
        raise UsageError("no such key", "make one")

    scene.live = live

    assert scene["Login"].message == "no such key"
    assert scene["Login"].exit_code is ExitCode.USAGE


def test_an_application_that_does_not_answer_is_a_warning(scene: Scene) -> None:
    scene.application_runs = False

    assert scene["Application"].level == "warning"
    assert worst([check.exit_code for check in scene.checks()]) is ExitCode.EXCEPTIONS


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "agrees"), (4, "agrees"), (90, "90 s ahead"), (-90, "89 s behind")]
)
def test_a_clock_that_is_off_is_a_warning(scene: Scene, seconds: int, words: str) -> None:
    scene.clock_ahead = timedelta(seconds=seconds)

    assert words in scene["Clock"].message
    assert scene["Clock"].level == ("ok" if words == "agrees" else "warning")


def test_a_database_that_does_not_open_fails_with_its_reason(scene: Scene) -> None:
    scene.found = DatabaseLook("SQLite 3.40.1", problem="file is not a database")
    check = scene["Database Connection"]

    assert "/db/app.db on DEMO cannot be read: file is not a database" in check.message
    assert check.exit_code is ExitCode.FAILED
    assert "Database Write" not in levels(scene)


def test_an_account_that_may_not_replace_the_database_is_a_warning(scene: Scene) -> None:
    scene.found = replace(GOOD_LOOK, may_write=False)

    assert "replicate-to-live would fail" in scene["Database Write"].message


def test_too_little_space_fails_on_either_side(scene: Scene) -> None:
    scene.host.free = (5 << 20) - 1
    scene.here.free = (10 << 20) - 1

    assert scene["Space there"].level == "failed"
    assert "/copies on this machine has 10 MiB free" in scene["Space here"].message


def test_a_vm_directory_that_is_not_there_fails(scene: Scene) -> None:
    config = {"servers": {"DEMO": {"database": {"vm_dir": "/elsewhere"}}}}
    scene.config = merged(CONFIG, config)

    assert scene["VM Directory Read"].message == "there is no directory /elsewhere on DEMO"
    assert scene["VM Directory Write"].level == "failed"


def test_a_mounted_vm_directory_is_looked_at_here(scene: Scene) -> None:
    server = {"files": {"transport": "path", "path": "/mnt/vm"}, "database": None, "ssh": None}
    scene.config = merged(CONFIG, {"servers": {"DEMO": server}})
    scene.here.make_directory("/mnt/vm")

    assert scene["VM Directory Write"].level == "ok"
    assert "Login" not in levels(scene)


def test_an_address_that_we_hold_proves_nothing(scene: Scene) -> None:
    scene.us.interfaces.append(IPv4Interface("10.0.0.1/32"))

    assert "held by this machine" in scene["Ping"].message
    assert scene["Application"].level == "failed"
    assert "stop-failover DEMO" in scene["Ping"].hint


def test_an_address_of_another_network_cannot_be_taken(scene: Scene) -> None:
    scene.us.interfaces[:] = [IPv4Interface("10.9.0.2/24")]

    assert "10.0.0.1 is not in a network of eth0 (10.9.0.0/24)" in scene["Address takeover"].message


def test_without_a_cable_no_address_can_be_taken(scene: Scene) -> None:
    scene.us.is_plugged = False

    assert scene["Address takeover"].message == "eth0 has no link"


def test_an_address_that_stays_is_not_asked_for_by_arp(scene: Scene) -> None:
    scene.config = merged(CONFIG, {"servers": {"DEMO": {"assume_ip": False}}})

    assert "Address takeover" not in levels(scene)


def test_an_address_that_nobody_has_is_free(scene: Scene) -> None:
    scene.primary.is_up = False

    assert "free on eth0" in scene["Address takeover"].message
