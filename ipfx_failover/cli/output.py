"""What commands print: lines for a person, or one JSON document; errors in one place.

Standard output carries results; errors and progress go to standard error.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.terminals import is_terminal
from ipfx_failover.errors import (
    DoneWithExceptions,
    ExitCode,
    Failed,
    FailoverError,
    Interrupted,
    Refused,
    Unconfirmed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.state.log import Logged

SCHEMA_VERSION = 1
_FITS_ALWAYS = 40
_TAKES_NO_MORE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_lost: list[str] = []
"""Why parts of the result are not where standard output goes; a reader who left is no reason."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's words go."""

    as_json: bool = False

    def line(self, text: str) -> None:
        """A line of the result, for a person only; on a terminal in as many lines as it takes."""
        if not self.as_json:
            lines(sys.stdout, _fitted(text, sys.stdout))

    def as_it_is(self, text: str) -> None:
        """A part of the result, for a person only, who may want to copy it."""
        if not self.as_json:
            write(sys.stdout, text)

    def progress(self, text: str) -> None:
        """As `line`, of what goes on."""
        if not self.as_json:
            lines(sys.stderr, _fitted(text, sys.stderr))

    def document(self, **values: Any) -> bool:
        """The result as JSON, where that is wanted; `ok` unless it says otherwise.

        False when nobody reads any more.
        """
        if not self.as_json:
            return True
        shown = {"schema_version": SCHEMA_VERSION, "ok": True, **values}
        return write(sys.stdout, json.dumps(shown, default=str))

    def event(self, logged: Logged) -> bool:
        """A line of the log: time, server, what happened; False when nobody reads any more."""
        event = logged.event
        if self.as_json:
            shown = {
                "schema_version": SCHEMA_VERSION,
                "cursor": logged.cursor,
                "at": event.at.isoformat(),
                "level": event.spec.level,
                "kind": event.kind,
                "server": event.server,
                "text": event.text,
                "data": dict(event.data),
            }
            return write(sys.stdout, json.dumps(shown))
        local = event.at.astimezone()
        stamp = f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}"
        server = f"Server: {event.server}: " if event.server else ""
        return write(sys.stdout, f"{stamp} {server}{event.text}")

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return not self.as_json and is_terminal(sys.stdin)

    def confirm(self, question: str, *, yes: bool, warnings: Sequence[str] = ()) -> None:
        """Warn, and ask a question with the manual's words, where there is a terminal.

        Raises:
            Unconfirmed: nobody there to ask, and no `--yes`.
            Refused: declined.
        """
        for warning in warnings:
            self.progress(f"warning: {warning}")
        if yes:
            return
        if not self.can_ask:
            raise Unconfirmed(question, warnings)
        for line in question.splitlines():
            self.progress(line)
        sys.stderr.write("Continue? [y/N] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:  # ^D
            write(sys.stderr, "")
        if answer.strip().lower() not in {"y", "yes"}:
            raise Refused("declined; nothing was done", "run it again and answer y to go on")


def _fitted(text: str, stream: Any) -> list[str]:
    """The lines of a text: one for scripts, on a terminal as many as it takes."""
    with suppress(ValueError, AttributeError):  # closed, or none at all
        if len(text) > _FITS_ALWAYS and is_terminal(stream):
            from ipfx_failover.cli.layout import columns, wrapped

            return wrapped(text, columns())
    return [text]


def report_error(error: FailoverError, *, as_json: bool) -> ExitCode:
    """Print an error: what happened, then what to do; its exit code."""
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, "ok": False, "error": as_error(error)}
        write(sys.stdout, json.dumps(document))
    else:
        if isinstance(error, Interrupted) and is_terminal(sys.stderr):
            write(sys.stderr, "")  # behind a question, or ^C
        for text in (*_details(error), f"error: {error.message}", f"  hint: {error.hint}"):
            lines(sys.stderr, _fitted(text, sys.stderr))
    return error.exit_code


def report_unknown(error: FailoverError, *, as_json: bool) -> int:
    """Print an error as a monitoring plug-in does; its exit code, for UNKNOWN."""
    if not as_json:
        write(sys.stdout, f"UNKNOWN: {error.message}")
    report_error(error, as_json=as_json)
    return 3


def as_error(error: FailoverError) -> dict[str, object]:
    """An error as it stands in a JSON document."""
    shown: dict[str, object] = {
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
    }
    if details := _details(error):
        shown["details"] = details
    if isinstance(error, Unconfirmed):
        shown["question"] = error.question
        shown["warnings"] = list(error.warnings)
    return shown


def _details(error: FailoverError) -> list[str]:
    return [str(line) for line in getattr(error, "details", ())]


def lines(stream: Any, texts: Iterable[str]) -> None:
    for text in texts:
        write(stream, text)


def write(stream: Any, text: str) -> bool:
    """Print a line; one that nobody takes (`| head`) aborts nothing, and is told as False."""
    try:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
    except OSError as error:  # also a full disk
        if stream is sys.stdout and error.errno in _TAKES_NO_MORE:
            _lost.append(error.strerror or str(error))
        discard(stream)
        return False
    except ValueError:
        return False
    return True


def unprinted(error: BaseException) -> Failed | None:
    """What to say of an error when it is that standard output takes no more; else None."""
    if not isinstance(error, OSError) or error.errno not in _TAKES_NO_MORE or error.filename:
        return None
    discard(sys.stdout)
    return Failed(
        f"the output cannot be written: {error.strerror}",
        "make room where it goes, or let it go elsewhere",
    )


def unwritten(*, is_done: bool) -> DoneWithExceptions | None:
    """What to say when a command has ended, and its result was not taken; else None."""
    if not _lost:
        return None
    return DoneWithExceptions(
        f"{'done, but ' if is_done else ''}the output cannot be written: {_lost[0]}",
        "make room where it goes, or let it go elsewhere; see: ipfx-failover status",
    )


def discard(stream: Any) -> None:
    """Let go what is left in the buffer: it would be complained of when the process ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
