"""Ctrl-C while a command is still being imported."""

from __future__ import annotations

import json

import pytest

from tests.support.processes import child

STRUCK_AT = """
import signal, sys

class Striker:
    def find_spec(self, name, path=None, target=None):
        if name == struck_at:
            sys.meta_path.remove(self)
            signal.raise_signal(getattr(signal, number))

struck_at, number, *words = sys.argv[1:]
# As at a terminal, though these tests may run where Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.modules.pop(struck_at, None)
sys.meta_path.insert(0, Striker())
sys.stderr = sys.stdout
sys.argv = ["ipfx-failover", *words]
from ipfx_failover.__main__ import main
main()
"""
MODULES = ("ipfx_failover.cli.app", "typer", "ipfx_failover.errors", "ipfx_failover.cli.status")


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_it_is_told_in_two_lines(module: str, signal: str) -> None:
    with child(STRUCK_AT, module, signal, "status", "--config", "/missing.toml") as process:
        code, said = process.finish()

    assert 130 == code
    assert said == (
        f"error: interrupted ({signal}); nothing is left half done\n"
        "  hint: run the same command again when it suits"
    )


def test_it_is_told_however_early_it_comes() -> None:
    with child(STRUCK_AT, "typing", "SIGINT", "status") as process:
        code, said = process.finish()

    assert (130, True) == (code, said.startswith("error: interrupted (SIGINT);"))


def test_it_is_told_in_json_where_that_is_wanted() -> None:
    with child(STRUCK_AT, "typer", "SIGINT", "status", "--json") as process:
        code, said = process.finish()

    assert (130, "interrupted") == (code, json.loads(said)["error"]["kind"])
