"""The daily replication in the crontab of whoever installs it (crontab(5))."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.processes import cannot_run
from ipfx_failover.errors import Failed
from ipfx_failover.installing import MARK, Plan, Run, ScheduleState

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.installing import Job

_FIRST: Final = f"# {MARK} schedule install: these lines, to the end mark"
_LAST: Final = f"# {MARK}: end"
_NONE_YET: Final = "no crontab for"
_ANSWERS_WITHIN_S: Final = 10.0
_PLACE: Final = "crontab -l"


class Crontab:
    """Our lines between two marks; all others are left as they are.

    `next_run` says when a job is next due (ISO 8601, UTC).
    """

    name = "cron"

    def __init__(self, next_run: Callable[[Job], str]) -> None:
        self._next_run = next_run

    def files(self, job: Job) -> dict[str, str]:
        """Name and text of what is installed."""
        return {"ipfx-failover.crontab": "\n".join([*_block(job), ""])}

    def installation(self, job: Job) -> Plan:
        others, ours = _parted(_crontab())
        if ours == _block(job):
            return Plan()
        return Plan((_replaced([*others, *_block(job)]),))

    def removal(self) -> Plan:
        others, ours = _parted(_crontab())
        if not ours:
            return Plan()
        return Plan((_replaced(others) if others else Run(("crontab", "-r")),))

    def check(self, job: Job) -> ScheduleState:
        """What cron has after the installation.

        Raises:
            Failed: not what it was given.
        """
        state = self.state(job)
        if not state.agrees:
            raise Failed("crontab took our lines and does not show them", f"see: {_PLACE}")
        return state

    def state(self, job: Job | None) -> ScheduleState:
        _, ours = _parted(_crontab())
        agrees = job is not None and ours == _block(job)
        return ScheduleState(
            self.name,
            _PLACE,
            installed=bool(ours),
            agrees=agrees,
            next_run=self._next_run(job) if job and agrees else None,
        )


def _block(job: Job) -> list[str]:
    # cron catches up nothing and knows no seconds; a look each hour does both: --if-due decides.
    times = ", ".join(f"{each:%H:%M:%S}" for each in job.times)
    # A percent sign would end the command.
    command = shlex.join(job.argv).replace("%", r"\%")
    minutes = sorted({(each.minute + bool(each.second)) % 60 for each in job.times})
    return [
        _FIRST,
        f"# Daily at {times}. cron catches up no missed night, so it looks each hour.",
        *(f"{minute} * * * * {command}" for minute in minutes),
        _LAST,
    ]


def _parted(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines of others, and ours.

    Raises:
        Failed: an end mark is missing: nobody knows which lines are ours.
    """
    if _FIRST not in lines:
        return lines, []
    first = lines.index(_FIRST)
    if _LAST not in lines[first:]:
        raise Failed(
            f"the crontab has no line {_LAST!r} any more", "remove our lines with: crontab -e"
        )
    behind = lines.index(_LAST, first) + 1
    return lines[:first] + lines[behind:], lines[first:behind]


def _crontab() -> list[str]:
    """All lines. Whatever is not read here would be lost: so nothing may be cut off, or guessed."""
    try:
        ended = subprocess.run(
            ("crontab", "-l"), check=False, capture_output=True, timeout=_ANSWERS_WITHIN_S
        )
    except FileNotFoundError as error:
        raise cannot_run("crontab", error) from None
    except subprocess.TimeoutExpired:
        raise Failed("crontab -l does not end", "try it by hand, as the same user") from None
    said = ended.stderr.decode("utf-8", "replace").strip()
    if ended.returncode == 1 and _NONE_YET in said:
        return []
    if ended.returncode != 0:
        raise Failed(f"crontab -l: {said}", "try it by hand, as the same user")
    return ended.stdout.decode("utf-8", "surrogateescape").splitlines()


def _replaced(lines: list[str]) -> Run:
    return Run(("crontab",), "\n".join([*lines, ""]))
