"""The table of `status` and what stands below it, at 80 columns."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ipfx_failover.cli.layout import wrapped
from ipfx_failover.cli.status import remarks, speaks_colours, table
from ipfx_failover.report.values import MonitorReport, ServerReport, StatusReport
from ipfx_failover.report.wording import in_local_time

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PROD = ServerReport(
    name="DEMOSERVER",
    address="192.168.11.101",
    port=100,
    status="FAILURE",
    mode="monitoring",
    liveness="failed",
    misses=15,
    activity="failback pending",
    authority="standby",
    stale=False,
    last_probe_at=None,
    last_answer_at=None,
    last_failover_at=None,
    database_as_of="2026-03-03T01:00:00+00:00",
    files_as_of="2026-03-04T11:59:30+00:00",
    next_replication_at=None,
    obstacle=None,
    notes=(),
    copy_as_of="2026-03-03T01:00:00+00:00",
)
IN_USE = (
    "not taken over: its address is in use: 02:00:c0:a8:0b:01 answers ARP, the adapter of "
    "DEMOSERVER itself: it ignores pings but is alive: switch DEMOSERVER off or disconnect it "
    "(fence), or take its address all the same: ipfx-failover failover-now DEMOSERVER --force"
)


def report(*servers: ServerReport, **more: object) -> StatusReport:
    values: dict[str, object] = {
        "as_of": NOW.isoformat(),
        "monitor": MonitorReport(running=True, pid=7, host="AKL", heartbeat_at=NOW.isoformat()),
        "standing_in_for": None,
        "stand_in_phase": None,
        "mails_waiting": 0,
        "warnings": (),
        "advice": (),
        "servers": servers,
    }
    return StatusReport(**{**values, **more})  # type: ignore[arg-type]


def server(**changes: object) -> ServerReport:
    return replace(PROD, **changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_whom_understands_and_wants_them(
    environ: dict[str, str], *, expected: bool
) -> None:
    assert expected == speaks_colours(environ)


def test_a_long_day_fits_into_80_columns() -> None:
    lines = table(
        report(PROD, server(name="B", status="OK", activity="idle", copy_as_of=None)),
        NOW,
        80,
        colours=False,
    )

    assert [
        "SERVER      ADDRESS         STATUS   ACTIVITY          DATABASE OF  FILES OF",
        "DEMOSERVER  192.168.11.101  FAILURE  failback pending  03-03 01:00  11:59:30",
        "B           192.168.11.101  OK       idle              -            11:59:30",
    ] == lines


def test_where_it_would_not_fit_the_address_is_left_out() -> None:
    lines = table(report(server(name="A" * 30)), NOW, 80, colours=False)

    assert "ADDRESS" not in lines[0]
    assert max(map(len, lines)) <= 80


def test_the_longest_name_fits_and_nothing_but_the_address_is_lost() -> None:
    lines = table(report(server(name="A" * 63, status="REPLICATING")), NOW, 80, colours=False)

    assert [
        f"{'SERVER':<63}  STATUS",
        f"{'A' * 63}  REPLICATING",
        "    activity: failback pending; database of: 03-03 01:00; files of: 11:59:30",
    ] == lines


def test_a_copy_of_another_year_has_its_year() -> None:
    (_, line) = table(
        report(server(files_as_of="2025-12-31T23:00:00+00:00")), NOW, 80, colours=False
    )

    assert line.endswith("2025-12-31")


def test_only_the_status_is_coloured_and_the_columns_stay() -> None:
    (_, line) = table(report(server(name="OK")), NOW, 80, colours=True)

    assert "\x1b[31;1mFAILURE\x1b[0m" in line
    assert line.startswith("OK ")


def test_what_is_wrong_comes_first_and_each_server_says_why() -> None:
    shown = remarks(
        report(
            server(obstacle="not taken over: x", notes=("the copy is out of date",)),
            warnings=("no monitor is running",),
            advice=("no reference target",),
            standing_in_for="B",
            stand_in_phase="standing in",
            mails_waiting=2,
        )
    )

    assert [
        "no monitor is running",
        "Stand-in: standing in for B",
        "DEMOSERVER: not taken over: x",
        "DEMOSERVER: the copy is out of date",
        "no reference target",
        "2 mails wait to be sent",
    ] == shown


@pytest.mark.parametrize(
    ("copy_as_of", "said"),
    [
        (NOW.isoformat(), "DEMOSERVER: hot, 2 s and 1 row behind"),
        (PROD.copy_as_of, "DEMOSERVER: hot, what is followed is 2 s and 1 row behind"),
    ],
)
def test_a_hot_copy_tells_how_far_it_is_behind_and_whether_all_of_it_is(
    copy_as_of: str, said: str
) -> None:
    rows = {"rows_as_of": NOW.isoformat(), "rows_lag_s": 2.0, "rows_behind": 1}

    assert [said] == remarks(report(server(copy_as_of=copy_as_of, **rows)))


def test_a_hot_copy_that_is_not_followed_tells_as_of_when_it_is_whole() -> None:
    rows = {"rows_as_of": PROD.copy_as_of, "rows_lag_s": 43.0, "rows_behind": None}
    said = f"DEMOSERVER: hot, with all rows as of {in_local_time(NOW)}"

    assert [said] == remarks(report(server(copy_as_of=NOW.isoformat(), **rows)))


def test_a_long_remark_is_broken_between_words_and_its_command_stays_whole() -> None:
    lines = wrapped(f"DEMOSERVER: {IN_USE}", 80)

    assert max(map(len, lines)) <= 80
    assert "  ipfx-failover failover-now DEMOSERVER --force" == lines[-1]
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_short_remark_stays_on_one_line() -> None:
    assert ["B: stale: ipfx-failover x B"] == wrapped("B: stale: ipfx-failover x B", 80)


def test_a_command_behind_other_words_stays_whole_too_and_two_are_broken_between_them() -> None:
    once = wrapped(f"DEMOSERVER: failback pending: restart {'it, ' * 8}then ipfx-failover x A", 80)
    twice = wrapped(
        f"A human is to decide: {'ipfx-failover stop-failover DEMOSERVER, or ' * 3}", 80
    )

    assert "  ipfx-failover x A" == once[-1]
    assert max(map(len, twice)) <= 80
    assert all(line.startswith("  ") for line in twice[1:])
