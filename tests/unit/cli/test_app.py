"""The command line as a whole: what is said before any command runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.cli.app import main
from tests.support.processes import child

if TYPE_CHECKING:
    from pathlib import Path

STRUCK_WHILE_IT_TELLS = """
import signal, sys
from ipfx_failover.cli.app import main

class Struck:
    encoding = "utf-8"

    def write(self, text):
        signal.raise_signal(signal.SIGINT)
        sys.stdout.write(text)

    def flush(self):
        pass

sys.stderr = Struck()
sys.exit(main(["statsu"]))
"""


def test_ctrl_c_while_an_error_is_told_changes_nothing() -> None:
    with child(STRUCK_WHILE_IT_TELLS) as process:
        code, said = process.finish()

    assert 2 == code
    assert said.startswith("error: no such command 'statsu'.")
    assert said.endswith("hint: see: ipfx-failover --help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "/missing.toml"], "UNKNOWN: no config file: there is no /missing.toml\n"),
        (["--nonsense"], "UNKNOWN: no such option: --nonsense\n"),
    ],
)
def test_a_check_that_cannot_look_is_unknown_on_standard_output(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code = main(["status", "--check", *words])
    shown = capsys.readouterr()

    assert (3, said) == (code, shown.out)
    assert shown.err.startswith(said.replace("UNKNOWN", "error"))
    assert "  hint: " in shown.err


def test_a_check_by_a_broken_config_is_unknown_and_lists_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[failover_server]\nstate_dir = '{tmp_path}/state'\nnonsense\n", "utf-8")
    code = main(["status", "--check", "--config", str(config)])
    shown = capsys.readouterr()

    assert (3, f"UNKNOWN: 1 problem in {config}\n") == (code, shown.out)
    assert f"{config}:3:9: " in shown.err

    assert 3 == main(["status", "--check", "--config", str(config), "--json"])
    assert "config" == json.loads(capsys.readouterr().out)["error"]["kind"]


@pytest.mark.parametrize("words", [[], ["server"], ["config"], ["schedule"]])
def test_a_group_without_a_command_shows_its_help(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    code = main(words)
    shown = capsys.readouterr()

    assert (2, "") == (code, shown.out)
    assert shown.err.startswith(" ".join(["Usage: ipfx-failover", *words, "[OPTIONS] COMMAND"]))
    assert "Commands:" in shown.err


def test_an_option_before_its_command_is_told_where_it_belongs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["--config", "x", "status"])

    assert 2 == code
    assert capsys.readouterr().err == (
        "error: no such option: --config\n"
        "  hint: options follow the command; see: ipfx-failover --help\n"
    )


def test_a_command_that_is_not_there_is_told_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["statsu"])

    assert 2 == code
    assert capsys.readouterr().err == (
        "error: no such command 'statsu'. Did you mean 'status', 'state'?\n"
        "  hint: see: ipfx-failover --help\n"
    )


def test_an_argument_that_is_missing_is_told_on_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["completion"])

    assert 2 == code
    assert capsys.readouterr().err == (
        "error: missing argument 'bash|zsh|fish'. Choose from: bash, zsh, fish\n"
        "  hint: see: ipfx-failover completion --help\n"
    )
