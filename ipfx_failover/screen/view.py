"""What the main screen says, as lines of text with a tone. Pure.

Names and order are those of the manual's window ("Overview", "Status icons").
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.config.problems import ConfigError
from ipfx_failover.decide.status import Status
from ipfx_failover.records import Authority, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.report.values import ServerReport, StatusReport
    from ipfx_failover.screen.values import Seen
    from ipfx_failover.state.log import Logged

STAND_IN_MARK = "*"
_LABEL_WIDTH = 21
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Line(NamedTuple):
    """A line of text; `tone` is one of the keys of `app.STYLES`."""

    text: str
    tone: str = ""


class Icon(NamedTuple):
    """How a status is shown, with and without Unicode, and the manual's explanation."""

    sign: str
    plain: str
    tone: str
    meaning: str


ICONS = {
    Status.OK: Icon("●", "+", "ok", "Monitored, alive and well."),
    Status.SUSPENDED: Icon("=", "=", "dim", "Not monitored, no file sync; database sync goes on."),
    Status.STOPPED: Icon("■", "#", "dim", "Not monitored, no sync at all."),
    Status.SUSPECT: Icon("▲", "^", "warning", "One or more pings failed, fewer than for failover."),
    Status.FAILURE: Icon("!", "!", "error", "Failed; its role is taken over if possible."),
    Status.REPLICATING: Icon("↔", "~", "busy", "Data is being transferred to or from it."),
    Status.UNKNOWN: Icon("?", "?", "dim", "Nothing seen yet, or no monitor runs."),
}


def title(seen: Seen) -> str:
    """Who this is, who watches, and when this was drawn."""
    if seen.report is None:
        return "IPFX Failover Server"
    monitor = seen.report.monitor
    drawn = datetime.fromisoformat(seen.report.as_of).astimezone()
    host = f" {monitor.host}" if monitor.host else ""
    watched = f"monitor: process {monitor.pid}" if monitor.running else "no monitor runs"
    return f"IPFX Failover Server{host} - {watched} - {drawn:%Y-%m-%d %H:%M:%S}"


def banner(seen: Seen) -> list[Line]:
    """What concerns all servers: what is wrong, and the stand-in."""
    lines = []
    # What is wrong with the config is in the report's advice, too: a running monitor tells of it.
    is_told = seen.report is not None and (
        seen.report.monitor.running or isinstance(seen.problem, ConfigError)
    )
    if seen.problem is not None and not is_told:
        details = getattr(seen.problem, "details", ())
        lines += [Line(str(detail), "error") for detail in details]
        lines.append(Line(f"error: {seen.problem.message}", "error"))
        lines.append(Line(f"  hint: {seen.problem.hint}"))
    if (report := seen.report) is None:
        return lines
    lines += [Line(warning, "warning") for warning in report.warnings]
    if not report.servers:
        lines.append(Line("No server is watched yet: ipfx-failover server add NAME"))
    if report.standing_in_for:
        words = f"Stand-in: {report.stand_in_phase} for {report.standing_in_for}"
        lines.append(Line(f"{STAND_IN_MARK} {words}", "error"))
    lines += [Line(advice, "warning") for advice in report.advice]
    waiting = {"mail": report.mails_waiting, **report.hooks_waiting}
    lines += [
        Line(f"Messages that wait to be sent by {channel}: {count}", "warning")
        for channel, count in waiting.items()
        if count
    ]
    return lines


def in_list(server: ServerReport, report: StatusReport, width: int) -> Line:
    """A server's line in the list, `width` columns at most."""
    is_stood_in = (report.standing_in_for or "").casefold() == server.name.casefold()
    mark = f" {STAND_IN_MARK}" if is_stood_in else ""
    return _listed(Status(server.status), server.name, width, mark)


def unknown_in_list(name: str, width: int) -> Line:
    """The line of a server of which nothing can be said now."""
    return _listed(Status.UNKNOWN, name, width)


def details(server: ServerReport, report: StatusReport) -> list[Line]:
    """The panel beside the list: server details, replication status, what is to be done."""
    now = datetime.fromisoformat(report.as_of)
    fields = [
        ("Name", server.name),
        ("IP Address", server.address),
        ("IP Port", str(server.port)),
        ("Status", _status(server)),
        ("Last Answer", _last_answer(server, now)),
        ("Last Failover", _when(server.last_failover_at, now)),
    ]
    replication = [
        ("DB Last Replicated", _when(server.database_as_of, now)),
        ("Next DB Replication", _when(server.next_replication_at, now)),
        *_rows(server, now),
        ("File Sync", _file_sync(server, now, monitored=report.monitor.running)),
    ]
    return [
        Line("SERVER", "bold"),
        *_fields(fields, ICONS[Status(server.status)].tone),
        Line("REPLICATION", "bold"),
        *_fields(replication, ""),
        *([Line(server.obstacle, "error")] if server.obstacle else []),
        *(Line(note, "warning") for note in server.notes),
    ]


def log_lines(log: Iterable[Logged], day: str) -> tuple[list[Line], str]:
    """Log lines, with a line before each new day; and the day that they end on."""
    lines = []
    for logged in log:
        event = logged.event
        local = event.at.astimezone()
        if f"{local:%Y-%m-%d}" != day:
            day = f"{local:%Y-%m-%d}"
            lines.append(Line(day, "dim"))
        server = f"{event.server}: " if event.server else ""
        lines.append(Line(f"{local:%H:%M:%S} {server}{event.text}", str(event.spec.level)))
    return lines, day


def _listed(status: Status, name: str, width: int, mark: str = "") -> Line:
    icon = ICONS[status]
    before = f"{icon.sign} {status:<11} "
    shown = before + _clipped(name, width - len(before) - len(mark)) + mark
    return Line(shown.ljust(width), icon.tone)


def _fields(fields: Iterable[tuple[str, str]], status_tone: str) -> list[Line]:
    return [
        Line(f"{label + ':':<{_LABEL_WIDTH}}{value}", status_tone if label == "Status" else "")
        for label, value in fields
    ]


def _status(server: ServerReport) -> str:
    more = () if server.activity in {"idle", "replicating"} else (server.activity,)
    return ", ".join([server.status, *more])


def _last_answer(server: ServerReport, now: datetime) -> str:
    misses = f", {server.misses} misses" if server.misses else ""
    return _when(server.last_answer_at, now) + misses


def _file_sync(server: ServerReport, now: datetime, *, monitored: bool) -> str:
    if server.files_as_of is None:
        return "-"
    if server.mode != Mode.MONITORING:
        word = "Stopped"
    elif server.authority == Authority.STANDBY:
        word = "Held"
    else:
        word = "Syncing Real Time" if monitored else "No monitor"
    return f"{word} ({_far(datetime.fromisoformat(server.files_as_of), now)})"


def _rows(server: ServerReport, now: datetime) -> list[tuple[str, str]]:
    if server.rows_lag_s is None:
        return []
    if server.rows_behind is None:
        return [("DB Real Time", f"As of {_when(server.rows_as_of, now)}")]
    return [("DB Real Time", f"{server.rows_lag_s:.0f} s behind, rows: {server.rows_behind}")]


def _when(iso: str | None, now: datetime) -> str:
    """A local time, without the date where it is today's, and how far away it is."""
    if iso is None:
        return "-"
    at = datetime.fromisoformat(iso).astimezone()
    is_today = at.date() == now.astimezone().date()
    return f"{at:{'%H:%M:%S' if is_today else '%Y-%m-%d %H:%M'}} ({_far(at, now)})"


def _far(at: datetime, now: datetime) -> str:
    return f"in {_rough(at - now)}" if at > now else f"{_rough(now - at)} ago"


def _rough(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 2)]}.."
