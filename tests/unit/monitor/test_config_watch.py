"""The config file is watched: when an edit of it is offered, and what is said of a broken one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.config.load import load
from ipfx_failover.errors import Failed, InDoubt
from ipfx_failover.monitor.config_watch import ConfigWatch
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.messages import ConfigBroken, Reconfigured
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from ipfx_failover.config.models import Config
    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.monitor.threads import Generation

TEXT = f"""\
[failover_server]
state_dir = '{Path("/var/lib/x").absolute()}'
[network]
failover_count = 15
[servers.A]
address = "10.0.0.1"
local_vm_dir = '{Path("/srv/A").absolute()}'
"""
OTHER = TEXT.replace("15", "20")
BROKEN = TEXT.replace("15", "fifteen")


@dataclass
class Desk:
    """Who builds for a config, and who decides about it."""

    path: Path
    standing_in: str | None = None
    is_busy: bool = False
    desk_for: Config | None = None
    error: Exception | None = None
    taken: list[Reconfigured] = field(default_factory=list)
    declined: int = 0
    broken: list[str | None] = field(default_factory=list)
    built: list[Config] = field(default_factory=list)
    discarded: int = 0

    def __post_init__(self) -> None:
        config = load(self.path, environ={}).config
        self.watch = ConfigWatch(
            path=self.path,
            environ={},
            in_use=self.generation(config),
            build=self.build,
            standing_in=lambda: self.standing_in,
            tell=self.hear,
            hurry=Hurry(FakeClock()),
        )

    def generation(self, config: Config) -> Generation:
        return Made(config, self)  # type: ignore[return-value] # as far as the watch knows one

    def build(self, config: Config, _data: bytes, _in_use: Generation) -> Generation:
        if self.error is not None:
            raise self.error
        self.built.append(config)
        kept = self.desk_for if self.standing_in else None
        return Made(config, self, kept)  # type: ignore[return-value] # as above

    def hear(self, message: Message) -> None:
        if isinstance(message, ConfigBroken):
            self.broken.append(message.reason)
        if isinstance(message, Reconfigured):
            message.answer(is_taken=not self.is_busy)
            if self.is_busy:
                self.declined += 1
            else:
                self.taken.append(message)

    def looks(self, times: int = 2) -> None:
        for _ in range(times):
            self.watch.turn()

    def write(self, text: str) -> None:
        self.path.write_text(text)


@dataclass
class Made:
    """A generation without threads."""

    config: Config
    desk: Desk
    desk_for: Config | None = None

    def discard(self, _in_use: object) -> None:
        self.desk.discarded += 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    path.chmod(0o600)
    made = Desk(path)
    made.looks(5)
    return made


def test_a_file_that_is_as_it_was_is_offered_to_nobody(desk: Desk) -> None:
    desk.write(TEXT)
    os.utime(desk.path, (1, 1))
    desk.write(f"# a comment\n{TEXT}")
    desk.looks()

    assert ([], []) == (desk.taken, desk.broken)


def test_an_edit_is_offered_once_with_what_it_changed(desk: Desk) -> None:
    desk.write(OTHER)
    desk.looks(10)

    (taken,) = desk.taken
    assert ("network.failover_count: 15 -> 20", "") == (taken.changes, taken.waits)
    assert 20 == taken.generation.config.network.failover_count


def test_an_editor_that_renames_is_seen_and_its_moment_without_a_file_is_not(desk: Desk) -> None:
    desk.path.rename(desk.path.with_suffix(".old"))
    desk.looks(1)
    beside = desk.path.with_suffix(".new")
    beside.write_text(OTHER)
    beside.rename(desk.path)
    desk.looks()

    assert 1 == len(desk.taken)
    assert [] == desk.broken


def test_what_still_grows_is_left_alone(desk: Desk) -> None:
    for length in range(0, len(OTHER), 20):
        desk.write(OTHER[:length])
        desk.looks(1)
    desk.write(OTHER)
    desk.looks()

    assert 1 == len(desk.taken)
    assert [] == desk.broken


def test_a_broken_edit_is_told_once_with_its_line_and_its_mending(desk: Desk) -> None:
    desk.write(BROKEN)
    desk.looks(10)
    desk.write(TEXT)
    desk.looks(10)

    reason, mended = desk.broken
    assert str(reason).startswith("line 4: ")
    assert mended is None
    assert [] == desk.taken


def test_a_broken_edit_that_becomes_another_one_is_taken(desk: Desk) -> None:
    desk.write(BROKEN)
    desk.looks()
    desk.write(OTHER)
    desk.looks()

    assert 1 == len(desk.broken)
    assert ["network.failover_count: 15 -> 20"] == [each.changes for each in desk.taken]


def test_a_file_that_is_gone_is_a_broken_one(desk: Desk) -> None:
    desk.path.unlink()
    desk.looks(5)

    (reason,) = desk.broken
    assert str(desk.path) in str(reason)


def test_what_this_machine_cannot_do_is_a_broken_edit(desk: Desk) -> None:
    desk.error = Failed("there is no network adapter eth9", "name another one")
    desk.write(OTHER)
    desk.looks(5)

    assert ["there is no network adapter eth9; name another one"] == desk.broken
    assert [] == desk.taken


def test_a_store_in_trouble_is_no_fault_of_the_config(desk: Desk) -> None:
    desk.error = InDoubt("the state store is damaged", "look")
    desk.write(OTHER)
    desk.looks(3)
    assert ([], []) == (desk.taken, desk.broken)

    desk.error = None
    desk.looks()
    assert 1 == len(desk.taken)


def test_no_edit_ends_the_watch(desk: Desk) -> None:
    desk.error = ZeroDivisionError("by zero")
    desk.write(OTHER)
    desk.looks(3)

    assert ["a bug: ZeroDivisionError: by zero"] == desk.broken


def test_while_it_is_not_taken_it_is_offered_again(desk: Desk) -> None:
    desk.is_busy = True
    desk.write(OTHER)
    desk.looks(3)
    assert desk.declined == desk.discarded > 1

    desk.is_busy = False
    desk.looks()
    assert 1 == len(desk.taken)


def test_what_waits_for_a_role_is_offered_when_it_was_given_back(desk: Desk) -> None:
    desk.standing_in = "A"
    desk.write(TEXT.replace("10.0.0.1", "10.0.0.9"))
    desk.looks(5)
    assert ["[servers.A] until the role of A is given back"] == [t.waits for t in desk.taken]
    assert "10.0.0.1" == str(desk.built[-1].servers["A"].address)

    desk.standing_in = None
    desk.looks(5)
    assert ["A", None] == [each.standing_in for each in desk.taken]
    assert ("what had waited", "") == (desk.taken[-1].changes, desk.taken[-1].waits)
    assert "10.0.0.9" == str(desk.built[-1].servers["A"].address)


def test_a_desk_that_is_kept_for_a_role_is_exchanged_when_it_was_given_back(desk: Desk) -> None:
    desk.standing_in, desk.desk_for = "A", load(desk.path, environ={}).config
    desk.write(f'{TEXT}\n[servers.B]\naddress = "10.0.0.2"\n')
    desk.looks(5)
    assert ["B added"] == [each.changes for each in desk.taken]

    desk.standing_in = None
    desk.looks(5)

    assert ["B added", "what had waited"] == [each.changes for each in desk.taken]
    assert 2 == len(desk.built)
