"""The drill's words: who takes part, and in the end what it all cost and why."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from ipfxlab.drill_config import (
    DEFAULT_DETECTION_WINDOW_S,
    DETECTION_WINDOW_S,
    FAILOVER_COUNT,
    PING_INTERVAL_MS,
    PING_TIMEOUT_MS,
)
from ipfxlab.drill_stage import CALLS_PER_S, VOICEMAIL_EVERY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfxlab.drill_figures import Figures, Hot

_WIDEST = 96
_LABEL = 18


def introduction(of_the_engine: Mapping[str, str]) -> list[str]:
    """Who takes part, what is shortened, and who speaks."""
    cast = {
        **of_the_engine,
        "The lab": "network namespaces on this machine, with real cables, real ICMP, ARP and "
        "addresses, a real OpenSSH and a real mail server:",
        "  DEMOSERVER": "192.168.11.1, the Primary Server, with a telephony application",
        "  FAILOVER": "192.168.11.2, the Failover Server, with ipfx-failover, and the same "
        "application, which does not run",
        "  client": f"192.168.11.50, calls {CALLS_PER_S:.0f} times a second; each call is a row in "
        f"the application's database, each {VOICEMAIL_EVERY}th leaves a voicemail too",
        "  mail": "192.168.11.5, takes the alerts",
        "Shortened": f"a failure is {FAILOVER_COUNT} unanswered pings, one each "
        f"{PING_INTERVAL_MS} ms, and {PING_TIMEOUT_MS} ms for the last: {DETECTION_WINDOW_S:.1f} s "
        f"(by default {DEFAULT_DETECTION_WINDOW_S} s)",
        "The time line": "when it happened, who tells of it, what. The operator types and does "
        "what a person would; below it stands what ipfx-failover prints. The monitor is its log. "
        "The guard is examples/primary-guard, on the Primary. The lab is what befalls the "
        "machines; … is its temporary directory",
    }
    return [line for label, text in cast.items() for line in _paragraph(label, text)]


def summary(figures: Figures) -> list[str]:
    """What it cost, for a person."""
    return [
        *_times(figures),
        "",
        *_table(figures),
        "",
        *_lost(figures),
        "",
        *_second_variant(figures),
        "",
        *_paragraph("Mails", f"{len(figures.mails)}, in this order:"),
        *(f"{'':{_LABEL}}{number}. {text}" for number, text in enumerate(figures.mails, 1)),
        *_paragraph("Status", f"{figures.status_after}, after the failback"),
        *(_simulated() if figures.hot else []),
        *_paragraph("This drill", f"{figures.duration_s:.0f} s"),
    ]


def _times(figures: Figures) -> list[str]:
    return [
        *_paragraph(
            "Detection",
            f"{figures.detection_window_s:.1f} s after the last answered ping was sent, as "
            "configured here",
        ),
        *_paragraph(
            "Outage",
            f"{figures.outage_s:.2f} s as the client saw it, from its last answered call to the "
            "next. After the decision the address answered its pings in "
            f"{figures.takeover_overhead_ms:.0f} ms, and the application was ready in "
            f"{figures.application_ready_ms:.0f} ms",
        ),
        *_paragraph(
            "Failback",
            f"{figures.failback_outage_s:.2f} s without service, at a time of one's choosing",
        ),
    ]


def _table(figures: Figures) -> list[str]:
    names = ("before the failure", "while standing in", "after the failback")
    head = f"{'Acknowledged':{_LABEL + 4}}{'by':<12}{'rows':>6}{'voicemail':>11}"
    return [
        head,
        *(
            f"  {name:{_LABEL + 2}}{phase.host:<12}{phase.rows:>6}{phase.voicemail:>11}"
            for name, phase in zip(names, figures.phases, strict=True)
        ),
    ]


def _rows_lost_warm(figures: Figures) -> str:
    return (
        f"{figures.loss.rows_to_window} at the takeover: calls since the last copy, which was "
        f"{figures.copy_age_s:.1f} s old. That is what warm means: rows are copied once a day. "
        f"{figures.rows_in_safety_backup} of them are in the safety backup of its old database "
        f"that the failback left on the Primary. {figures.loss.rows_at_failback} at the failback"
    )


def _rows_lost_hot(figures: Figures, hot: Hot) -> str:
    return (
        f"{figures.loss.rows_to_window} at the takeover: rows are copied as they are written (one "
        f"that we followed took {hot.row_copied_s:.2f} s), and the client made no call in the last "
        f"moment before the failure. {figures.loss.rows_at_failback} at the failback. In the "
        "encore, whose cable was pulled in the middle of calls, "
        f"{hot.rows_lost_amid_calls}: calls of the Primary's last moment. That is what hot means"
    )


def _simulated() -> list[str]:
    return _paragraph("SIMULATED", "the SQL Servers were; a real one has not been tried")


def _paths(hot: Hot) -> list[str]:
    return _paragraph(
        "Paths",
        f"{hot.paths - hot.paths_elsewhere} of {hot.paths} in the stand-in's database led to its "
        "own files",
    )


def _lost(figures: Figures) -> list[str]:
    loss, hot = figures.loss, figures.hot
    rows = _rows_lost_hot(figures, hot) if hot else _rows_lost_warm(figures)
    voicemail = f"{loss.voicemail}: files are copied as they appear"
    if loss.voicemail_late:
        voicemail += (
            f". {loss.voicemail_late} had been left too shortly before the failure: only on the "
            "Primary's disk, out of reach while we stood in, and there again since the failback, "
            "which merges files and deletes none"
        )
    if loss.voicemail_without_row:
        voicemail += (
            f". {loss.voicemail_without_row} are there as files, but their calls are among the "
            "rows that are lost"
        )
    return [
        *_paragraph("Rows lost", rows),
        *_paragraph("Voicemail lost", voicemail),
        *(_paths(hot) if hot else []),
    ]


def _second_variant(figures: Figures) -> list[str]:
    seen = figures.without_guard
    total = seen.calls_answered_by_stand_in + seen.calls_answered_by_primary + seen.calls_unanswered
    return _paragraph(
        "Without a guard",
        f"the returned Primary claimed its address {seen.announcements} times, was answered each "
        f"time, and {seen.conflict_mails} mail told of it. Of the client's {total} calls "
        f"{seen.calls_answered_by_primary} went astray to the Primary, and "
        f"{seen.calls_unanswered} had no answer at first",
    )


def _paragraph(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text if text.endswith(":") else f"{text}.",
        min(_WIDEST, shutil.get_terminal_size((_WIDEST, 0)).columns),
        initial_indent=f"{label:{_LABEL}}",
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
    )
