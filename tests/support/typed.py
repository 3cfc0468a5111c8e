"""Commands of ipfx-failover, as typed at a terminal and as a script runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.terminal import ROOT, Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    return Ended(done.returncode, done.stdout, done.stderr)


def at_terminal(
    *argv: str, answers: tuple[tuple[str, str], ...] = (), env: Mapping[str, str] | None = None
) -> Ended:
    """Run a command at a terminal; for each question, its words and what is typed."""
    with Terminal(argv, env or {}) as terminal:
        for question, answer in answers:
            terminal.answer(question, answer)
        code = terminal.wait()
    return Ended(code, terminal.screen)
