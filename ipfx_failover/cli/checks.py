"""Prints what was looked at, a line each as it is found, and how it all ends."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ipfx_failover.cli.findings import show_finding
from ipfx_failover.errors import ExitCode, worst

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.cli.output import Output
    from ipfx_failover.survey.check import Check


def tell(checks: Iterable[Check], output: Output, subject: str, **document: Any) -> ExitCode:
    """Print each check, then the verdict, in the manual's words when nothing is wrong.

    Returns:
        The exit code: that of the gravest.
    """
    found = []
    for check in checks:
        found.append(check)
        show_finding(check.level, check.name, check.message, check.hint, output)
    code = worst([check.exit_code for check in found])
    output.line(f"{subject}: {_verdict([check.level for check in found])}")
    output.document(ok=not code, **document, checks=[asdict(check) for check in found])
    return code


def _verdict(levels: list[str]) -> str:
    bad = [level for level in ("failed", "warning") if level in levels]
    return ", ".join(_counted(levels.count(level), level) for level in bad) or "Test Successful"


def _counted(number: int, level: str) -> str:
    return f"{number} warnings" if level == "warning" and number > 1 else f"{number} {level}"
