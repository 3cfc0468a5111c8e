"""The picture of the main screen in the README: an outage, a minute after the takeover.

Make it anew, from the checkout's root: python -m man.picture
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.events import Event, EventKind
from ipfx_failover.report.values import MonitorReport, ServerReport, StatusReport
from ipfx_failover.screen.app import WatchApp
from ipfx_failover.screen.values import Seen
from ipfx_failover.state.log import Logged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.events import Value
    from ipfx_failover.screen.values import Child

FILE = Path(__file__).with_name("screen.svg")
SIZE = (96, 27)
_NOW = datetime(2026, 11, 22, 14, 27, 9, tzinfo=UTC)
_HAPPENED: tuple[tuple[float, EventKind, dict[str, Value]], ...] = (
    (-92, EventKind.SERVER_SUSPECT, {"needed": 15}),
    (-82, EventKind.WARNING_COUNT_REACHED, {"misses": 5, "needed": 15}),
    (-62, EventKind.SERVER_FAILED, {"misses": 15}),
    (-62, EventKind.TAKEOVER_STARTED, {"by": "monitor"}),
    (-62, EventKind.ADDRESS_TAKEN, {"address": "192.168.11.1", "adapter": "eth0"}),
    (-60, EventKind.STAND_IN_STARTED, {}),
)


def _ago(seconds: float) -> str:
    return (_NOW - timedelta(seconds=seconds)).isoformat()


def _server(name: str, address: str, status: str, *, failed: bool = False) -> ServerReport:
    return ServerReport(
        name=name,
        address=address,
        port=100,
        status=status,
        mode="suspended" if status == "SUSPENDED" else "monitoring",
        liveness="failed" if failed else "ok",
        misses=45 if failed else 0,
        activity="standing in" if failed else "idle",
        authority="standby" if failed else "live",
        stale=False,
        last_probe_at=_ago(1),
        last_answer_at=_ago(93 if failed else 1),
        last_failover_at=_ago(62) if failed else None,
        database_as_of=_ago(48_427),
        files_as_of=_ago(94 if failed else 4),
        next_replication_at=None if failed else _ago(-37_973),
        obstacle=None,
        notes=(),
        copy_as_of=_ago(48_427),
    )


_SERVERS = (
    _server("DEMOSERVER", "192.168.11.1", "FAILURE", failed=True),
    _server("AKLMATRIX", "192.168.11.3", "OK"),
    _server("WLGMATRIX", "192.168.11.4", "REPLICATING"),
    _server("CHCMATRIX", "192.168.11.5", "SUSPENDED"),
)


class _OneLook:
    """Shows the outage."""

    def __init__(self) -> None:
        self._is_new = True

    def look(self) -> Seen:
        was_new, self._is_new = self._is_new, False
        seen = _seen()
        return seen if was_new else replace(seen, log=())

    def close(self) -> None:
        pass


class _NoCommands:
    def start(
        self,
        arguments: Sequence[str],  # noqa: ARG002 - the port
        said: Callable[[str], object],  # noqa: ARG002 - the port
        ended: Callable[[int], object],  # noqa: ARG002 - the port
    ) -> Child:
        raise Failed("a picture runs no commands", "run them by hand")


def _seen() -> Seen:
    report = StatusReport(
        as_of=_NOW.isoformat(),
        monitor=MonitorReport(running=True, pid=4711, host="FAILOVER", heartbeat_at=_ago(1)),
        standing_in_for="DEMOSERVER",
        stand_in_phase="standing in",
        mails_waiting=0,
        warnings=(),
        advice=(),
        servers=_SERVERS,
    )
    log = (
        Logged(cursor, Event(kind, _NOW + timedelta(seconds=at_s), "DEMOSERVER", data))
        for cursor, (at_s, kind, data) in enumerate(_HAPPENED, start=1)
    )
    return Seen(report, log=tuple(log))


def picture() -> str:
    """The main screen as SVG."""

    async def taken() -> str:
        app = WatchApp(_OneLook(), _NoCommands())
        async with app.run_test(size=SIZE) as pilot:
            before, after = "", app.export_screenshot()
            while "DEMOSERVER" not in before or before != after:
                await pilot.pause(0.1)
                before, after = after, app.export_screenshot()
            return after

    # A browser would fetch the font from elsewhere; any other of equal widths will do.
    return re.sub(r" *@font-face \{.*?\}\n", "", asyncio.run(taken()), flags=re.DOTALL)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    FILE.write_text(picture(), "utf-8")
