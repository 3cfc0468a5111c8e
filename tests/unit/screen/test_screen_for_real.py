"""The main screen with a real state store and real commands in processes of their own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.own_commands import OwnCommands
from ipfx_failover.records import Mode
from ipfx_failover.state.store import Store
from ipfx_failover.wiring.watching import StateLook
from tests.support.screen import Shown, on_screen

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = """
[failover_server]
state_dir = '{directory}/state'
[servers.DEMOSERVER]
address = "192.0.2.1"
local_vm_dir = '{directory}/VM'
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(_CONFIG.format(directory=tmp_path), "utf-8")
    return path


def mode_of(config: Path) -> Mode:
    with Store(config.parent / "state") as store:
        return store.server("DEMOSERVER").mode


def for_real(config: Path, test: object) -> None:
    with closing(StateLook(config)) as look:
        on_screen(test, look=look, commands=OwnCommands(config))  # type: ignore[arg-type]


def test_a_server_is_suspended_stopped_and_resumed_by_keys(config: Path) -> None:
    async def test(shown: Shown) -> None:
        await shown.until("no monitor has run yet", "UNKNOWN     DEMOSERVER")
        await shown.press("s", "y")
        await shown.until("SUSPENDED   DEMOSERVER", "suspend DEMOSERVER: exit code 0 (done)")
        assert mode_of(config) is Mode.SUSPENDED
        await shown.press("t", "y")
        await shown.until("STOPPED     DEMOSERVER", "stop DEMOSERVER: exit code 0 (done)")
        assert mode_of(config) is Mode.STOPPED
        await shown.press("r", "y")
        await shown.until("UNKNOWN     DEMOSERVER", "resume DEMOSERVER: exit code 0 (done)")
        assert mode_of(config) is Mode.MONITORING
        await shown.press("escape")
        await shown.until("DEMOSERVER: Resumed", "DEMOSERVER: Suspended: no pings")

    for_real(config, test)


def test_the_question_is_the_one_that_the_command_asks_and_declining_it_does_nothing(
    config: Path,
) -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("v")
        await shown.until("Its application must not run.", "y Yes")
        await shown.press("n")
        await shown.until("Replicate to Live DEMOSERVER: declined; nothing was done")

    for_real(config, test)


def test_a_command_that_fails_shows_its_error_its_hint_and_its_exit_code(config: Path) -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("v")
        await shown.until("y Yes")
        await shown.press("y")
        await shown.until("error: ", "hint: ", "replicate-to-live DEMOSERVER: exit code")

    for_real(config, test)


def test_a_command_that_meets_a_broken_config_lists_what_is_wrong(config: Path) -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        config.write_text(f"{config.read_text('utf-8')}nonsense = 1\n", "utf-8")
        await shown.press("v")
        await shown.until(
            "servers.DEMOSERVER.nonsense: unknown key", "error: 1 problem in", "exit code 2 (usage)"
        )

    for_real(config, test)
