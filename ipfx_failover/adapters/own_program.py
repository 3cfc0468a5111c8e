"""How this program is started by others: schedulers, service managers."""

from __future__ import annotations

import sys
from pathlib import Path

from ipfx_failover.adapters.paths import WINDOWS


def own_program() -> tuple[str, ...]:
    """The first words of our own command line, absolute: the script beside the interpreter."""
    interpreter = Path(sys.executable).absolute()
    script = interpreter.with_name("ipfx-failover.exe" if WINDOWS else "ipfx-failover")
    return (str(script),) if script.is_file() else (str(interpreter), "-m", "ipfx_failover")
