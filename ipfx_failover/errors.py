"""Everything that can go wrong, as values: what happened, what to do next, and the exit code.

The exit codes are the same for every command (man page, EXIT STATUS).
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class ExitCode(IntEnum):
    """What a process says when it ends. Larger is not worse: see `worst`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    IN_DOUBT = 5
    EXCEPTIONS = 6
    BUG = 70
    BUSY = 75
    INTERRUPTED = 130


# From harmless to grave; `--all` ends with the gravest of its servers.
_SEVERITY = (
    ExitCode.DONE,
    ExitCode.EXCEPTIONS,
    ExitCode.BUSY,
    ExitCode.REFUSED,
    ExitCode.UNREACHABLE,
    ExitCode.USAGE,
    ExitCode.FAILED,
    ExitCode.INTERRUPTED,
    ExitCode.BUG,
    ExitCode.IN_DOUBT,
)


def worst(codes: list[ExitCode]) -> ExitCode:
    """The gravest of several outcomes; DONE for none."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.DONE)


class FailoverError(Exception):
    """A foreseen failure. `message` says what happened, `hint` what to do next; one line each."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    kind: ClassVar[str] = "failed"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Failed(FailoverError):
    """Failed and rolled back; nothing is lost."""


class UsageError(FailoverError):
    """The command line or the config is wrong."""

    exit_code = ExitCode.USAGE
    kind = "usage"


class Refused(FailoverError):
    """Refused for safety, or the operator declined."""

    exit_code = ExitCode.REFUSED
    kind = "refused"


class Unconfirmed(Refused):
    """Nobody was there to answer; `question` is what would have been asked, after `warnings`."""

    def __init__(self, question: str, warnings: Sequence[str] = ()) -> None:
        super().__init__(
            f"this needs a confirmation: {question}", "run it in a terminal, or add --yes"
        )
        self.question = question
        self.warnings = tuple(warnings)


class MissingPackage(Refused):
    """An optional package is not installed; `otherwise` is a way without it."""

    def __init__(self, wanted: str, package: str, *, extra: str, otherwise: str = "") -> None:
        super().__init__(
            f"{wanted} needs the package {package}, which is not installed",
            f"{sys.executable} -m pip install 'ipfx-failover[{extra}]'{otherwise}",
        )


class Unreachable(FailoverError):
    """The other side cannot be reached."""

    exit_code = ExitCode.UNREACHABLE
    kind = "unreachable"


class InDoubt(FailoverError):
    """The state is in doubt: a human is needed."""

    exit_code = ExitCode.IN_DOUBT
    kind = "in_doubt"


class DoneWithExceptions(FailoverError):
    """Done, but for the exceptions in its details, a line each."""

    exit_code = ExitCode.EXCEPTIONS
    kind = "done_with_exceptions"

    def __init__(
        self,
        message: str,
        hint: str,
        details: tuple[str, ...] = (),
        *,
        was_interrupted: bool = False,
    ) -> None:
        """`was_interrupted`: too late to undo anything; nothing more is to be begun."""
        super().__init__(message, hint)
        self.details = details
        self.was_interrupted = was_interrupted


class Busy(FailoverError):
    """Another process holds what is needed; the message names it."""

    exit_code = ExitCode.BUSY
    kind = "busy"


class Bug(FailoverError):
    """A bug; the message says where the details are."""

    exit_code = ExitCode.BUG
    kind = "bug"


class Interrupted(FailoverError):
    """Stopped by the operator or the system; the state is consistent."""

    exit_code = ExitCode.INTERRUPTED
    kind = "interrupted"


@contextmanager
def tolerated() -> Iterator[None]:
    """What is foreseen to fail in the block may; an interrupt still ends it."""
    try:
        yield
    except Interrupted:
        raise
    except FailoverError:
        return
