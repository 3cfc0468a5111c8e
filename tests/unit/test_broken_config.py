"""With a typo in the config file one still sees what is, and what was: in the state."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.cli.app import main
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Concern, Condition, MonitorRecord, Phase, StandIn
from ipfx_failover.snapshot import read_snapshot, write_snapshot
from ipfx_failover.state.locks import MONITOR, Locks
from ipfx_failover.state.store import Store
from ipfx_failover.wiring.looking import CONFIG_IN_USE, drawn, from_snapshot, outline_at
from ipfx_failover.wiring.watching import StateLook

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
CONFIG = """\
[failover_server]
state_dir = '{state}'
[network
ping_interval_ms = 3000
[servers.DEMO]
address = '192.0.2.1'
local_vm_dir = '{state}/VM'
"""


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of an installation that stands in for DEMO."""
    monkeypatch.setenv("COLUMNS", "1000")
    made = tmp_path / "state"
    with Store(made) as store, store.transaction() as tx:
        tx.claim_stand_in(StandIn("DEMO", "a boot", NOW, Phase.STANDING_IN, None, None))
        tx.emit(Event(EventKind.RESUMED, NOW, "DEMO", {"detail": ""}))
    return made


@pytest.fixture
def config(tmp_path: Path, state_dir: Path) -> str:
    """A config that was right until a snapshot was written, and has a line that ends too soon."""
    path = tmp_path / "config.toml"
    text = CONFIG.format(state=state_dir)
    path.write_text(text.replace("[network\n", "[network]\n"), "utf-8")
    with Store(state_dir) as store:
        write_snapshot(drawn(outline_at(path), store, SystemClock()), state_dir)
    path.write_text(text, "utf-8")
    return str(path)


def test_status_shows_the_servers_and_the_stand_in(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["status", "--config", config])
    shown = capsys.readouterr()

    assert (0, "") == (code, shown.err)
    assert "DEMO    192.0.2.1  UNKNOWN  standing in" in shown.out
    assert "the config is broken: " in shown.out
    assert "config.toml:3:" in shown.out
    assert "put [servers.DEMO] back" not in shown.out


def test_without_a_snapshot_status_shows_the_stand_in(
    config: str, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state_dir / "status.json").unlink()
    code = main(["status", "--config", config])
    shown = capsys.readouterr()

    assert (0, "") == (code, shown.err)
    assert "Stand-in: standing in for DEMO" in shown.out
    assert "put [servers.DEMO] back" not in shown.out


def test_what_the_monitor_tells_of_the_config_is_not_said_twice(
    config: str, state_dir: Path
) -> None:
    clock = SystemClock()
    now = clock.now()
    told = Condition(Concern.CONFIG, None, "the config on disk is broken", "mend it", now)
    with Store(state_dir) as store, Locks(state_dir / "locks").hold(MONITOR, "monitor"):
        with store.transaction() as tx:
            tx.set_monitor(MonitorRecord(7, "AKL", "a boot", now, now))
            tx.set_conditions([told])
        report = drawn(outline_at(Path(config)), store, clock)

    assert ("the config on disk is broken: mend it",) == report.advice


@pytest.mark.parametrize("runs", [False, True])
def test_who_may_not_read_the_store_is_told_of_it_once(
    config: str, state_dir: Path, *, runs: bool
) -> None:
    seen = read_snapshot(state_dir)
    assert seen is not None
    write_snapshot(replace(seen, monitor=replace(seen.monitor, running=runs)), state_dir)
    outline = outline_at(Path(config))
    shown = from_snapshot(outline, SystemClock())
    told_by_us = () if runs else (outline.warning,)  # a monitor that runs has told of it itself

    assert shown is not None
    assert told_by_us == shown.advice


@pytest.fixture
def in_use(config: str, state_dir: Path) -> Path:
    """The config before, as a monitor has kept it."""
    path = state_dir / CONFIG_IN_USE
    path.write_text(Path(config).read_text("utf-8").replace("[network\n", "[network]\n"), "utf-8")
    path.chmod(0o600)
    return path


def test_what_the_monitor_had_taken_up_is_known_whole(config: str, in_use: Path) -> None:
    before = replace(outline_at(in_use), problem=None)

    assert before == replace(outline_at(Path(config)), problem=None)
    assert not before.servers[0].has_database


def test_the_mode_is_changed_by_the_config_that_the_monitor_had_taken_up(
    config: str, in_use: Path, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = [main([verb, "demo", "--config", config]) for verb in ("suspend", "resume")]
    said = capsys.readouterr()

    assert in_use.exists()
    assert [0, 0] == codes
    assert 2 == said.err.count("warning: the config is broken: ")
    assert "the one that a monitor took up last is used: ipfx-failover config check" in said.err
    with Store(state_dir) as store:
        assert ["suspended", "resumed"] == [e.event.kind for e in store.events_after(0)][1:]


def test_where_no_monitor_has_run_the_broken_config_is_an_error(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["suspend", "DEMO", "--config", config])

    assert 2 == code
    assert "config.toml:3:9: a table's header is not closed" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["log", "history"])
def test_the_past_is_shown_with_a_warning(
    command: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([command, "--config", config])
    shown = capsys.readouterr()

    assert 0 == code
    assert {"log": "Resumed", "history": "Failovers: none"}[command] in shown.out
    assert shown.err.startswith("warning: the config is broken: ")
    assert 1 == shown.err.count("\n")


def test_the_file_of_the_metrics_says_that_the_config_is_broken(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ipfx.prom"
    code = main(["metrics", "--output", str(file), "--config", config])

    assert 0 == code
    assert "ipfx_failover_config_ok 0.0" in file.read_text()
    assert capsys.readouterr().err.startswith("warning: the config is broken: ")


def test_the_main_screen_opens(config: str) -> None:
    with closing(StateLook(Path(config))) as look:
        seen = look.look()

    assert seen is not None
    assert seen.report is not None
    assert ["DEMO"] == [server.name for server in seen.report.servers]
    assert 1 == len([each for each in seen.report.advice if "the config is broken" in each])
    assert isinstance(seen.problem, ConfigError)


def test_where_there_is_no_state_it_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(state=tmp_path / "none"), "utf-8")
    codes = [main([each, "--config", str(path)]) for each in ("status", "log", "metrics")]

    assert [2, 2, 2] == codes
    assert 3 == capsys.readouterr().err.count("error: 1 problem in ")


def test_a_server_that_is_stood_in_for_and_not_in_the_config_is_told_of(
    state_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[failover_server]\nstate_dir = '{state_dir}'\n", "utf-8")
    code = main(["config", "check", "--config", str(path)])
    again = main(["stop-failover", "demo", "--yes", "--config", str(path)])
    said = capsys.readouterr()

    assert (0, 2) == (code, again)
    assert "DEMO is stood in for, and is not in it: put [servers.DEMO] back" in said.out
    assert "error: the config does not name DEMO, which is stood in for\n" in said.err
