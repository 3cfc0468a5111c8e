"""A key of the toolbar becomes a command: asked, confirmed, run beside the screen, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from ipfx_failover.errors import ExitCode, FailoverError
from ipfx_failover.events import one_line
from ipfx_failover.screen.dialogs import Question
from ipfx_failover.screen.toolbar import Refusal, question_in
from ipfx_failover.screen.view import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.screen import Screen

    from ipfx_failover.screen.toolbar import Tool
    from ipfx_failover.screen.values import Child, Commands
    from ipfx_failover.screen.widgets import Lines

READY = "Ready"
SHOWS_COMMAND = "shows-command"
"""The class of the screen while a command's output is shown."""


class Said(Message):
    """A command has printed a line."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line


class Ended(Message):
    """A command has ended."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class Runs:
    """One command at a time.

    What a command asks is asked in its own words: it is called without --yes first, and says its
    question instead of asking it, for there is no terminal. `tell` is told what goes on.
    """

    def __init__(
        self,
        screen: Screen[None],
        commands: Commands,
        panel: Lines,
        tell: Callable[[str], None],
    ) -> None:
        self._screen = screen
        self._tell = tell
        self._commands = commands
        self._panel = panel
        self._child: Child | None = None
        self._asking: tuple[Tool, str] | None = None
        self._answer: list[str] = []
        self.words = ""

    @property
    def is_running(self) -> bool:
        return self._child is not None

    def choose(self, tool: Tool, server: str) -> None:
        """Somebody wants this; ask first."""
        if self.is_running:
            self._tell(f"{self.words} still runs; Ctrl-C ends it")
        elif tool.asks is not None:
            self._asking, self._answer = (tool, server), []
            self._start(tool, server, *tool.asks, state=f"{tool.label} {server}: looking ...")
        else:
            self._confirm(tool, server, f"{tool.label} {server}?")

    def interrupt(self) -> None:
        if self._child is not None:
            self._tell(f"{self.words}: ending it ...")
            self._child.interrupt()

    def said(self, line: str) -> None:
        if self._asking is not None:
            self._answer.append(line)
        else:
            self._panel.add([_shown(line)])

    def ended(self, code: int) -> None:
        self._child = None
        asked, self._asking = self._asking, None
        if asked is None:
            self._show_end(code)
            return
        wanted = question_in(self._answer)
        if isinstance(wanted, str):
            self._tell(READY)
            self._confirm(*asked, wanted)
            return
        answer = wanted.lines if isinstance(wanted, Refusal) else self._answer
        self._open_panel(_shown(line) for line in answer)
        self._show_end(code)

    def _confirm(self, tool: Tool, server: str, question: str) -> None:
        def answered(yes: bool | None) -> None:  # noqa: FBT001 - Textual gives it so
            if yes:
                self._start(tool, server, *(["--yes"] if tool.asks else []))
                self._open_panel([])
            else:
                self._tell(f"{tool.label} {server}: declined; nothing was done")

        self._screen.app.push_screen(Question(f"{tool.label} {server}", question), answered)

    def _start(self, tool: Tool, server: str, *options: str, state: str = "") -> None:
        self.words = f"{tool.command} {server}"
        self._tell(state or f"{self.words}: running ...")
        try:
            self._child = self._commands.start(
                [tool.command, server, *options],
                lambda line: self._screen.post_message(Said(one_line(line))),
                lambda code: self._screen.post_message(Ended(code)),
            )
        except FailoverError as error:
            self._asking = None
            self._tell(f"error: {error.message}")

    def _open_panel(self, lines: Iterable[Line]) -> None:
        self._panel.border_title = f"ipfx-failover {self.words}"
        self._panel.show(lines)
        self._show_panel()

    def _show_end(self, code: int) -> None:
        self._tell(f"{self.words}: {in_words(code)}")
        tone = "ok" if code == ExitCode.DONE else "error"
        self._panel.add([Line(f"{in_words(code)}; Esc closes this", tone)])
        self._show_panel()

    def _show_panel(self) -> None:
        self._screen.add_class(SHOWS_COMMAND)


def in_words(code: int) -> str:
    """How a command ended."""
    if code < 0:
        return f"ended by signal {-code}"
    known = {each.value: each.name for each in ExitCode}
    return f"exit code {code} ({known.get(code, 'unknown').lower().replace('_', ' ')})"


def _shown(line: str) -> Line:
    return Line(line, "error" if line.startswith("error:") else "")
