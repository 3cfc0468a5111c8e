"""What an installation changes on this machine, as values: shown with `--plan`, or carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import time
    from pathlib import Path

MARK: Final = "Made by ipfx-failover"
"""In everything that we install; what lacks it is not ours, and never overwritten or removed."""


@dataclass(frozen=True, slots=True)
class WriteFile:
    path: Path
    text: str
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class DeleteFile:
    path: Path


@dataclass(frozen=True, slots=True)
class Run:
    """A command; `text` is in a temporary file that is its last argument.

    `optional`: where it fails, all else is done, and that is told.
    """

    argv: tuple[str, ...]
    text: str | None = None
    optional: bool = False


Action = WriteFile | DeleteFile | Run


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order; nothing when it is so already.

    `notes`: what whoever installs it has to know or do besides.
    """

    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The monitor's service as the system has it; its words are the system's own.

    `agrees`: what is installed is what would be installed now; None: nobody knows. `since` is
    ISO 8601, UTC.
    """

    unit: str
    installed: bool
    agrees: bool | None
    at_boot: bool
    active: str
    detail: str
    pid: int | None
    since: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """The daily replication for a scheduler: a command line, and local times of day."""

    argv: tuple[str, ...]
    times: tuple[time, ...]


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """The job as one scheduler has it. `agrees`: it is what the config asks for.

    `next_run` is ISO 8601, UTC.
    """

    scheduler: str
    place: str
    installed: bool
    agrees: bool = False
    next_run: str | None = None
