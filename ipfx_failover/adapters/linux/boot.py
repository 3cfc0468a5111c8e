"""Which run of this machine it is."""

from __future__ import annotations

from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Differs after each boot (random(4)): what was volatile is gone when it has changed."""
    return _BOOT_ID.read_text(encoding="ascii").strip()
