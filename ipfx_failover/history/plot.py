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
    lines: list[str] = []
    for server in history.servers:
        slots = slots_of(history, server)
        lines += _wrapped(f"{server}: {_summary(slots)}", columns)
        if not _is_unknown(slots):
            lines += _chart(slots, columns, axis, drawn_with)
        lines.append("")
    return [*lines, *(line for key in _keys(drawn_with) for line in _wrapped(key, columns))]


def _keys(drawn_with: Characters) -> Iterable[str]:
    levels, states = drawn_with.levels, drawn_with.states
    yield f"lost: from {levels[1]} a few pings to {levels[-1]} all of them"
    yield (
        f"state: {states[State.UP]} answered pings, {states[State.DOWN]} down, "
        f"{states[State.STAND_IN]} the Failover Server stood in, blank: not known"
    )


def _wrapped(text: str, columns: int) -> list[str]:
    """As wide as a chart of so many columns."""
    from textwrap import wrap

    return wrap(text, columns + _LABEL_WIDTH + 2, subsequent_indent="  ")


def _is_unknown(slots: Sequence[Slot]) -> bool:
    return all(slot.state is State.UNKNOWN for slot in slots)


def _chart(slots: Sequence[Slot], columns: int, axis: str, drawn_with: Characters) -> Iterable[str]:
    stretched = [slots[column * len(slots) // columns] for column in range(columns)]
    means = [slot.rtt_mean_us or 0.0 for slot in stretched]
    highest = max(means)
    for row in range(_ROWS, 0, -1):
        label = milliseconds(highest) if row == _ROWS else "0 ms" if row == 1 else ""
        cells = "".join(_cell(mean, highest, row, drawn_with.levels) for mean in means)
        yield _line(label, cells, drawn_with)
    lost = "".join(_level(slot.lost_percent, drawn_with.levels) for slot in stretched)
    yield _line("lost", lost, drawn_with)
    yield _line("state", "".join(drawn_with.states[slot.state] for slot in stretched), drawn_with)
    yield _line("", axis, drawn_with)


def _summary(slots: Sequence[Slot]) -> str:
    if _is_unknown(slots):
        return "nothing was watched"
    mean = max(slot.rtt_mean_us or 0 for slot in slots)
    if not mean:
        return "no ping was answered"
    peak = milliseconds(max(slot.rtt_max_us or 0 for slot in slots))
    worst = max(slot.lost_percent for slot in slots)
    lost = f"lost up to {percentage(worst)}" if worst else "none lost"
    return f"mean ping time up to {milliseconds(mean)}, at most {peak}; {lost}"


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


def _level(percent: float, levels: str) -> str:
    return levels[max(1, round(percent / 100 * (len(levels) - 1)))] if percent else levels[0]


def _axis(begin: str, end: str, columns: int) -> str:
    return begin + end.rjust(columns - len(begin)) if len(begin + end) < columns else begin
