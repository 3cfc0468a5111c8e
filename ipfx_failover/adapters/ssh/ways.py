"""The way to a file on the live server: SFTP itself follows links, a sync must not."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ipfx_failover.adapters.ssh import wire
from ipfx_failover.livehost import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.adapters.ssh.sftp import Sftp


class Ways:
    """Looks at each directory on the way to a file, once."""

    def __init__(
        self, sftp: Sftp, path_of: Callable[[str], bytes], may_give_away: Callable[[], bool]
    ) -> None:
        """`may_give_away`: whether our account may give files to others, as root may."""
        self._sftp = sftp
        self._path_of = path_of
        self._may_give_away = may_give_away
        self._looked: dict[str, wire.Attributes] = {}

    def check(self, path: str) -> None:
        """OSError when a directory on the way is a link or no directory."""
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            self._look("/".join(parts[:depth]))

    def make_parents(self, path: str) -> None:
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth])
            try:
                self._look(directory)
            except FileNotFoundError:
                above, _, _ = directory.rpartition("/")
                self._make(directory, self.owner_for(above))

    def owner_for(self, directory: str) -> tuple[int, int] | None:
        """The owner that new files of a directory should get; None: whoever makes them."""
        self.check(f"{directory}/" if directory else "")
        return self._look(directory).owner if self._may_give_away() else None

    def _look(self, directory: str) -> wire.Attributes:
        found = self._looked.get(directory)
        if found is None:
            found = self._sftp.lstat(self._path_of(directory))
            if directory and wire.kind_of(found.mode or 0) is not Kind.DIRECTORY:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            self._looked[directory] = found
        return found

    def _make(self, directory: str, owner: tuple[int, int] | None) -> None:
        path = self._path_of(directory)
        self._sftp.ask(wire.make_directory(path)).check()
        if owner is not None:
            attributes = wire.encode_attributes(owner=owner)
            self._sftp.ask(wire.set_attributes(path, attributes)).check()
