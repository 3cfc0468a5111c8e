"""The parts of the main screen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ipfx_failover.screen.values import LOG_LINES
from ipfx_failover.screen.view import in_list, unknown_in_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.events import Resize

    from ipfx_failover.report.values import StatusReport
    from ipfx_failover.screen.view import Line

STYLES = {
    "": "",
    "bold": "bold",
    "dim": "dim",
    "ok": "ansi_green",
    "busy": "ansi_cyan",
    "info": "",
    "warning": "ansi_yellow",
    "error": "bold ansi_red",
}
"""How each tone of a line looks; the colours are the terminal's own."""

_USUAL_LIST = 28


def styled(lines: Iterable[Line]) -> Content:
    return Content("\n").join(Content.styled(line.text, STYLES[line.tone]) for line in lines)


class Lines(VerticalScroll):
    """The last lines of something; it stays at the end unless somebody scrolls back."""

    def __init__(self, title: str, *, id: str, follows: bool) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self.border_title = title
        self._follows = follows
        self._is_at_end = True
        self._kept: deque[Line] = deque(maxlen=LOG_LINES)
        self._shown = Static()

    def compose(self) -> ComposeResult:
        yield self._shown

    def add(self, lines: Iterable[Line]) -> None:
        self._kept.extend(lines)
        self._draw()

    def show(self, lines: Iterable[Line]) -> None:
        """These lines instead."""
        before = tuple(self._kept)
        self._kept.clear()
        self._kept.extend(lines)
        if tuple(self._kept) != before:
            self._is_at_end = True
            self._draw()

    @property
    def needed_height(self) -> int:
        """How many rows show all of it, with its title."""
        width = self.scrollable_content_region.width or 1
        return 1 + sum(-(-len(line.text) // width) or 1 for line in self._kept)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """New lines and another size do not move it: whoever leaves the end has scrolled back."""
        super().watch_scroll_y(old_value, new_value)
        self._is_at_end = new_value >= self.max_scroll_y

    def on_resize(self, _: Resize) -> None:
        self._to_end()

    def _draw(self) -> None:
        self._shown.update(styled(self._kept))
        self._to_end()

    def _to_end(self) -> None:
        if self._follows and self._is_at_end:
            self.call_after_refresh(self.scroll_end, animate=False)


class Servers(OptionList):
    """The server list; the choice stays with its server when others come and go."""

    def __init__(self) -> None:
        super().__init__(id="servers")
        self.border_title = "Servers"
        self._report: StatusReport | None = None
        self._drawn: dict[str, tuple[Line, bool]] = {}

    @property
    def chosen(self) -> str | None:
        """The name of the chosen server."""
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def show(self, report: StatusReport | None) -> None:
        """Draw the list; without a report nothing is known of those that were there."""
        self._report = report
        lines = self._lines_of(report)
        if [*lines] != self._names():
            chosen = self.chosen
            self.clear_options()
            self._drawn.clear()
            self.add_options(Option(line.text, id=name) for name, line in lines.items())
            if lines:
                self.highlighted = [*lines].index(chosen) if chosen in lines else 0
        for name, line in lines.items():
            self._draw(name, line)

    def _draw(self, name: str, line: Line) -> None:
        # A reversed line shows on every terminal; the style sheet's highlight cannot reverse.
        drawn = (line, name == self.chosen)
        if self._drawn.get(name) != drawn:
            self._drawn[name] = drawn
            content = styled([line])
            prompt = content.stylize("reverse") if name == self.chosen else content
            self.replace_option_prompt(name, prompt)

    def _lines_of(self, report: StatusReport | None) -> dict[str, Line]:
        width = self.scrollable_content_region.width or _USUAL_LIST
        if report is None:
            return {name: unknown_in_list(name, width) for name in self._names()}
        return {each.name: in_list(each, report, width) for each in report.servers}

    def _names(self) -> list[str]:
        return [str(option.id) for option in self.options]

    def on_resize(self, _: Resize) -> None:
        self.show(self._report)
