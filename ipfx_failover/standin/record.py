"""The machine's note of whom it stands in for, outside of any state directory.

It keeps a second state directory on the same machine from claiming the role too, and it survives
a state disk that was full at the takeover: it lies where nothing survives a reboot (/run), as the
address does.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """Who stands in for whom, in which boot of the machine."""

    state_dir: str
    server: str
    boot_id: str
    address: str | None
    adapter: str | None

    def is_of(self, state_dir: str, server: str) -> bool:
        """Whether it tells of this server, by this state directory."""
        return self.state_dir == state_dir and self.server.casefold() == server.casefold()


class MachineRecord:
    """Reads and writes the note; a note of another boot does not exist."""

    def __init__(self, directory: Path, boot_id: str) -> None:
        self._path = directory / "stand-in.json"
        self._boot_id = boot_id

    def read(self) -> Note | None:
        try:
            note = Note(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return note if note.boot_id == self._boot_id else None

    def written_at(self) -> datetime | None:
        """When the note was written, as the takeover began; None where there is none."""
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except OSError:
            return None

    def write(self, note: Note) -> None:
        """Replace the note.

        Raises:
            Failed: it cannot be written.
        """
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(asdict(note)), encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            raise Failed(
                f"the note of the stand-in cannot be written: {error.strerror or error}",
                f"make room for {self._path}, and see that it can be written",
            ) from None

    def erase(self, state_dir: str, server: str) -> None:
        """Remove the note, unless it is of another state directory's stand-in, or of another."""
        note = self.read()
        if note is None or note.is_of(state_dir, server):
            self._path.unlink(missing_ok=True)
