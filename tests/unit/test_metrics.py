"""Metrics: the numbers of `status`, in a form that Prometheus reads, and documented."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ipfx_failover.decide.status import Status
from ipfx_failover.errors import Refused
from ipfx_failover.metrics import PREFIX, Measured, exposition
from ipfx_failover.records import PingTotals
from ipfx_failover.report.values import MonitorReport, ServerReport, StatusReport
from ipfx_failover.state.pings import add, ever
from ipfx_failover.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "examples" / "monitoring"
DEMO = ServerReport(
    name="DEMO",
    address="10.0.0.1",
    port=100,
    status="SUSPECT",
    mode="monitoring",
    liveness="suspect",
    misses=3,
    activity="idle",
    authority="live",
    stale=True,
    last_probe_at="2026-03-04T11:59:59+00:00",
    last_answer_at="2026-03-04T11:59:53+00:00",
    last_failover_at="2026-03-01T00:00:00+00:00",
    database_as_of="2026-03-04T11:00:00+00:00",
    files_as_of="2026-03-04T11:59:50+00:00",
    next_replication_at="2026-03-05T01:00:00+00:00",
    obstacle="its address is in use",
    notes=("the copy is out of date",),
    rows_as_of="2026-03-04T11:59:58+00:00",
    rows_lag_s=2.0,
    rows_behind=7,
)
NEW = replace(
    DEMO,
    name="NEW",
    status="UNKNOWN",
    authority="standby",
    stale=False,
    misses=0,
    rows_lag_s=None,
    rows_behind=None,
    last_probe_at=None,
    last_answer_at=None,
    last_failover_at=None,
    database_as_of=None,
    files_as_of=None,
    next_replication_at=None,
    obstacle=None,
    notes=(),
)
REPORT = StatusReport(
    as_of=NOON.isoformat(),
    monitor=MonitorReport(
        running=True, pid=7, host="AKL", heartbeat_at="2026-03-04T11:59:59+00:00"
    ),
    standing_in_for="new",
    stand_in_phase="standing in",
    mails_waiting=2,
    warnings=("cut off",),
    advice=(),
    servers=(DEMO, NEW),
)
PINGS = PingTotals("demo", NOON, 0, 100, 4, 900, 96_000, 5000, 200_000, 0, 0)
MEASURED = Measured(
    version="1.2",
    report=REPORT,
    config_ok=True,
    pings=(PINGS,),
    waiting={"mail": 2, "webhook team": 0},
)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, in the order of the labels' names."""
    return {
        (
            sample.name.removeprefix(PREFIX),
            *dict(sorted(sample.labels.items())).values(),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names(text: str) -> set[str]:
    return {name for name, *_ in samples(text)}


def test_the_numbers_are_those_of_status() -> None:
    expected: dict[tuple[str, ...], float] = {
        ("build_info", "1.2"): 1,
        ("monitor_up",): 1,
        ("monitor_heartbeat_timestamp_seconds",): NOON.timestamp() - 1,
        ("config_ok",): 1,
        ("warnings",): 1,
        ("outbox_pending", "mail"): 2,
        ("outbox_pending", "webhook team"): 0,
        **{("server_status", "DEMO", status): status == "SUSPECT" for status in Status},
        **{("server_status", "NEW", status): status == "UNKNOWN" for status in Status},
        ("standing_in", "DEMO"): 0,
        ("standing_in", "NEW"): 1,
        ("standby_ahead", "DEMO"): 0,
        ("standby_ahead", "NEW"): 1,
        ("copy_stale", "DEMO"): 1,
        ("copy_stale", "NEW"): 0,
        ("misses", "DEMO"): 3,
        ("misses", "NEW"): 0,
        ("notes", "DEMO"): 2,
        ("notes", "NEW"): 0,
        ("last_probe_timestamp_seconds", "DEMO"): NOON.timestamp() - 1,
        ("last_answer_timestamp_seconds", "DEMO"): NOON.timestamp() - 7,
        ("last_failover_timestamp_seconds", "DEMO"): NOON.timestamp() - 3.5 * 86_400,
        ("next_replication_timestamp_seconds", "DEMO"): NOON.timestamp() + 13 * 3600,
        ("replication_timestamp_seconds", "database", "DEMO"): NOON.timestamp() - 3600,
        ("replication_timestamp_seconds", "files", "DEMO"): NOON.timestamp() - 10,
        ("replication_age_seconds", "database", "DEMO"): 3600,
        ("replication_age_seconds", "files", "DEMO"): 10,
        ("rows_lag_seconds", "DEMO"): 2,
        ("rows_behind", "DEMO"): 7,
        ("probes_total", "DEMO"): 100,
        ("probes_lost_total", "DEMO"): 4,
        ("ping_seconds_count", "DEMO"): 96,
        ("ping_seconds_sum", "DEMO"): 0.096,
    }

    assert expected == samples(exposition(MEASURED))


def test_without_the_store_there_are_no_counters() -> None:
    shown = names(exposition(replace(MEASURED, pings=())))

    assert "probes_total" not in shown
    assert "server_status" in shown


def test_a_server_that_was_taken_out_of_the_config_has_no_metrics() -> None:
    gone = replace(PINGS, server="GONE")

    assert "GONE" not in exposition(replace(MEASURED, pings=(PINGS, gone)))


def test_without_the_package_it_is_said_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)  # as if it were not there

    with pytest.raises(Refused, match="prometheus-client, which is not installed") as caught:
        exposition(MEASURED)
    assert f"{sys.executable} -m pip install 'ipfx-failover[metrics]'" == caught.value.hint


@given(st.text())
def test_any_channel_name_can_be_read_back(name: str) -> None:
    shown = samples(exposition(replace(MEASURED, waiting={name: 1})))

    assert 1 == shown["outbox_pending", name]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        yield opened


def test_counters_never_get_smaller_however_old_the_first_ping(store: Store) -> None:
    minute = replace(PINGS, period_s=60)
    for day in range(0, 900, 300):
        at = datetime.fromtimestamp(NOON.timestamp() + day * 86_400, UTC)
        with store.transaction() as tx:
            add(tx, [replace(minute, begins_at=at)])

    (totals,) = ever(store)
    assert (300, 12, 288_000) == (totals.sent, totals.lost, totals.rtt_sum_us)


def documented() -> set[str]:
    table = (EXAMPLES / "README.md").read_text("utf-8").partition("## The metrics")[2]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_metric_is_documented_and_no_other() -> None:
    assert names(exposition(MEASURED)) == documented()


def test_the_alert_rules_use_metrics_that_there_are() -> None:
    rules = yaml.safe_load((EXAMPLES / "alert-rules.yaml").read_text("utf-8"))
    (group,) = rules["groups"]
    used = {name for rule in group["rules"] for name in metrics_in(rule["expr"])}

    assert used <= documented()
    assert len(group["rules"]) == len({rule["alert"] for rule in group["rules"]})
    for rule in group["rules"]:
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys() <= {*rule, "for"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_the_dashboard_uses_metrics_that_there_are() -> None:
    board = json.loads((EXAMPLES / "dashboard.json").read_text("utf-8"))
    used = metrics_in(json.dumps(board))

    assert {"server_status", "ping_seconds_sum", "replication_age_seconds"} <= used
    assert used <= documented()


def metrics_in(text: str) -> set[str]:
    return set(re.findall(rf"{PREFIX}(\w+)", text))


def test_statuses_in_the_alert_rules_are_statuses() -> None:
    text = (EXAMPLES / "alert-rules.yaml").read_text("utf-8")
    used = {word for said in re.findall(r'status=~?"(.*?)"', text) for word in said.split("|")}

    assert used <= set(Status)
