"""`status --watch`: the main screen, or a document a line whenever something changes."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ipfx_failover.adapters.terminals import is_terminal
from ipfx_failover.cli.output import as_error
from ipfx_failover.errors import ExitCode, Interrupted, MissingPackage, Refused, UsageError
from ipfx_failover.wiring.watching import StateLook, show_screen

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.cli.output import Output
    from ipfx_failover.report.values import StatusReport
    from ipfx_failover.screen.values import Seen


def watch_status(config: Path | None, output: Output, *, check: bool) -> int | None:
    """Show what changes until somebody leaves, or with JSON until interrupted (130).

    Raises:
        Refused: there is no terminal that can show the screen, or Textual is not installed.
        UsageError: there is no config, or it is wrong where it matters here.
    """
    if check:
        raise UsageError("--check looks once, --watch goes on", "leave one of the two away")
    if output.as_json:
        return _watch_as_lines(config, output)
    _refuse_without_terminal()
    _refuse_without_textual()
    show_screen(StateLook(config))
    return None


def _watch_as_lines(config: Path | None, output: Output) -> int | None:
    before: object = None
    try:
        for seen in StateLook(config).follow():
            shown = _essence(seen)
            if shown != before and not _print(seen, output):
                break
            before = shown
    except Interrupted:
        return ExitCode.INTERRUPTED
    return None


def _refuse_without_terminal() -> None:
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(map(is_terminal, streams)):
        raise Refused(
            "status --watch needs a terminal",
            "without one use: ipfx-failover status --watch --json",
        )
    if os.environ.get("TERM") == "dumb":
        raise Refused(
            "this terminal cannot show a screen (TERM=dumb)",
            "use: ipfx-failover log --follow, or set TERM to what the terminal is",
        )


def _refuse_without_textual() -> None:
    try:
        import textual  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingPackage(
            "the main screen", "textual", extra="tui", otherwise=", or use: ipfx-failover status"
        ) from None


def _print(seen: Seen, output: Output) -> bool:
    """False when nobody reads any more."""
    shown = asdict(seen.report) if seen.report is not None else {}
    if seen.problem is not None:
        shown["error"] = as_error(seen.problem)
    return output.document(ok=seen.problem is None, **shown)


def _essence(seen: Seen) -> tuple[StatusReport | None, str]:
    """What makes a look worth a line: everything but that time goes by."""
    problem = seen.problem.message if seen.problem is not None else ""
    if (report := seen.report) is None:
        return None, problem
    servers = (replace(each, last_probe_at=None, last_answer_at=None) for each in report.servers)
    monitor = replace(report.monitor, heartbeat_at=None)
    return replace(report, as_of="", monitor=monitor, servers=tuple(servers)), problem
