"""The main screen: server list, details, replication status, log, toolbar (manual, "Overview")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import OptionList, Static

from ipfx_failover.errors import Failed
from ipfx_failover.screen import view
from ipfx_failover.screen.dialogs import Help, Question
from ipfx_failover.screen.follower import Follower
from ipfx_failover.screen.runs import READY, SHOWS_COMMAND, Ended, Runs, Said
from ipfx_failover.screen.toolbar import TOOLS
from ipfx_failover.screen.values import Seen
from ipfx_failover.screen.widgets import Lines, Servers, styled

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ipfx_failover.screen.values import Commands, Look

_NO_LOG = "The log is for the user that runs the monitor to read."
_KEYS_ABOVE = 5
_ROWS_OF_OTHERS = 4
"""Title, toolbar, and what goes on."""
_FEWEST_ROWS = 4
_FEWEST_ROWS_OF_COMMAND = 9
_WIDEST = 400
_SILENCE_S = 10
"""A look comes each second; it may wait for the state store for five."""
_TOOLS = {tool.key: tool for tool in TOOLS}


class Told(Message):
    """There is something new to be seen."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen


class Broken(Message):
    """Looking at the state has failed in a way that nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class MainScreen(Screen[None]):
    """The window, as far as it fits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(tool.key, f"choose('{tool.key}')", tool.label) for tool in TOOLS),
        Binding("question_mark", "help", "Help"),
        Binding("escape", "close", "Close"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "interrupt", "Interrupt", priority=True),
    ]

    def __init__(self, look: Look, commands: Commands) -> None:
        super().__init__()
        self._title = Static(id="title")
        self._banner = Static(id="banner")
        self._middle = Horizontal(id="middle")
        self._servers = Servers()
        self._details = Lines("", id="details", follows=False)
        self._log = Lines("Log", id="log", follows=True)
        self._panel = Lines("", id="command", follows=True)
        self._ready = Static(_bar(READY), id="ready")
        self._seen = Seen(None)
        self._day = ""
        self._silent_s = 0
        self._runs = Runs(
            self, commands, self._panel, lambda words: self._ready.update(_bar(words))
        )
        self._follower = Follower(look, self._tell, self._fail)

    def compose(self) -> ComposeResult:
        yield self._title
        yield Static(_toolbar(), id="toolbar")
        yield self._banner
        with self._middle:
            yield self._servers
            yield self._details
        yield self._log
        yield self._panel
        yield self._ready

    def on_mount(self) -> None:
        self._servers.focus()
        self._show()
        self.set_interval(1.0, self._count_silence)
        self._follower.start()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def on_unmount(self) -> None:
        self._follower.stop()

    def on_told(self, told: Told) -> None:
        self._silent_s = 0
        self._seen = told.seen
        self._show()
        if told.seen.log is None:
            self._log.show([view.Line(_NO_LOG, "dim")])
        elif told.seen.log:
            lines, self._day = view.log_lines(told.seen.log, self._day)
            self._log.add(lines)

    def _count_silence(self) -> None:
        """When looking hangs, what was seen last is nothing to go by any more."""
        self._silent_s += 1
        if self._silent_s != _SILENCE_S:
            return
        problem = Failed(
            f"the state could not be read for {_SILENCE_S} s",
            "look at the disk of the state directory, and for a stopped ipfx-failover process",
        )
        self._seen = Seen(None, problem)
        self._show()

    def on_broken(self, broken: Broken) -> None:
        self.app.exit(broken.error)

    def on_said(self, said: Said) -> None:
        self._runs.said(said.line)
        self._share_out()

    def on_ended(self, ended: Ended) -> None:
        self._runs.ended(ended.code)
        self._share_out()

    @on(OptionList.OptionHighlighted)
    def _show(self) -> None:
        """Draw what is known; what has not changed costs nothing."""
        report = self._seen.report
        self._title.update(_bar(view.title(self._seen)))
        lines = view.banner(self._seen)
        self._banner.update(styled(lines))
        self._banner.display = bool(lines)
        self._servers.show(report)
        self._show_details()

    def action_choose(self, key: str) -> None:
        server = self._servers.chosen
        if server is not None:
            self._runs.choose(_TOOLS[key], server)

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_close(self) -> None:
        self.remove_class(SHOWS_COMMAND)
        self._share_out()
        self._servers.focus()

    def action_interrupt(self) -> None:
        if self._runs.is_running:
            self._runs.interrupt()
        else:
            self.app.exit()

    def action_leave(self) -> None:
        if not self._runs.is_running:
            self.app.exit()
            return
        self.app.push_screen(
            Question("Quit", f"{self._runs.words} still runs, and goes on without this. Quit?"),
            lambda yes: self.app.exit() if yes else None,
        )

    def _show_details(self) -> None:
        report, name = self._seen.report, self._servers.chosen
        servers = report.servers if report is not None else ()
        server = next((each for each in servers if each.name == name), None)
        self._details.border_title = name or ""
        lines = view.details(server, report) if server and report else []
        self._details.show(lines)
        self._share_out()

    def _share_out(self) -> None:
        """The details get the rows that they need, the rest the log, and a few in any case.

        What a command says is what somebody waits for: it gets more.
        """
        rest = self.size.height - _ROWS_OF_OTHERS - len(view.banner(self._seen))
        is_shown = self.has_class(SHOWS_COMMAND)
        below = _FEWEST_ROWS_OF_COMMAND if is_shown else _FEWEST_ROWS
        wanted = max(self._details.needed_height, rest * 3 // 5)
        self._middle.styles.height = max(_FEWEST_ROWS, min(wanted, rest - below))

    # These two are called in the follower's thread.
    def _tell(self, seen: Seen) -> None:
        self.post_message(Told(seen))

    def _fail(self, error: Exception) -> None:
        self.post_message(Broken(error))


def _bar(text: str) -> Content:
    """A reversed line reaches the edge of the widest terminal; the style sheet clips it."""
    return Content(text.ljust(_WIDEST))


def _toolbar() -> Content:
    """The keys: the toolbar's and the role's, then what copies and the screen's own."""
    keys = [*((tool.key, tool.label) for tool in TOOLS), ("?", "Help"), ("q", "Quit")]
    parts = [Content.assemble((key, "reverse"), f" {label}") for key, label in keys]
    rows = (parts[:_KEYS_ABOVE], parts[_KEYS_ABOVE:])
    return Content("\n").join(Content("   ").join(row) for row in rows)
