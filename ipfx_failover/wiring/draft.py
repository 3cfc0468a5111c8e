"""A copy of the config file that a person edits; the file itself changes when all is right."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.adapters.editor import edit_file
from ipfx_failover.config.find import find
from ipfx_failover.config.load import read
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.wiring.config_file import judge, replace

if TYPE_CHECKING:
    from ipfx_failover.wiring.config_file import Changed


class Draft:
    """The copy; it stays, for its owner only, until `discard`: nobody's work is lost."""

    def __init__(self, path: Path | None) -> None:
        """Copy the config file that counts.

        Raises:
            UsageError: there is none, or it cannot be read.
            Refused: no copy can be made.
        """
        self.of = find(path, environ=os.environ).resolve()
        self._content = read(self.of)
        try:
            self.path = Path(tempfile.mkdtemp(prefix="ipfx-failover-")) / self.of.name
            self.path.write_bytes(self._content.data)
        except OSError as error:
            raise Refused(
                f"no copy of the config can be made: {error.strerror or error}",
                "see that the directory for temporary files can be written and is not full",
            ) from None

    @property
    def is_changed(self) -> bool:
        return self.path.exists() and self.path.read_bytes() != self._content.data

    def edit(self) -> None:
        """Run the person's editor.

        Raises:
            Refused: there is none.
            Failed: it cannot be run, or the copy is gone.
        """
        edit_file(self.path, os.environ)
        if not self.path.exists():
            raise Failed(
                "the editor left no file; nothing was changed",
                "run it again, and save under the same name",
            )

    def judged(self) -> Changed:
        """What it would change.

        Raises:
            ConfigError: it would bring a problem; all that there would be.
        """
        return judge(self.of, self._content, self.path.read_bytes())

    def accept(self, changed: Changed) -> None:
        """Put it in the place of the file.

        Raises:
            Busy: the file was changed by somebody else meanwhile.
            Refused: it cannot be written.
        """
        replace(self.of, self._content.data, changed.after)

    def discard(self) -> None:
        shutil.rmtree(self.path.parent, ignore_errors=True)
