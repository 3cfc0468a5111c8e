"""What was started for which role, for whoever has to stop it: another process, perhaps much later.

A file of another boot does not exist: its processes are gone, and their ids belong to others.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ipfx_failover.standin.application import Process

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Started:
    """A start that was begun. `leader`: the process that was spawned, once it was.

    `main`: the process that does the work, once it is ready; none where we cannot see one.
    """

    server: str
    leader: Process | None = None
    main: Process | None = None

    @property
    def processes(self) -> tuple[Process, ...]:
        return tuple(each for each in (self.leader, self.main) if each is not None)


class PidFile:
    """Reads and writes the file; a full disk is no reason not to start the application."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id

    def read(self, server: str) -> Started | None:
        """What was started for the server in this boot."""
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
            if (values["boot_id"], values["server"]) != (self._boot_id, server):
                return None
            return Started(server, _process(values["leader"]), _process(values["main"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, started: Started) -> None:
        beside = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"boot_id": self._boot_id, **asdict(started)})
            beside.write_text(text, encoding="utf-8")
            beside.replace(self._path)

    def erase(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _process(values: dict[str, float] | None) -> Process | None:
    return Process(int(values["pid"]), float(values["created_at"])) if values else None
