"""What judges the product must not be made of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SIMULATOR = Path(__file__).parents[2] / "sqlserver"
MODULES = sorted(SIMULATOR.rglob("*.py"))


def imported(module: Path) -> set[str]:
    """The modules that it imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Import():
                names |= {each.name for each in node.names}
            case ast.ImportFrom(module=str(name), level=0):
                names.add(name)
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SIMULATOR)))
def test_the_simulated_server_uses_nothing_of_the_product(module: Path) -> None:
    ours = {name for name in imported(module) if name.startswith(("ipfx_failover", "tests"))}

    assert {name for name in ours if not name.startswith("tests.sqlserver")} == set()


def test_all_of_it_is_looked_at() -> None:
    assert {"engine", "wire", "sql"} <= {each.parent.name for each in MODULES}
