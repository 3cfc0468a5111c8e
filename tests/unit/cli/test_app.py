"""The command line as a whole: what is said before any command runs."""

from __future__ import annotations

import pytest

from ipfx_failover.cli.app import main


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
