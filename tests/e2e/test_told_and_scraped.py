"""Hooks and metrics beside a monitor at work: whatever they do, it does its own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support.office import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

THE_FALL = ["server_suspect", "warning_count_reached", "server_failed"]
PLACE = "127.0.0.1:9469"
KEEPS = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read() + '\\n')"
HANGS = "import time; time.sleep(600)"
SCRAPES = f"import urllib.request as r; print(r.urlopen('http://{PLACE}/metrics').read().decode())"


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-ISc", code, *map(str, arguments)]


def told(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_hooks_that_hang_delay_neither_the_takeover_nor_the_mail_nor_another_hook(
    ready: FailoverServer, office: Office
) -> None:
    events = ["server_suspect", "server_failed", "stand_in_started"]
    file, address = ready.directory / "told", ready.directory / "address"
    file.touch()
    address.touch(mode=0o600)
    address.write_text("http://192.168.11.77/T0K3N")
    hanging = {"command": python(HANGS), "events": events, "timeout_s": 60.0}
    keeping = {"command": python(KEEPS, file), "events": events}
    nowhere = {"url": {"file": str(address)}, "events": events}
    commands = {"hanging": hanging, "keeping": keeping}
    ready.configure({"alerts": {"commands": commands, "webhooks": {"nowhere": nowhere}}})
    ready.watching_monitor()
    since = ready.cursor
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER", since=since)
    ready.wait_for_mail("has taken over")
    wait_for(lambda: len(told(file)) == 3 or None, "the other hook is told")

    kinds = [kind for kind in ready.kinds(since=since) if not kind.startswith("hook_")]
    assert [*THE_FALL, "takeover_started", "address_taken", "stand_in_started"] == kinds
    assert events == [each["kind"] for each in told(file)]
    assert "FAILOVER" == office.served_by(office.primary.address)
    failing = ready.wait_for_event("hook_failing", None, since=since)
    assert "webhook nowhere" in failing.text
    assert "T0K3N" not in "".join(command.out + command.err for command in ready.commands)


def test_a_hook_that_is_added_while_the_monitor_runs_is_told(ready: FailoverServer) -> None:
    file = ready.directory / "told"
    file.touch()
    ready.watching_monitor()
    pager = {"command": python(KEEPS, file), "events": ["suspended"]}
    ready.configure({"alerts": {"commands": {"pager": pager}}})
    ready.wait_for_event("config_changed", None)
    ready.run("suspend", "DEMOSERVER")
    wait_for(lambda: told(file) or None, "the hook is told")

    assert [("suspended", "DEMOSERVER")] == [(each["kind"], each["server"]) for each in told(file)]


def test_a_hook_is_told_by_a_command_where_no_monitor_runs(ready: FailoverServer) -> None:
    file = ready.directory / "told"
    pager = {"command": python(KEEPS, file), "events": ["suspended", "resumed", "stopped"]}
    ready.configure({"alerts": {"commands": {"pager": pager}}})
    for verb in ("suspend", "resume", "stop"):
        ready.run(verb, "DEMOSERVER")

    assert ["suspended", "resumed", "stopped"] == [each["kind"] for each in told(file)]
    assert '"STOPPED"' in (ready.state_dir / "status.json").read_text("utf-8")


def test_metrics_are_served_beside_a_monitor_and_tell_of_a_stand_in(
    ready: FailoverServer, office: Office
) -> None:
    monitor = ready.start("monitor", "--metrics", PLACE)
    ready.wait_for_event("server_answering", "DEMOSERVER")
    wait_for(lambda: scraped(ready).get("monitor_up") or None, "the metrics are served")
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER")
    wait_for(lambda: scraped(ready)["standing_in"] or None, "they tell of the stand-in")

    assert monitor.stop() == 0
    assert {} == scraped(ready)


def scraped(failover: FailoverServer) -> dict[str, float]:
    """The metrics of DEMOSERVER and of the Failover Server; none while nobody serves them."""
    answer = failover.host.run(*python(SCRAPES), check=False)
    return {
        sample.name.removeprefix("ipfx_failover_"): sample.value
        for family in text_string_to_metric_families(answer.stdout)
        for sample in family.samples
    }


def test_who_serves_metrics_has_no_secret(ready: FailoverServer) -> None:
    hook = {"url": {"env": "PATH"}, "events": ["suspended"]}  # a variable that the monitor has
    ready.configure({"alerts": {"webhooks": {"secret": hook}}})
    ready.start("monitor", "--metrics", PLACE)
    wait_for(lambda: scraped(ready).get("monitor_up") or None, "the metrics are served")
    config = str(ready.config_path)
    [serving] = [each for each in psutil.process_iter() if {"metrics", config} <= words_of(each)]

    assert "HOME" in serving.environ()
    assert "PATH" not in serving.environ()


def words_of(process: psutil.Process) -> set[str]:
    try:
        return set(process.cmdline())
    except psutil.Error:
        return set()
