"""The report's charts as inline SVG; colours come from the page's style sheet."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from ipfx_failover.history.series import State
from ipfx_failover.history.wording import duration, milliseconds, percentage, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.history.record import History
    from ipfx_failover.history.series import Slot

_WIDTH = 720
_TEXT = 26
"""Room for a line of text, which is larger on a phone."""
_PINGS_HEIGHT, _LOSS_HEIGHT, _BAND_HEIGHT = 120, 30, 18
STATE_CLASSES = {
    State.UNKNOWN: "unknown",
    State.UP: "up",
    State.DOWN: "down",
    State.STAND_IN: "standin",
}


def time_line(history: History, rows: Sequence[tuple[str, Sequence[Slot]]]) -> str:
    """What state each server was in, a row a server, and where failovers began."""
    pitch = _TEXT + _BAND_HEIGHT
    parts = []
    for place, (server, slots) in enumerate(rows):
        top = place * pitch + _TEXT
        parts.append(_text(server, top))
        parts += _bands(slots, top)
        parts += _marks(history, server, top)
    height = pitch * len(rows) + _TEXT
    return _svg(height, "State of each server over time", [*parts, *_axis(history, height)])


def ping_chart(history: History, server: str, slots: Sequence[Slot]) -> str:
    """Ping time (mean, and the span from shortest to longest) and loss of one server."""
    highest = max((slot.rtt_max_us or 0 for slot in slots), default=0) or 1
    worst = max((slot.lost_percent for slot in slots), default=0.0)
    base = _TEXT + _PINGS_HEIGHT
    bottom = base + _TEXT + _LOSS_HEIGHT
    parts = [
        _text(f"0 to {milliseconds(highest)}", _TEXT),
        f'<line class="grid" x1="0" y1="{base}" x2="{_WIDTH}" y2="{base}"/>',
        *_ping_lines(slots, highest),
        _text(f"lost, up to {percentage(worst)}" if worst else "none lost", base + _TEXT),
        *_loss_bars(slots, worst, bottom),
    ]
    height = bottom + _TEXT
    return _svg(height, f"Ping time and loss of {server}", [*parts, *_axis(history, height)])


def _text(words: str, below: float) -> str:
    return f'<text x="0" y="{below - 7}">{escape(words)}</text>'


def _svg(height: int, title: str, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )


def _x(place: float, count: int) -> float:
    return round(_WIDTH * place / max(1, count), 1)


def _bands(slots: Sequence[Slot], top: int) -> Iterable[str]:
    place = 0
    for state, group in groupby(slots, key=lambda slot: slot.state):
        same = list(group)
        left, right = _x(place, len(slots)), _x(place + len(same), len(slots))
        place += len(same)
        told = f"{state.value}, {stamp(same[0].begins_at)} to {stamp(same[-1].ends_at)}"
        yield (
            f'<rect class="{STATE_CLASSES[state]}" x="{left}" y="{top}" '
            f'width="{round(right - left, 1)}" height="{_BAND_HEIGHT}">'
            f"<title>{escape(told)}</title></rect>"
        )


def _marks(history: History, server: str, top: int) -> Iterable[str]:
    span_s = (history.as_of - history.since).total_seconds() or 1
    for failover in history.failovers:
        if failover.server.casefold() != server.casefold():
            continue
        since_s = max(0.0, (failover.began_at - history.since).total_seconds())
        x = _x(since_s / span_s, 1)
        told = f"{stamp(failover.began_at)}: outage {duration(failover.outage_s)}"
        yield (
            f'<path class="mark" d="M{x} {top + 10}l-5 -9h10z">'
            f"<title>{escape(f'{told}, {failover.ending}')}</title></path>"
        )


def _ping_lines(slots: Sequence[Slot], highest: float) -> Iterable[str]:
    """One line and band for each stretch in which pings were answered."""
    measured = [
        (place, slot)
        for place, slot in enumerate(slots)
        if slot.rtt_mean_us is not None and slot.rtt_min_us is not None and slot.rtt_max_us
    ]
    for _, group in groupby(enumerate(measured), key=lambda pair: pair[1][0] - pair[0]):
        stretch = [pair for _, pair in group]
        xs = [_x(place + 0.5, len(slots)) for place, _ in stretch]
        if len(xs) == 1:  # a line of one point would not be seen
            xs, stretch = [xs[0] - 1, xs[0] + 1], stretch * 2
        means = [_y(slot.rtt_mean_us or 0, highest) for _, slot in stretch]
        longest = [_y(slot.rtt_max_us or 0, highest) for _, slot in stretch]
        shortest = [_y(slot.rtt_min_us or 0, highest) for _, slot in stretch]
        band = [*zip(xs, longest, strict=True), *reversed([*zip(xs, shortest, strict=True)])]
        yield f'<polygon class="span" points="{_points(band)}"/>'
        yield f'<polyline class="mean" points="{_points(zip(xs, means, strict=True))}"/>'


def _y(value_us: float, highest: float) -> float:
    return round(_TEXT + _PINGS_HEIGHT * (1 - value_us / highest), 1)


def _points(pairs: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in pairs)


def _loss_bars(slots: Sequence[Slot], worst: float, base: int) -> Iterable[str]:
    for place, slot in enumerate(slots):
        if not slot.lost_percent:
            continue
        tall = max(2.0, round(_LOSS_HEIGHT * slot.lost_percent / worst, 1))
        left, right = _x(place, len(slots)), _x(place + 1, len(slots))
        told = f"{stamp(slot.begins_at)}: {percentage(slot.lost_percent)} lost"
        yield (
            f'<rect class="lost" x="{left}" y="{base - tall}" '
            f'width="{max(1.0, round(right - left, 1))}" height="{tall}">'
            f"<title>{escape(told)}</title></rect>"
        )


def _axis(history: History, height: int) -> list[str]:
    y = height - 7
    return [
        f'<text class="small" x="0" y="{y}">{stamp(history.since)[:-3]}</text>',
        f'<text class="small end" x="{_WIDTH}" y="{y}">{stamp(history.as_of)[:-3]}</text>',
    ]
