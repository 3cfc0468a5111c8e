"""The PowerShell runbooks: they parse, and say and do what the sh ones do, in the same order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

RUNBOOKS = Path(__file__).parents[2] / "examples" / "runbooks"
NAMES = ("planned-maintenance", "planned-upgrade", "failover-drill", "failback")
TALK = {"ipfx": "Invoke-Ipfx", "step": "Write-Step", "ask": "Confirm-Step", "say": "Write-Line"}
CHECKS = {"halt": "Stop-Runbook", "await": "Wait-Until"}


def broken(node: Node) -> list[str]:
    """What the parser could make nothing of."""
    if node.is_error or node.is_missing:
        return [f"line {node.start_point.row + 1}"]
    return [each for child in node.children for each in broken(child)]


def calls(script: str, helpers: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The helpers that a script calls, in its order; of those that talk the first words, too.

    `helpers`: their names in this script, with how they are called here.
    """
    found = re.findall(rf"(?:^|[ ;{{]) *({'|'.join(helpers)}) (.*)", script, re.MULTILINE)
    return [
        (helpers[verb], re.findall(r"\w+", words.casefold())[:3] if helpers[verb] in TALK else [])
        for verb, words in found
    ]


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.ps1")), ids=lambda path: path.name)
def test_a_runbook_is_powershell(path: Path) -> None:
    tree = Parser(Language(tree_sitter_powershell.language())).parse(path.read_bytes())

    assert broken(tree.root_node) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_and_does_the_same_in_both_shells(name: str) -> None:
    helpers = {**TALK, **CHECKS}
    sh = calls((RUNBOOKS / f"{name}.sh").read_text("utf-8"), {each: each for each in helpers})
    powershell = calls(
        (RUNBOOKS / f"{name}.ps1").read_text("utf-8"),
        {theirs: ours for ours, theirs in helpers.items()},
    )

    assert len(sh) > 5
    assert powershell == sh
