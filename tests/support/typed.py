"""Commands of ipfx-failover, as typed at a terminal and as a script runs them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.documents import check_document
from tests.support.office import GENEROUS_S

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
"""The checkout."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended. `out` of a terminal is all that it showed."""

    code: int
    out: str
    err: str = ""

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def run(*argv: str, given: str = "", env: Mapping[str, str] | None = None) -> Ended:
    """Run a command without a terminal, with this standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "ipfx_failover", *argv],
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
    )
    if "--json" in argv:
        check_document(argv, json.loads(done.stdout))
    return Ended(done.returncode, done.stdout, done.stderr)


def at_terminal(
    *argv: str, answers: tuple[tuple[str, str], ...] = (), env: Mapping[str, str] | None = None
) -> Ended:
    """Run a command at a terminal of 80 columns; for each question, its words and the answer."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ipfx_failover", *argv],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - for Ctrl-C
    )
    os.close(theirs)
    with process, os.fdopen(ours, "wb", buffering=0) as terminal:
        try:
            shown, at = "", 0
            for question, answer in answers:
                while question not in shown[at:]:
                    shown += _more(ours) or _missing(question, shown)
                at = shown.index(question, at) + len(question)
                terminal.write(f"{answer}\n".encode())
            while more := _more(ours):
                shown += more
            process.wait(GENEROUS_S)
        finally:
            process.kill()
    return Ended(process.returncode, shown.replace("\r\n", "\n"))


def _missing(question: str, shown: str) -> str:
    raise AssertionError(f"{question!r} was not asked:\n{shown}")


def _more(terminal: int) -> str:
    """What is shown next; empty at the end."""
    assert select.select([terminal], [], [], GENEROUS_S)[0], "nothing more was shown"
    try:
        return os.read(terminal, 65536).decode("utf-8", "replace")
    except OSError:  # nobody has it open any more
        return ""
