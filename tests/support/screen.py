"""The main screen under Textual's pilot: reports to show, and what is to be seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipfx_failover.events import Event, EventKind
from ipfx_failover.report.values import MonitorReport, ServerReport, StatusReport
from ipfx_failover.screen.app import WatchApp
from ipfx_failover.screen.values import Seen
from ipfx_failover.state.log import Logged
from tests.fakes.clock import A_WEDNESDAY_NOON as NOON
from tests.fakes.screen import FakeCommands, FakeLook

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from datetime import datetime

    from rich.segment import Segment
    from textual.pilot import Pilot

    from ipfx_failover.screen.values import Commands, Look

GENEROUS_S = 20.0
_PAUSE_S = 0.02

SERVER = ServerReport(
    name="DEMOSERVER",
    address="192.168.11.1",
    port=100,
    status="OK",
    mode="monitoring",
    liveness="ok",
    misses=0,
    activity="idle",
    authority="live",
    stale=False,
    last_probe_at="2026-03-04T12:00:00+00:00",
    last_answer_at="2026-03-04T12:00:00+00:00",
    last_failover_at=None,
    database_as_of="2026-03-04T01:00:00+00:00",
    files_as_of="2026-03-04T11:59:20+00:00",
    next_replication_at="2026-03-05T01:00:00+00:00",
    obstacle=None,
    notes=(),
)
REPORT = StatusReport(
    as_of="2026-03-04T12:00:00+00:00",
    monitor=MonitorReport(
        running=True, pid=4711, host="FAILOVER", heartbeat_at="2026-03-04T12:00:00+00:00"
    ),
    standing_in_for=None,
    stand_in_phase=None,
    mails_waiting=0,
    warnings=(),
    advice=(),
    servers=(SERVER, replace(SERVER, name="SECOND", address="192.168.11.3")),
)
FAILED = replace(
    SERVER,
    status="FAILURE",
    liveness="failed",
    misses=15,
    activity="standing in",
    authority="standby",
    last_failover_at="2026-03-04T11:58:00+00:00",
)
STANDING_IN = replace(
    REPORT,
    standing_in_for="DEMOSERVER",
    stand_in_phase="standing in",
    servers=(FAILED, REPORT.servers[1]),
)


def logged(
    cursor: int, kind: EventKind, server: str | None = None, at: datetime = NOON, **data: Any
) -> Logged:
    return Logged(cursor, Event(kind, at, server, data))


LOG = (
    logged(1, EventKind.MONITOR_STARTED, pid=4711, servers=2),
    logged(2, EventKind.SERVER_SUSPECT, "DEMOSERVER", needed=15),
    logged(3, EventKind.SERVER_FAILED, "DEMOSERVER", misses=15),
)


class Shown:
    """The main screen on a terminal of this size, while the test works with it."""

    def __init__(self, app: WatchApp, pilot: Pilot[Any], look: FakeLook, started: Any) -> None:
        self.app = app
        self.pilot = pilot
        self.look = look
        self.commands: FakeCommands = started

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, *words: str) -> None:
        """Wait until all these words are to be seen."""
        await self.until_so(lambda: all(word in self.text for word in words), repr(words))

    async def until_gone(self, words: str) -> None:
        await self.until_so(lambda: words not in self.text, f"no {words!r}")

    async def until_so(self, condition: Callable[[], bool], what: str) -> None:
        for _ in range(int(GENEROUS_S / _PAUSE_S)):
            if condition():
                return
            await self.pilot.pause(_PAUSE_S)
        raise AssertionError(f"it did not happen: {what}\n{self.text}")

    async def started(self, number: int) -> Any:
        """The command that was started as the so-and-so-manieth."""
        await self.until_so(lambda: len(self.commands.started) >= number, f"command {number}")
        return self.commands.started[number - 1]

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in line).rstrip() for line in self._strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def picture(self) -> str:
        """The text, and behind it where it is styled and how."""
        styles = [
            f"{number:2} {' '.join(runs)}"
            for number, line in enumerate(self._strips(), start=1)
            if (runs := list(_runs(line)))
        ]
        return "\n".join([*self.lines, "", *styles, ""])

    def _strips(self) -> list[list[Segment]]:
        return [list(strip) for strip in self.app.screen._compositor.render_strips()]  # noqa: SLF001 - what a screenshot is made of


def _runs(line: Iterable[Segment]) -> Iterable[str]:
    column = 0
    for segment in line:
        style = segment.style.without_color if segment.style else None
        words = [str(style)] if style and str(style) != "none" else []
        if segment.style and segment.style.color and not segment.style.color.is_default:
            words.append(segment.style.color.name)
        if words:
            yield f"{column}-{column + len(segment.text)}:{'+'.join(words).replace(' ', '+')}"
        column += len(segment.text)


def on_screen(
    test: Callable[[Shown], Coroutine[Any, Any, None]],
    *seen: Seen | Exception,
    size: tuple[int, int] = (80, 24),
    look: Look | None = None,
    commands: Commands | None = None,
) -> None:
    """Run a test on the main screen."""
    shown_look: Any = look or FakeLook(*(seen or (Seen(REPORT, log=LOG),)))
    shown_commands: Any = commands or FakeCommands()

    async def run() -> None:
        app = WatchApp(shown_look, shown_commands)
        async with app.run_test(size=size) as pilot:
            await test(Shown(app, pilot, shown_look, shown_commands))

    asyncio.run(run())
