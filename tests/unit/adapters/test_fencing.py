from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.fencing import fence
from ipfx_failover.config.models import FenceSettings
from ipfx_failover.errors import Failed
from ipfx_failover.standin.application import Role

if TYPE_CHECKING:
    from pathlib import Path

ROLE = Role("DEMO", "192.0.2.1", 100, "DEMO_CT", "/d.db", "/vm", "/local")
PYTHON = (sys.executable, "-ISc")


def settings(*argv: str, timeout_s: float = 60.0) -> FenceSettings:
    return FenceSettings(command=(*PYTHON, *argv), timeout_s=timeout_s)


def test_a_fence_gets_the_servers_values(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = (
        "import os, sys; open(sys.argv[1], 'w').write(sys.argv[2] + os.environ['IPFX_SERVER'])"
    )
    fence(settings(program, str(out), "{address} "), ROLE, os.environ)

    assert out.read_text() == "192.0.2.1 DEMO"


def test_a_fence_that_fails_says_why() -> None:
    with pytest.raises(Failed) as raised:
        fence(settings("raise SystemExit('no such outlet')"), ROLE, os.environ)

    expected = "the fence command of DEMO ended with exit code 1: no such outlet"
    assert expected == raised.value.message


def test_a_fence_that_hangs_is_given_up() -> None:
    hanging = settings("import time; time.sleep(600)", timeout_s=0.2)
    with pytest.raises(Failed, match=r"the fence command of DEMO did not end within 0.2 s$"):
        fence(hanging, ROLE, os.environ)
