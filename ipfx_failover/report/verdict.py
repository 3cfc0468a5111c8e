"""The status for monitoring systems (`status --check`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide.status import Status
from ipfx_failover.records import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.report.values import ServerReport, StatusReport


def is_bad(report: StatusReport) -> tuple[int, str]:
    """For monitoring systems: 0 ok, 1 warning, 2 critical, 3 unknown; and the line to show."""
    if critical := [*_critical(report), *report.warnings]:
        return 2, f"CRITICAL: {'; '.join(critical)}"
    suspect = [
        _with_obstacle(s, "is suspect") for s in report.servers if s.status == Status.SUSPECT
    ]
    noted = [f"{s.name}: {note}" for s in report.servers for note in s.notes]
    if suspect or noted or report.advice:
        return 1, f"WARNING: {'; '.join([*suspect, *noted, *report.advice])}"
    if unknown := [s.name for s in report.servers if s.status == Status.UNKNOWN]:
        return 3, f"UNKNOWN: nothing known yet of {', '.join(unknown)}"
    paused = [s for s in report.servers if s.mode != Mode.MONITORING]
    number = len(report.servers) - len(paused)
    words = [f"{number} server{'s' if number != 1 else ''} watched"]
    words += [f"{server.name} is {server.mode}" for server in paused]
    return 0, f"OK: {'; '.join(words)}"


def _critical(report: StatusReport) -> Iterator[str]:
    if report.standing_in_for:
        unready = report.stand_in_unready
        on_what = f" on a copy that is not quite ready ({unready})" if unready else ""
        yield f"standing in for {report.standing_in_for}{on_what}"
    for server in report.servers:
        if server.status == Status.FAILURE:
            yield _with_obstacle(server, "has failed")
        elif server.status == Status.UNKNOWN and server.obstacle:
            yield f"{server.name} {server.obstacle}"


def _with_obstacle(server: ServerReport, what: str) -> str:
    return f"{server.name} {what}" + (f" ({server.obstacle})" if server.obstacle else "")
