"""Where a Windows service says what it cannot say elsewhere: why it did not start, and warnings.

What happens to servers is in the state store (`ipfx-failover log`), as always.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.durable import replace_file
from ipfx_failover.adapters.paths import narrow, places

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from ipfx_failover.clock import Clock

_MOST_BYTES: Final = 1 << 20
_ERROR: Final = "error: "
_STARTS: Final = " starts\n"


def log_file() -> Path:
    return places(os.environ).config_file.with_name("service.log")


def opened(file: Path, clock: Clock) -> TextIO | None:
    """The file, to write at its end, begun with when; None where it cannot be written.

    One that is full makes place for a new one.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > _MOST_BYTES:
            replace_file(file, file.with_suffix(".1.log"))
        stream = file.open("a", encoding="utf-8", errors="replace", buffering=1)
        narrow(file)
    except OSError:
        return None
    stream.write(f"{clock.now().astimezone():%Y-%m-%d %H:%M:%S} process {os.getpid()}{_STARTS}")
    return stream


def last_error(file: Path) -> str | None:
    """The last error since it was last begun, without the word; None when there is none."""
    with suppress(OSError):
        lines = file.read_text("utf-8", "replace").rpartition(_STARTS)[2].splitlines()
        found = (line.removeprefix(_ERROR) for line in reversed(lines) if line.startswith(_ERROR))
        return next(found, None)
    return None
