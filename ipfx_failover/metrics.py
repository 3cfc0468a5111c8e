"""The status as Prometheus metrics: the same numbers as `status`, with units in their names.

Times are seconds since 1970, and absent where something never happened. Labels are bounded: the
servers and hooks of the config, and fixed words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ipfx_failover.decide.status import Status
from ipfx_failover.errors import MissingPackage
from ipfx_failover.records import Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client.core import GaugeMetricFamily, Metric

    from ipfx_failover.records import PingTotals
    from ipfx_failover.report.values import ServerReport, StatusReport

PREFIX = "ipfx_failover_"

_TIMES: tuple[tuple[str, str, Callable[[ServerReport], str | None]], ...] = (
    ("last_probe", "When it was last pinged.", lambda server: server.last_probe_at),
    ("last_answer", "When it last answered a ping.", lambda server: server.last_answer_at),
    ("last_failover", "When it was last taken over.", lambda server: server.last_failover_at),
    ("next_replication", "When its database is due.", lambda server: server.next_replication_at),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the metrics are drawn from.

    `pings`: of each server, since its first one; empty where the store may not be opened.
    `waiting`: messages in each channel of the outbox. `config_ok`: whether the config on the disk
    is right.
    """

    version: str
    report: StatusReport
    config_ok: bool
    pings: Sequence[PingTotals] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)


def exposition(measured: Measured) -> str:
    """The metrics in the text format 0.0.4, as the textfile collector and scrapes read it.

    Raises:
        MissingPackage: prometheus-client is not installed.
    """
    require_package()
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(measured))
    return generate_latest(registry).decode()


def families(measured: Measured) -> list[Metric]:
    """The metrics as values.

    Raises:
        MissingPackage: prometheus-client is not installed.
    """
    require_package()
    return list(_Collector(measured).collect())


def require_package() -> None:
    """Make sure that the package is there.

    Raises:
        MissingPackage: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("prometheus_client") is None:
        raise MissingPackage("Prometheus output", "prometheus-client", extra="metrics")


class _Collector:
    """What a registry of prometheus_client asks for the metrics."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._as_of_s = _seconds(measured.report.as_of) or 0.0

    def collect(self) -> Iterator[Metric]:
        yield from self._of_the_failover_server()
        for server_metric in self._of_the_servers():
            yield from server_metric

    def _of_the_failover_server(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        measured, report = self._measured, self._measured.report
        info = _gauge("build_info", "Always 1; the version is a label.", "version")
        info.add_metric([measured.version], 1)
        yield info
        yield GaugeMetricFamily(
            f"{PREFIX}monitor_up", "Whether a monitor runs.", value=report.monitor.running
        )
        heartbeat = _gauge("monitor_heartbeat_timestamp_seconds", "When it last judged a round.")
        _add(heartbeat, [], _seconds(report.monitor.heartbeat_at))
        yield heartbeat
        yield GaugeMetricFamily(
            f"{PREFIX}config_ok", "Whether the config file is right.", value=measured.config_ok
        )
        yield GaugeMetricFamily(
            f"{PREFIX}warnings",
            "How many reasons there are why nobody is watched or taken over; see status.",
            value=len(report.warnings),
        )
        pending = _gauge("outbox_pending", "Messages that wait to be sent.", "channel")
        for channel, count in sorted(measured.waiting.items()):
            pending.add_metric([channel], count)
        yield pending

    def _of_the_servers(self) -> Iterator[Iterator[Metric]]:
        yield self._states()
        yield self._times()
        yield self._copies()
        yield self._rows()
        if self._measured.pings:
            yield self._pings()

    def _states(self) -> Iterator[Metric]:
        report = self._measured.report
        states = _gauge(
            "server_status", "1 for the status that the server has, else 0.", "server", "status"
        )
        for server in report.servers:
            for status in Status:
                states.add_metric([server.name, status], server.status == status)
        yield states
        role = (report.standing_in_for or "").casefold()
        yield self._each(
            "standing_in",
            "Whether the Failover Server stands in for it.",
            lambda server: server.name.casefold() == role,
        )
        yield self._each(
            "standby_ahead",
            "Whether only the standby has its newest data: nothing is copied from live.",
            lambda server: server.authority == Authority.STANDBY,
        )
        yield self._each(
            "copy_stale",
            "Whether its copy missed changes, and is out of date until the next full replication.",
            lambda server: server.stale,
        )
        yield self._each(
            "misses", "Failed pings in a row, while a monitor runs.", lambda server: server.misses
        )
        yield self._each(
            "notes",
            "How many things are to be done, or speak against a takeover; see status.",
            lambda server: len(server.notes) + (server.obstacle is not None),
        )

    def _times(self) -> Iterator[Metric]:
        for name, text, of in _TIMES:
            metric = _gauge(f"{name}_timestamp_seconds", text, "server")
            for server in self._measured.report.servers:
                _add(metric, [server.name], _seconds(of(server)))
            yield metric

    def _copies(self) -> Iterator[Metric]:
        at = _gauge(
            "replication_timestamp_seconds", "As of when it was copied whole.", "server", "copy"
        )
        age = _gauge("replication_age_seconds", "Since it was copied whole.", "server", "copy")
        for server in self._measured.report.servers:
            copies = {"database": server.database_as_of, "files": server.files_as_of}
            for copy, as_of in copies.items():
                as_of_s = _seconds(as_of)
                _add(at, [server.name, copy], as_of_s)
                if as_of_s is not None:
                    age.add_metric([server.name, copy], max(0.0, self._as_of_s - as_of_s))
        yield at
        yield age

    def _rows(self) -> Iterator[Metric]:
        lag = _gauge("rows_lag_seconds", "How far the rows of a hot standby are behind.", "server")
        behind = _gauge("rows_behind", "How many rows a hot standby is known to lack.", "server")
        for server in self._measured.report.servers:
            _add(lag, [server.name], server.rows_lag_s)
            _add(behind, [server.name], server.rows_behind)
        yield lag
        yield behind

    def _pings(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

        probes = CounterMetricFamily(
            f"{PREFIX}probes",
            "Pings that count, added up each minute.",
            labels=["server"],
        )
        lost = CounterMetricFamily(
            f"{PREFIX}probes_lost", "Of these, how many were not answered.", labels=["server"]
        )
        times = SummaryMetricFamily(
            f"{PREFIX}ping_seconds", "Round trips of those that were.", labels=["server"]
        )
        known = {server.name.casefold(): server.name for server in self._measured.report.servers}
        for each in self._measured.pings:
            if (name := known.get(each.server.casefold())) is not None:
                probes.add_metric([name], each.sent)
                lost.add_metric([name], each.lost)
                times.add_metric([name], each.sent - each.lost, each.rtt_sum_us / 1e6)
        yield from (probes, lost, times)

    def _each(self, name: str, text: str, value: Callable[[ServerReport], float]) -> Metric:
        metric = _gauge(name, text, "server")
        for server in self._measured.report.servers:
            metric.add_metric([server.name], value(server))
        return metric


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _add(metric: GaugeMetricFamily, labels: list[str], value: float | None) -> None:
    if value is not None:
        metric.add_metric(labels, value)


def _seconds(iso: str | None) -> float | None:
    return None if iso is None else datetime.fromisoformat(iso).timestamp()
