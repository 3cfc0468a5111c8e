"""Completion in real shells: commands, servers of the config, adapters; silent if it is broken."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.wiring.looking import CONFIG_IN_USE
from tests.support.sshd import program
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Complete = Callable[..., list[str]]

ROOT = Path(__file__).parents[2]
CONFIG = """
[servers.AKLMATRIX]
address = "192.168.11.1"
[servers.DEMOSERVER]
address = "192.168.11.2"
[servers.DEMO2]
address = "192.168.11.3"
"""
# What bash does when TAB is pressed behind these words.
TAB = """
eval "$(ipfx-failover completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
COMPREPLY=()
_ipfx_failover_completion ipfx-failover
printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(argv: Sequence[str], config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        env={
            **os.environ,
            "PATH": f"{config.parent}:{os.environ['PATH']}",
            "IPFX_FAILOVER_CONFIG": str(config),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config, with the command of this checkout beside it."""
    command = tmp_path / "ipfx-failover"
    command.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{ROOT}'\nexec '{sys.executable}' -m ipfx_failover \"$@\"\n"
    )
    command.chmod(0o755)
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def complete(config: Path) -> Complete:
    """Completes the last of the words; nothing may be said beside that."""

    def complete(*words: str) -> list[str]:
        bash = program("bash", "bash")
        done = run([bash, "--norc", "-c", TAB, "bash", "ipfx-failover", *words], config)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return complete


def test_commands_and_options_are_completed(complete: Complete) -> None:
    assert {"test", "trust"} <= set(complete("server", "t"))
    assert ["--fingerprint"] == complete("server", "trust", "--f")


@pytest.mark.parametrize(
    "command",
    [
        *("suspend", "failover-now", "replicate-from-live", "sync-files", "takeover-ip"),
        *("server test", "log --server", "history"),
    ],
)
def test_servers_of_the_config_are_completed(complete: Complete, command: str) -> None:
    assert ["AKLMATRIX", "DEMOSERVER", "DEMO2"] == complete(*command.split(), "")
    assert ["DEMOSERVER", "DEMO2"] == complete(*command.split(), "DEM")


def test_servers_of_the_config_that_is_named_are_completed(
    complete: Complete, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[servers.ELSEWHERE]\naddress = "10.0.0.1"\n')

    assert ["ELSEWHERE"] == complete("suspend", "--config", str(other), "")


def test_adapters_are_completed(complete: Complete) -> None:
    names = {name for _, name in socket.if_nameindex()} - {"lo"}

    assert names == set(complete("takeover-ip", "--adapter", ""))


def test_keys_of_the_config_are_completed(complete: Complete) -> None:
    assert ["network.ping_interval_ms", "network.ping_timeout_ms"] == complete(
        "config", "set", "network.ping_"
    )
    assert ["servers.DEMO2.ssh.user"] == complete("config", "show", "servers.DEMO2.ssh.u")
    assert ["alerts.smtp_port"] == complete("config", "set", "--unset", "alerts.smtp_p")
    assert ["database.vm_dir"] == complete("server", "edit", "DEMO2", "database.vm_d")
    assert ["replicate_daily"] == complete("server", "add", "NEW", "replicate_d")


@pytest.mark.parametrize("text", ["[servers.", "[servers.DEMOSERVER]\n", "servers = 1\n", None])
def test_a_broken_config_has_no_names_and_makes_no_noise(
    complete: Complete, config: Path, text: str | None
) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_text(text)

    assert [] == complete("suspend", "")


def test_a_broken_config_has_the_names_that_were_in_use(complete: Complete, config: Path) -> None:
    state_dir = config.parent / "state"
    state_dir.mkdir()
    (state_dir / CONFIG_IN_USE).write_text(CONFIG)
    config.write_text(f"[failover_server]\nstate_dir = '{state_dir}'\nnonsense\n{CONFIG}")

    assert ["AKLMATRIX", "DEMO2", "DEMOSERVER"] == sorted(complete("stop-failover", ""))


def test_fish_completes_commands_with_their_meaning_and_servers(config: Path) -> None:
    def complete(words: str) -> list[str]:
        text = f"ipfx-failover completion fish | source; complete -C 'ipfx-failover {words}'"
        done = run([program("fish", "fish"), "--no-config", "-c", text], config)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    assert "--fingerprint\tTrust the key" in complete("server trust --f")[0]
    assert ["DEMO2", "DEMOSERVER"] == complete("suspend DEM")


def test_zsh_completes_commands_with_their_meaning_and_servers(
    config: Path, tmp_path: Path
) -> None:
    environ = {
        "PATH": f"{config.parent}:{os.environ['PATH']}",
        "IPFX_FAILOVER_CONFIG": str(config),
        "HOME": str(tmp_path),
    }
    with Terminal([program("zsh", "zsh"), "-f"], environ=environ) as zsh:
        zsh.type("autoload -U compinit; compinit -u -D; clear\n")
        zsh.type('eval "$(ipfx-failover completion zsh)"; echo rea""dy\n')
        zsh.until("ready")
        zsh.type("ipfx-failover server t\t")
        zsh.until("trust  -- Show a server", "test   -- Test the way to a server")
        zsh.type("\x15ipfx-failover suspend A\t")
        zsh.until("ipfx-failover suspend AKLMATRIX")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script_by_which_it_asks(config: Path, shell: str) -> None:
    command = str(config.parent / "ipfx-failover")
    plain = run([command, "completion", shell], config)
    as_json = json.loads(run([command, "completion", shell, "--json"], config).stdout)

    assert "_IPFX_FAILOVER_COMPLETE" in plain.stdout
    assert f"complete_{shell}" in plain.stdout
    assert plain.stdout == f"{as_json['script']}\n"


def test_an_unknown_shell_is_told(config: Path) -> None:
    done = run([str(config.parent / "ipfx-failover"), "completion", "csh"], config)

    assert done.returncode == 2
    assert "csh" in done.stderr
    assert "hint:" in done.stderr
