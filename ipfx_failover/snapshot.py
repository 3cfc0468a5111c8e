"""The status as a file, for readers who may not open the store: the same, without secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.decide.status import status
from ipfx_failover.records import Mode
from ipfx_failover.report.values import MonitorReport, ServerReport, StatusReport
from ipfx_failover.report.wording import in_local_time

if TYPE_CHECKING:
    from pathlib import Path

SNAPSHOT = "status.json"
_FRESH = timedelta(seconds=10)


def write_snapshot(report: StatusReport, state_dir: Path) -> None:
    """Write it for all to read, replaced atomically."""
    path = state_dir / SNAPSHOT
    beside = path.with_suffix(".new")
    try:
        beside.write_text(json.dumps(report, default=_as_fields), encoding="utf-8")
        beside.chmod(0o644)
        beside.replace(path)
    except OSError:
        # Windows denies it while a reader has it open, a full disk always; the next one follows.
        beside.unlink(missing_ok=True)


def _as_fields(report: Any) -> dict[str, Any]:
    # `asdict` copies each value deeply: a third of what an idle monitor of 100 servers did.
    return {name: getattr(report, name) for name in report.__slots__}


def read_snapshot(state_dir: Path) -> StatusReport | None:
    """The latest snapshot; None when there is none that can be read."""
    try:
        raw = json.loads((state_dir / SNAPSHOT).read_text(encoding="utf-8"))
        servers = tuple(
            ServerReport(**{**server, "notes": tuple(server["notes"])}) for server in raw["servers"]
        )
        return StatusReport(
            **{
                **raw,
                "monitor": MonitorReport(**raw["monitor"]),
                "warnings": tuple(raw["warnings"]),
                "advice": tuple(raw["advice"]),
                "servers": servers,
            }
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def aged(report: StatusReport, now: datetime) -> StatusReport:
    """A snapshot as it may be shown `now`: an old one says nothing of the present any more."""
    as_of = datetime.fromisoformat(report.as_of)
    if abs(now - as_of) < _FRESH:
        return report
    warning = f"this is of {in_local_time(as_of)}: no monitor writes it any more"
    return replace(
        report,
        monitor=replace(report.monitor, running=False),
        warnings=(warning,),
        advice=(),
        servers=tuple(_unknown(server) for server in report.servers),
    )


def _unknown(server: ServerReport) -> ServerReport:
    liveness = Liveness.UNKNOWN
    shown = status(Mode(server.mode), liveness, replicating=False)
    return replace(server, status=shown, liveness=liveness, misses=0, obstacle=None)
