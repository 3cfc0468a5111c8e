"""What the main screen says, without a screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ipfx_failover.decide.status import Status
from ipfx_failover.errors import UsageError
from ipfx_failover.events import EventKind, Level
from ipfx_failover.records import Authority, Mode
from ipfx_failover.screen import view
from ipfx_failover.screen.plain import in_ascii, speaks_unicode
from ipfx_failover.screen.toolbar import TOOLS, Refusal, question_in
from ipfx_failover.screen.values import Seen
from ipfx_failover.screen.widgets import STYLES
from tests.fakes.clock import A_WEDNESDAY_NOON as NOON
from tests.support.screen import REPORT, SERVER, STANDING_IN, logged


def field(label: str, **changes: Any) -> str:
    """What the details say of a server that differs in this."""
    server = replace(SERVER, **changes)
    texts = [line.text for line in view.details(server, REPORT)]
    return next(text for text in texts if text.startswith(f"{label}:")).split(":", 1)[1].strip()


def test_every_status_has_an_icon_of_its_own_with_and_without_unicode() -> None:
    assert set(view.ICONS) == set(Status)
    assert len({icon.sign for icon in view.ICONS.values()}) == len(Status)
    assert len({icon.plain for icon in view.ICONS.values()}) == len(Status)
    assert all(icon.plain.isascii() for icon in view.ICONS.values())


def test_every_tone_has_a_style() -> None:
    tones = {icon.tone for icon in view.ICONS.values()} | {str(level) for level in Level}

    assert set() == tones - STYLES.keys()


def test_the_details_have_the_names_of_the_manual_in_its_order() -> None:
    labels = [line.text.split(":")[0] for line in view.details(SERVER, REPORT)]
    of_manual = [
        *("SERVER", "Name", "IP Address", "IP Port", "Status", "Last Failover"),
        *("REPLICATION", "DB Last Replicated", "Next DB Replication", "File Sync"),
    ]

    assert of_manual == [label for label in labels if label in of_manual]


def test_times_say_how_far_away_they_are_and_the_date_where_it_is_another() -> None:
    assert field("DB Last Replicated") == "01:00:00 (11 h ago)"
    assert field("Next DB Replication") == "2026-03-05 01:00 (in 13 h)"
    assert field("Last Failover") == "-"


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("Syncing Real Time (40 s ago)", {}),
        ("Stopped (40 s ago)", {"mode": Mode.SUSPENDED}),
        ("Stopped (40 s ago)", {"mode": Mode.STOPPED}),
        ("Held (40 s ago)", {"authority": Authority.STANDBY}),
        ("-", {"files_as_of": None}),
    ],
)
def test_file_sync_says_what_it_does(expected: str, changes: dict[str, Any]) -> None:
    assert expected == field("File Sync", **changes)


def test_of_a_hot_copy_it_is_told_how_far_it_is_behind_or_as_of_when_it_is() -> None:
    rows = {"rows_as_of": SERVER.last_answer_at, "rows_lag_s": 2.0}

    assert field("DB Real Time", **rows, rows_behind=3) == "2 s behind, rows: 3"
    assert field("DB Real Time", **rows) == "As of 12:00:00 (0 s ago)"


def test_misses_stand_beside_the_last_answer_and_what_goes_on_beside_the_status() -> None:
    assert field("Last Answer", misses=3) == "12:00:00 (0 s ago), 3 misses"
    assert field("Status", activity="failback pending") == "OK, failback pending"


def test_what_stands_in_the_way_is_in_the_details_and_so_is_what_to_do() -> None:
    server = replace(SERVER, obstacle="00:11 answers ARP", notes=("never replicated",))
    said = [line.text for line in view.details(server, REPORT)]

    assert said[-2:] == ["00:11 answers ARP", "never replicated"]


def test_the_server_that_is_stood_in_for_is_marked_and_no_line_is_too_long() -> None:
    marked, other = (view.in_list(each, STANDING_IN, 20).text for each in STANDING_IN.servers)

    assert marked == "! FAILURE     DE.. *"
    assert other == "● OK          SECOND"


def test_the_banner_says_all_that_is_wrong() -> None:
    report = replace(STANDING_IN, warnings=("w",), advice=("a",), mails_waiting=2)
    alone = replace(report, monitor=replace(report.monitor, running=False))
    said = [line.text for line in view.banner(Seen(alone, UsageError("m", "h")))]

    assert said == [
        *("error: m", "  hint: h", "w", "* Stand-in: standing in for DEMOSERVER", "a"),
        "Messages that wait to be sent by mail: 2",
    ]


def test_what_a_running_monitor_tells_of_the_config_is_not_told_twice() -> None:
    gone = UsageError("no config file: there is no c.toml", "begin with init")
    report = replace(REPORT, advice=("the config on disk is broken: it is gone",))
    said = [line.text for line in view.banner(Seen(report, gone))]

    assert said == ["the config on disk is broken: it is gone"]


def test_without_any_server_it_says_how_to_add_one() -> None:
    said = [line.text for line in view.banner(Seen(replace(REPORT, servers=())))]

    assert said == ["No server is watched yet: ipfx-failover server add NAME"]


def test_the_title_does_not_say_that_a_monitor_runs_when_none_does() -> None:
    idle = replace(REPORT, monitor=replace(REPORT.monitor, running=False))

    assert view.title(Seen(REPORT)).startswith("IPFX Failover Server FAILOVER - monitor: process")
    assert "no monitor runs" in view.title(Seen(idle))
    assert view.title(Seen(None)) == "IPFX Failover Server"


def test_a_new_day_stands_on_a_line_of_its_own_in_the_log() -> None:
    events = [
        logged(1, EventKind.SERVER_ANSWERING, "DEMOSERVER", NOON),
        logged(2, EventKind.ISOLATION_ENDED, None, NOON + timedelta(days=1)),
    ]
    lines, day = view.log_lines(events, "2026-03-04")

    assert [line.text for line in lines] == [
        "12:00:00 DEMOSERVER: Answers pings",
        "2026-03-05",
        "12:00:00 Our own network is back; counting afresh",
    ]
    assert day == "2026-03-05"


@pytest.mark.parametrize(
    ("expected", "encoding", "environ"),
    [
        (True, "utf-8", {}),
        (True, "UTF-8", {"LANG": "en_NZ.UTF-8"}),
        (True, "utf-8", {"LC_ALL": "", "LANG": "C.UTF-8"}),
        (False, "utf-8", {"LC_ALL": "C"}),
        (False, "utf-8", {"LC_ALL": "C", "LANG": "en_NZ.UTF-8"}),
        (False, "utf-8", {"LC_CTYPE": "POSIX"}),
        (False, "iso8859-1", {"LANG": "en_NZ"}),
        (False, None, {}),
    ],
)
def test_a_terminal_shows_unicode_if_its_locale_says_so(
    expected: object, encoding: str | None, environ: dict[str, str]
) -> None:
    assert expected == speaks_unicode(encoding, environ)


def test_in_ascii_all_is_as_long_as_before() -> None:
    shown = "┌─Servers─┐│● OK ▂ ↔ Käse│"

    assert in_ascii(shown) == "+-Servers-+|+ OK # ~ K?se|"


def test_the_tools_have_keys_of_their_own() -> None:
    assert len({tool.key for tool in TOOLS}) == len(TOOLS)


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        ("Sure?", ['{"ok": false, "error": {"message": "m", "hint": "h", "question": "Sure?"}}']),
        (
            "warning: w\nSure?",
            ['{"error": {"message": "m", "hint": "h", "question": "Sure?", "warnings": ["w"]}}'],
        ),
        (
            Refusal(("d", "error: m", "  hint: h")),
            ["progress", '{"error": {"message": "m", "hint": "h", "details": ["d"]}}', ""],
        ),
        (None, ['{"ok": true}', "[1]", "Traceback"]),
        (None, []),
    ],
)
def test_a_question_is_found_in_what_a_command_printed(expected: object, lines: list[str]) -> None:
    assert expected == question_in(lines)
