"""The Textual application around the main screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from textual.app import App

from ipfx_failover.screen.main import MainScreen
from ipfx_failover.screen.plain import ascii_driver, speaks_unicode

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver

    from ipfx_failover.screen.values import Commands, Look


_STDIN = 0
_LOOK_S = 1.0


class WatchApp(App[Exception]):
    """The main screen in the terminal's own colours, without a mouse: text stays selectable.

    Its result is the error that ended it.
    """

    CSS_PATH = "screen.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "IPFX Failover Server"
    # A high terminal has room for the log and a command's output at once.
    VERTICAL_BREAKPOINTS = [(0, "-usual"), (34, "-high")]  # noqa: RUF012 - Textual's way

    def __init__(self, look: Look, commands: Commands) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.animation_level = "none"
        self._main = MainScreen(look, commands)

    def on_mount(self) -> None:
        self.push_screen(self._main)
        if os.isatty(_STDIN):
            self.set_interval(_LOOK_S, self._leave_with_the_terminal)

    def _leave_with_the_terminal(self) -> None:
        """A cut line ends it, also where its signal is ignored (nohup)."""
        if not os.isatty(_STDIN):
            self.exit()

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        encoding = sys.__stderr__.encoding if sys.__stderr__ else None
        return driver if speaks_unicode(encoding, os.environ) else ascii_driver(driver)

    def end(self) -> None:
        """Leave, whatever is going on; from a signal's handler."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit)


def show(look: Look, commands: Commands, on_end: Callable[[Callable[[str], None]], None]) -> None:
    """Show the main screen until somebody leaves it.

    Args:
        look: what it follows.
        commands: what its keys start.
        on_end: registers who is told when the system asks this process to end.
    """
    app = WatchApp(look, commands)
    on_end(lambda _: app.end())
    error = app.run(mouse=False)
    if error is not None:
        raise error
