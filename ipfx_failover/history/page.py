"""The history as one HTML file that needs nothing else: to be opened, printed, sent by mail."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ipfx_failover.history.series import State, slots_of
from ipfx_failover.history.svg import STATE_CLASSES, ping_chart, time_line
from ipfx_failover.history.tables import (
    availability_table,
    failover_table,
    file_sync_table,
    replication_table,
)
from ipfx_failover.history.wording import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.history.record import History
    from ipfx_failover.history.tables import Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --paper: #fff; --faint: #6b747d;
  --line: #d5dade; --up: #2a9d74; --down: #d1462f; --standin: #3672c9; --unknown: #e3e6e9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #15191d; --faint: #98a2ab;
  --line: #343b42; --up: #3fb98b; --down: #f0705a; --standin: #6aa0f0; --unknown: #2b3137; } }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #555;
  --line: #bbb; --unknown: #e3e6e9; } section { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
p { margin: .3rem 0; } .faint { color: var(--faint); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--faint); font-weight: 600; white-space: nowrap; }
td.figure { white-space: nowrap; } td.text { min-width: 12rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font-size: 13px; } svg .small { fill: var(--faint); }
svg .end { text-anchor: end; }
@media (max-width: 600px) { svg text { font-size: 22px; } }
.grid { stroke: var(--line); } .mean { fill: none; stroke: var(--standin); stroke-width: 1.5; }
.span { fill: var(--standin); opacity: .2; } .lost { fill: var(--down); }
.mark { fill: var(--ink); stroke: var(--paper); }
.up { fill: var(--up); background: var(--up); }
.down { fill: var(--down); background: var(--down); }
.standin { fill: var(--standin); background: var(--standin); }
.unknown { fill: var(--unknown); background: var(--unknown); }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .9em; }
"""


def page(history: History) -> str:
    """The whole report. Names and texts come from elsewhere: everything is escaped."""
    rows = [(server, slots_of(history, server)) for server in history.servers]
    number = len(history.servers)
    title = f"History of {history.servers[0] if number == 1 else f'{number} servers'}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="faint">{stamp(history.since)} to {stamp(history.as_of)}</p>',
        _section(availability_table(history)),
        f"<section><h2>Time line</h2>{time_line(history, rows)}{_legend()}</section>",
        _section(failover_table(history)),
        *(
            f"<section><h2>Pings to {escape(server)}</h2>{ping_chart(history, server, slots)}"
            "</section>"
            for server, slots in rows
            if any(slot.rtt_mean_us for slot in slots)
        ),
        _section(replication_table(history)),
        _section(file_sync_table(history)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _section(table: Table) -> str:
    if not table.rows:
        content = f'<p class="faint">{escape(table.nothing)}</p>'
    else:
        header = [*table.header, *(["Why"] if any(table.remarks) else [])]
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
        rows = "".join(_rows(table))
        content = f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'
        content += f'<p class="faint">{escape(table.note)}</p>' if table.note else ""
    return f"<section><h2>{escape(table.title)}</h2>{content}</section>"


def _rows(table: Table) -> Iterable[str]:
    remarks = table.remarks if any(table.remarks) else [None] * len(table.rows)
    for row, remark in zip(table.rows, remarks, strict=True):
        cells = [f'<td class="figure">{escape(cell)}</td>' for cell in row]
        if remark is not None:
            cells.append(f'<td class="text">{escape(remark)}</td>')
        yield f"<tr>{''.join(cells)}</tr>"


def _legend() -> str:
    keys = "".join(
        f'<span class="key {STATE_CLASSES[state]}"></span>{escape(state.value)}'
        for state in (State.UP, State.DOWN, State.STAND_IN, State.UNKNOWN)
    )
    return f'<p class="faint">{keys}; a triangle is the beginning of a failover</p>'
