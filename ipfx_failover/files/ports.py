"""The port through which a sync reaches the two directory trees that it keeps alike.

Paths are relative to the tree's root and use `/`. No method ever follows a link below the root,
reads or writes outside it, or lets an unfinished file have its final name. Unreachable is raised
when the machine is lost, Failed when the disk is full; what concerns one file only comes back as a
`Skipped` with the reason, and the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.files.listing import Listing, Skipped, Stamp
    from ipfx_failover.files.names import Selection
    from ipfx_failover.files.values import Copy

CHANGED = "changed while it was copied; the next pass copies it again"


class SourceProblem(Exception):
    """Raised by `Incoming.chunks`: the source cannot give this file, or it changed meanwhile."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Incoming(NamedTuple):
    """A file on its way from source to target."""

    copy: Copy
    chunks: Iterable[bytes]
    """Exactly the content that the stamp stands for; raises SourceProblem otherwise."""


class Staged(NamedTuple):
    """A file that lies complete and flushed beside its final place."""

    copy: Copy
    temporary: str


class Placed(NamedTuple):
    """A file that has its final name."""

    copy: Copy
    stamp: Stamp
    """As the target keeps it."""


class Tree(Protocol):
    """A directory tree on one machine."""

    @property
    def location(self) -> str:
        """Machine and root, for messages."""
        ...

    @property
    def windows(self) -> bool:
        """Whether Windows' rules for names hold, case included."""
        ...

    def is_there(self) -> bool:
        """Whether the root is a directory."""
        ...

    def has_marker(self) -> bool: ...

    def prepare(self) -> None:
        """Make the root if need be, and the marker in it."""
        ...

    def look(self, selection: Selection, *, windows: bool, unless: bytes = b"") -> Listing | None:
        """List what the selection wants.

        Args:
            selection: the inclusion table.
            windows: whether names that Windows cannot hold are to be skipped.
            unless: a fingerprint; None is returned when the listing would have the same.
        """
        ...

    def read(self, copies: Sequence[Copy]) -> Iterator[Incoming]:
        """Give the files' contents, in order; each must be used up before the next is taken."""
        ...

    def stage(self, incoming: Iterable[Incoming]) -> list[Staged | Skipped]:
        """Write files under temporary names, with the source's times, and flush them."""
        ...

    def place(self, staged: Sequence[Staged], trash: str) -> list[Placed | Skipped]:
        """Give staged files their final names; what must be kept goes to the directory `trash`."""
        ...

    def make_directories(self, paths: Sequence[str]) -> list[Skipped]:
        """Make directories, and those above them; returns those that could not be made."""
        ...

    def move_to_trash(self, paths: Sequence[str], trash: str) -> list[Skipped]:
        """Move files to the directory `trash`; returns those that could not be moved."""
        ...

    def remove_empty(self, directories: Sequence[str]) -> None:
        """Remove directories that are empty; the others stay."""
        ...

    def remove_leftovers(self, paths: Sequence[str]) -> None:
        """Remove temporary files, where they are still there."""
        ...

    def trash_names(self) -> list[str]:
        """The names of the directories in the trash."""
        ...

    def purge(self, trash_name: str) -> None:
        """Remove one directory of the trash and all in it."""
        ...

    def free_bytes(self) -> int | None:
        """Free space on the root's disk; None when it cannot be told."""
        ...

    def close(self) -> None: ...
