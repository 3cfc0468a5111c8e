"""A bar on the terminal, by Rich, which is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_BAR_COLUMNS = 18


class LateBar:
    """The `Display` of a terminal (ipfx_failover.cli.meter): one line, gone when it is hidden."""

    def __init__(self) -> None:
        self._drawn: tuple[Progress, TaskID] | None = None

    def show(self, share: float | None, text: str, at_ns: int) -> None:  # noqa: ARG002 - the port
        if self._drawn is None:
            made = _progress()
            self._drawn = (made, made.add_task("", total=None, percent="", text=""))
            made.start()
            # Rich hides the cursor, and whoever is killed does not show it again.
            made.console.show_cursor(True)  # noqa: FBT003 - Rich's signature
        progress, task = self._drawn
        total = None if share is None else 1.0
        percent = "" if share is None else f"{share * 100:3.0f} %"
        progress.update(task, total=total, completed=share or 0.0, percent=percent, text=text)
        progress.refresh()

    def hide(self) -> None:
        if self._drawn is not None:
            self._drawn[0].stop()
            self._drawn = None


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    one_line = Column(no_wrap=True, overflow="ellipsis")
    return Progress(
        TextColumn(" "),
        BarColumn(_BAR_COLUMNS),
        TextColumn("{task.fields[percent]}", markup=False),
        TextColumn("{task.fields[text]}", markup=False, table_column=one_line),
        console=Console(stderr=True, highlight=False),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
