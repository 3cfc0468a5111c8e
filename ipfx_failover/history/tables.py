"""The history as tables of words, which the terminal and the report lay out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipfx_failover.history.wording import duration, percentage, size, stamp
from ipfx_failover.records import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.history.record import History

BELOW = "    "
"""How a line begins that stands below a row."""


@dataclass(frozen=True, slots=True)
class Table:
    """`remarks`: a longer text to each row, mostly empty; none at all where there are no such.

    `note` is said below; `nothing` in the place of a table without rows.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()
    note: str = ""
    nothing: str = "none"


def availability_table(history: History) -> Table:
    rows = tuple(
        (
            each.month,
            each.server,
            percentage(each.available_percent),
            percentage(each.served_percent),
            duration(each.down_ms / 1000),
            percentage(each.lost_percent),
            percentage(each.watched_percent),
        )
        for each in history.availability
    )
    return Table(
        "Availability",
        ("Month", "Server", "Available", "With stand-in", "Down", "Pings lost", "Watched"),
        rows,
        note="Available: it answered pings, in percent of the time watched. The rest of a month "
        "is not known: no monitor ran, or it was suspended or stopped.",
        nothing="nothing is recorded yet; a monitor does so once a minute",
    )


def failover_table(history: History) -> Table:
    rows = tuple(
        (
            stamp(each.began_at),
            each.server,
            each.by,
            duration(each.outage_s),
            duration(each.stood_in_s(history.as_of)),
            each.ending.value,
        )
        for each in history.failovers
    )
    return Table(
        "Failovers",
        ("Began", "Server", "By", "Outage", "Stood in", "Ended"),
        rows,
        tuple(each.why for each in history.failovers),
    )


def replication_table(history: History, last: int | None = None) -> Table:
    """All replications, or the last so many."""
    runs = history.replications[-last:] if last else history.replications
    rows = tuple(
        (
            stamp(each.ended_at),
            each.server,
            each.direction,
            duration(each.duration_s),
            size(each.size_bytes),
            each.outcome,
        )
        for each in runs
    )
    number = len(history.replications)
    failed = sum(each.outcome == RunOutcome.FAILED for each in history.replications)
    shown = f"; the last {last}" if last and number > last else ""
    return Table(
        f"Replications: {number}, {failed} failed{shown}" if number else "Replications",
        ("Ended", "Server", "Direction", "Took", "Size", "Outcome"),
        rows,
        tuple(each.detail for each in runs),
    )


def file_sync_table(history: History) -> Table:
    rows = tuple(
        (
            each.server,
            each.direction,
            str(each.passes),
            str(each.failed),
            str(each.copied),
            str(each.deleted),
            size(each.size_bytes),
            duration(each.duration_s),
        )
        for each in history.file_syncs
    )
    return Table(
        "File syncs that changed something",
        ("Server", "Direction", "Syncs", "Failed", "Copied", "Deleted", "Size", "Took"),
        rows,
        note="In sum, as far as the log goes back.",
    )


def as_lines(tables: Iterable[Table], width: int) -> Iterable[str]:
    """The tables for a terminal, a blank line between them."""
    from textwrap import wrap

    for place, table in enumerate(tables):
        if place:
            yield ""
        if not table.rows:
            yield f"{table.title}: {table.nothing}"
            continue
        yield table.title
        yield from body(table, width)
        yield from wrap(table.note, width)


def body(table: Table, width: int) -> Iterator[str]:
    """Header and rows; the last columns below their rows, where all of them would not fit."""
    from textwrap import wrap

    table = _folded(table, width)
    head, *rows = aligned([tuple(cell.upper() for cell in table.header), *table.rows])
    yield head
    for row, remark in zip(rows, table.remarks or [""] * len(rows), strict=True):
        yield row
        yield from wrap(remark, width, initial_indent=BELOW, subsequent_indent=BELOW)


def _folded(table: Table, width: int) -> Table:
    """With the last columns below their rows, as remarks, where all of them would not fit."""
    if len(table.header) < 3 or max(map(len, aligned([table.header, *table.rows]))) <= width:
        return table
    name = table.header[-1].lower()
    remarks = table.remarks or ("",) * len(table.rows)
    below = (
        "; ".join(filter(None, (f"{name}: {row[-1]}", remark)))
        for row, remark in zip(table.rows, remarks, strict=True)
    )
    rows = tuple(row[:-1] for row in table.rows)
    shorter = replace(table, header=table.header[:-1], rows=rows, remarks=tuple(below))
    return _folded(shorter, width)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns, two blanks apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
