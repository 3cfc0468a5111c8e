"""The history as charts in a terminal: ping time, loss and failovers over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.history.series import State, slots_of
from ipfx_failover.history.wording import milliseconds, percentage, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.history.record import History
    from ipfx_failover.history.series import Slot

_ROWS = 6
_LABEL_WIDTH = 9
NARROWEST = 20
"""Columns of a chart, without its labels."""


@dataclass(frozen=True, slots=True)
class Characters:
    """What a chart is drawn with. `levels`: from nothing to a full cell."""

    levels: str
    states: dict[State, str]
    axis: str


BLOCKS = Characters(
    " ▁▂▃▄▅▆▇█", {State.UNKNOWN: " ", State.UP: "─", State.DOWN: "✕", State.STAND_IN: "█"}, "│"
)
ASCII = Characters(
    " .:#", {State.UNKNOWN: " ", State.UP: "-", State.DOWN: "x", State.STAND_IN: "S"}, "|"
)


def characters(encoding: str | None) -> Characters:
    """What this encoding can write."""
    try:
        (BLOCKS.levels + BLOCKS.axis + "".join(BLOCKS.states.values())).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return BLOCKS


def chart_columns(width: int) -> int:
    """The columns of a chart in a terminal of that width."""
    return max(NARROWEST, width - _LABEL_WIDTH - 2)


def plot(history: History, width: int, drawn_with: Characters) -> list[str]:
    """A chart for each server, one below the other, and what the characters mean."""
    columns = chart_columns(width)
    axis = _axis(stamp(history.since)[:-3], stamp(history.as_of)[:-3], columns)
    charts = [
        line
        for server in history.servers
        for line in [*_chart(server, slots_of(history, server), columns, axis, drawn_with), ""]
    ]
    states = drawn_with.states
    return [
        *charts,
        f"state: {states[State.UP]} answered pings, {states[State.DOWN]} down, "
        f"{states[State.STAND_IN]} the Failover Server stood in, blank: not known",
    ]


def _chart(
    server: str, slots: Sequence[Slot], columns: int, axis: str, drawn_with: Characters
) -> Iterable[str]:
    if all(slot.state is State.UNKNOWN for slot in slots):
        yield f"{server}: nothing was watched"
        return
    stretched = [slots[column * len(slots) // columns] for column in range(columns)]
    means = [slot.rtt_mean_us or 0.0 for slot in stretched]
    losses = [slot.lost_percent for slot in stretched]
    highest = max(means)
    yield f"{server}: {_summary(slots, highest, max(losses))}"
    for row in range(_ROWS, 0, -1):
        label = milliseconds(highest) if row == _ROWS else "0 ms" if row == 1 else ""
        cells = "".join(_cell(mean, highest, row, drawn_with.levels) for mean in means)
        yield _line(label, cells, drawn_with)
    lost = "".join(_level(loss, max(losses), drawn_with.levels) for loss in losses)
    yield _line("lost", lost, drawn_with)
    yield _line("state", "".join(drawn_with.states[slot.state] for slot in stretched), drawn_with)
    yield _line("", axis, drawn_with)


def _summary(slots: Sequence[Slot], highest: float, worst: float) -> str:
    if not highest:
        return "no ping was answered"
    peak = milliseconds(max(slot.rtt_max_us or 0 for slot in slots))
    lost = f"lost up to {percentage(worst)}" if worst else "none lost"
    return f"ping time up to {milliseconds(highest)} in the mean, {peak} at most; {lost}"


def _line(label: str, cells: str, drawn_with: Characters) -> str:
    return f"{label:>{_LABEL_WIDTH}} {drawn_with.axis}{cells}".rstrip()


def _cell(value: float, highest: float, row: int, levels: str) -> str:
    """One cell of a bar; `row` counts from 1 at the bottom."""
    if not highest or not value:
        return levels[0]
    filled = value / highest * _ROWS - (row - 1)
    full = len(levels) - 1
    level = round(filled * full)
    # What was measured is never invisible.
    return levels[max(1 if row == 1 else 0, min(full, level))]


def _level(value: float, highest: float, levels: str) -> str:
    if not highest or not value:
        return levels[0]
    return levels[max(1, round(value / highest * (len(levels) - 1)))]


def _axis(begin: str, end: str, columns: int) -> str:
    return begin + end.rjust(columns - len(begin)) if len(begin + end) < columns else begin
