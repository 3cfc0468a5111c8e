"""Metrics over HTTP and in files: real sockets, greedy clients, ports that are taken."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.metrics_server import MetricsServer
from ipfx_failover.errors import Busy, Refused, UsageError
from ipfx_failover.snapshot import write_snapshot
from ipfx_failover.state.store import DATABASE, Store
from ipfx_failover.wiring.measuring import Meter, place_of, write
from tests.support.ports import free_port
from tests.support.processes import GENEROUS_S, ROOT, eventually
from tests.support.smtp_server import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

METRICS = (sys.executable, "-m", "ipfx_failover", "metrics", "--config")


@contextmanager
def served(draw: Callable[[], str], *, client_s: float = GENEROUS_S) -> Iterator[int]:
    server = MetricsServer(ip_address(HOST), 0, draw, client_s=client_s)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    with closing(http.client.HTTPConnection(HOST, port, timeout=GENEROUS_S)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def fail() -> str:
    raise Refused("the store is damaged", "look at it")


def test_they_are_served_at_metrics_and_at_the_root() -> None:
    with served(lambda: "up 1\n") as port:
        assert [(200, "up 1\n")] * 2 == [asked(port), asked(port, "/")]
        assert (404, "the metrics are at /metrics\n") == asked(port, "/other")
        assert (200, "") == asked(port, method="HEAD")
        assert 501 == asked(port, method="POST")[0]


def test_what_cannot_be_measured_is_said() -> None:
    with served(fail) as port:
        assert (503, "the store is damaged; look at it\n") == asked(port)


def test_one_client_more_than_there_is_room_for_is_sent_away() -> None:
    with served(lambda: "up 1\n") as port:
        idle = [socket.create_connection((HOST, port), GENEROUS_S) for _ in range(8)]
        try:
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                asked(port)
        finally:
            for client in idle:
                client.close()
        eventually(lambda: is_answered(port), "there is room again")


def is_answered(port: int) -> bool:
    try:
        return asked(port)[0] == 200
    except (http.client.HTTPException, ConnectionError):
        return False


def test_a_client_that_dawdles_is_cut_off() -> None:
    with (
        served(lambda: "up 1\n", client_s=0.2) as port,
        socket.create_connection((HOST, port), GENEROUS_S) as client,
    ):
        client.sendall(b"GET /metr")

        assert b"" == client.recv(100)


def test_a_port_that_is_taken_is_busy() -> None:
    with served(lambda: "") as port, pytest.raises(Busy, match="something else listens at 127"):
        MetricsServer(ip_address(HOST), port, lambda: "")


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(Refused, match=r"cannot listen at 192\.0\.2\.1 port 9469"):
        MetricsServer(ip_address("192.0.2.1"), 9469, lambda: "")


@pytest.mark.parametrize(
    "text", ["", "9469", ":9469", "localhost:9469", "127.0.0.1", "127.0.0.1:0", "1.2.3.4:70000"]
)
def test_what_is_no_place_to_listen_at_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no address and port to listen at"):
        place_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:9469", ("127.0.0.1", 9469)), ("[::1]:1", ("::1", 1)), ("::1:80", ("::1", 80))],
)
def test_a_place_to_listen_at_is_an_address_and_a_port(
    text: str, expected: tuple[str, int]
) -> None:
    address, port = place_of(text)

    assert expected == (str(address), port)


CONFIG = "[failover_server]\nstate_dir = '{state}'\n[servers.DEMO]\naddress = '10.0.0.1'\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(state=tmp_path / "state"))
    path.chmod(0o600)
    return path


def test_a_config_that_is_broken_later_is_told_and_measured_on(config: Path) -> None:
    meter = Meter(config)
    assert meter.measure().config_ok

    config.write_text(config.read_text() + "port = 'x'\n[")
    broken = meter.measure()

    assert not broken.config_ok
    assert ["DEMO"] == [server.name for server in broken.report.servers]


def test_the_outbox_shows_channels_in_which_nothing_waits(config: Path, tmp_path: Path) -> None:
    Store(tmp_path / "state").close()

    assert {"mail": 0} == Meter(config).measure().waiting


def test_who_may_not_open_the_store_measures_by_the_snapshot(config: Path, tmp_path: Path) -> None:
    report = replace(Meter(config).measure().report, mails_waiting=3)
    (tmp_path / "state" / DATABASE).mkdir(parents=True)  # it cannot be opened
    write_snapshot(report, tmp_path / "state")

    measured = Meter(config).measure()
    assert (report, {"mail": 3}, ()) == (measured.report, measured.waiting, measured.pings)


def test_a_file_is_replaced_in_one_step_and_is_for_all_to_read(tmp_path: Path) -> None:
    file = tmp_path / "failover.prom"
    write("up 1\n", file)
    write("up 0\n", file)

    assert ("up 0\n", 0o644) == (file.read_text(), file.stat().st_mode & 0o777)
    assert [file] == list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written: No such file or directory"):
        write("up 1\n", tmp_path / "nowhere" / "failover.prom")


def test_a_child_of_the_monitor_waits_for_a_port_that_is_taken(
    config: Path, tmp_path: Path
) -> None:
    port = free_port()
    with Store(tmp_path / "state") as store:
        with closing(socket.create_server((HOST, port))):
            child = subprocess.Popen(
                [*METRICS, config, "--until-eof", "--listen", f"{HOST}:{port}"],
                stdin=subprocess.PIPE,
                cwd=ROOT,
            )
            eventually(lambda: bool(store.last_cursor()), "the trouble is in the log")
        (logged,) = store.events_after(0)
    assert "Metrics cannot be served: something else listens" in logged.event.text
    assert child.poll() is None
    child.communicate()
    assert 130 == child.returncode


def test_alone_it_does_not_wait(config: Path) -> None:
    with closing(socket.create_server((HOST, 0))) as taken:
        done = subprocess.run(
            [*METRICS, config, "--listen", f"{HOST}:{taken.getsockname()[1]}"],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=ROOT,
        )

    assert (75, "") == (done.returncode, done.stdout)
    assert "error: something else listens at 127.0.0.1 port" in done.stderr


def test_as_json_they_are_one_document(config: Path) -> None:
    done = subprocess.run(
        [*METRICS, config, "--json"],
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    document = json.loads(done.stdout)

    (up,) = [each for each in document["metrics"] if each["name"] == "ipfx_failover_monitor_up"]
    assert ("gauge", [{"name": up["name"], "labels": {}, "value": 0}]) == (
        up["type"],
        up["samples"],
    )
