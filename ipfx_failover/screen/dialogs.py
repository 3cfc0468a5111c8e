"""Questions and help, in front of the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ipfx_failover.screen.toolbar import TOOLS
from ipfx_failover.screen.view import ICONS

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Question(ModalScreen[bool]):
    """Yes or no, and no unless it is a clear yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,enter,ctrl+c,q", "answer(False)", "No"),
    ]

    def __init__(self, title: str, question: str) -> None:
        super().__init__()
        self._title = title
        self._question = question

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as box:
            box.border_title = self._title
            yield Static(Content(self._question))
            yield Static(Content("\ny Yes   n No (Enter, Esc)"), classes="keys")

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - Textual gives it so
        self.dismiss(answer)


class Help(ModalScreen[None]):
    """The keys, and what the icons mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,question_mark,q,ctrl+c", "dismiss", "Close"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog help") as box:
            box.border_title = "Help"
            yield Static(Content("\n".join(_help())))


def _help() -> list[str]:
    return [
        *(f"{tool.key:<8}{tool.label}: ipfx-failover {tool.command} NAME" for tool in TOOLS),
        "        New, Edit Server, Delete: ipfx-failover server add, edit, remove NAME",
        "        Options: ipfx-failover config set KEY=VALUE",
        "arrows  choose a server; Tab: its details, the log, a command's output",
        "Ctrl-C  end the command that runs; with none, the screen",
        "Esc     close a command's output        q  leave",
        "",
        *(f"{icon.sign} {status:<12}{icon.meaning}" for status, icon in ICONS.items()),
    ]
