"""What the main screen follows, with a real store: through resets, damage and config changes."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import InDoubt, Refused, UsageError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Mode
from ipfx_failover.screen.values import Seen
from ipfx_failover.screen.view import banner
from ipfx_failover.snapshot import write_snapshot
from ipfx_failover.state.store import DATABASE, Store
from ipfx_failover.wiring.watching import StateLook
from tests.support.office import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONFIG = """
[failover_server]
state_dir = '{state_dir}'
[servers.DEMOSERVER]
address = "192.0.2.1"
local_vm_dir = '{state_dir}/VM'
"""
_NOBODY = 65534
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def config(tmp_path: Path, state_dir: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(_CONFIG.format(state_dir=state_dir), "utf-8")
    return path


@pytest.fixture
def look(config: Path, state_dir: Path) -> Iterator[StateLook]:
    emit(state_dir, "first")
    with closing(StateLook(config)) as look:
        yield look


def emit(state_dir: Path, detail: str) -> None:
    with Store(state_dir) as store, store.transaction() as tx:
        tx.emit(Event(EventKind.RESUMED, NOW, "DEMOSERVER", {"detail": f" ({detail})"}))


def until(look: StateLook, condition: Callable[[Seen], bool]) -> Seen:
    """The first that is seen of which this is true."""

    def find() -> Seen | None:
        seen = look.look()
        return seen if seen is not None and condition(seen) else None

    return wait_for(find, "it is seen")


def texts(seen: Seen) -> list[str]:
    return [each.event.text for each in seen.log or ()]


def test_it_shows_the_log_once_and_then_what_is_new(look: StateLook, state_dir: Path) -> None:
    first = look.look()

    assert first is not None
    assert texts(first) == ["Resumed (first)"]

    emit(state_dir, "second")

    assert texts(until(look, lambda _: True)) == ["Resumed (second)"]


def test_nothing_is_seen_when_nothing_has_changed(look: StateLook) -> None:
    look.look()

    assert look.look() is None


def test_a_mode_that_a_command_has_changed_is_seen(look: StateLook, state_dir: Path) -> None:
    look.look()
    with Store(state_dir) as store, store.transaction() as tx:
        tx.set_mode("DEMOSERVER", Mode.SUSPENDED)
    seen = until(look, lambda _: True)

    assert seen.report is not None
    assert seen.report.servers[0].status == "SUSPENDED"


def test_a_damaged_store_is_a_problem_and_a_new_one_is_followed_from_its_beginning(
    look: StateLook, state_dir: Path
) -> None:
    look.look()
    path = state_dir / DATABASE
    path.replace(state_dir / "aside")
    path.write_bytes(b"not a database" * 1000)
    damaged = until(look, lambda seen: seen.problem is not None)

    assert isinstance(damaged.problem, InDoubt)
    assert damaged.report is None

    path.unlink()
    for side in state_dir.glob(f"{DATABASE}-*"):
        side.unlink()
    emit(state_dir, "anew")
    again = until(look, lambda seen: seen.report is not None)

    assert texts(again) == ["Resumed (anew)"]


def test_a_store_that_is_gone_leaves_nothing_known(look: StateLook, state_dir: Path) -> None:
    look.look()
    for path in state_dir.glob(f"{DATABASE}*"):
        path.unlink()
    seen = until(look, lambda _: True)

    assert seen.report is not None
    assert seen.report.warnings == ("no monitor has run yet: nobody watches the servers",)
    assert not (state_dir / DATABASE).exists()


def test_a_config_that_gets_broken_is_told_while_the_one_before_stays_in_use(
    look: StateLook, config: Path
) -> None:
    look.look()
    sound = config.read_text("utf-8")
    config.write_text(f"{sound}\n[servers.SECOND\n", "utf-8")
    broken = until(look, lambda seen: bool(seen.report and seen.report.advice))

    assert isinstance(broken.problem, UsageError)
    assert broken.report is not None
    assert [] == [line.text for line in banner(broken) if line.text.startswith("error: ")]
    assert broken.report.advice[0].startswith(f"the config is broken: {config}:")
    assert [server.name for server in broken.report.servers] == ["DEMOSERVER"]

    config.write_text(f'{sound}\n[servers.SECOND]\naddress = "192.0.2.2"\n', "utf-8")
    mended = until(look, lambda seen: bool(seen.report and not seen.report.advice))

    assert mended.report is not None
    assert [server.name for server in mended.report.servers] == ["DEMOSERVER", "SECOND"]


def test_another_state_directory_is_taken_up(look: StateLook, config: Path, tmp_path: Path) -> None:
    look.look()
    emit(tmp_path / "other", "elsewhere")
    config.write_text(_CONFIG.format(state_dir=tmp_path / "other"), "utf-8")

    assert texts(until(look, lambda seen: bool(seen.log))) == ["Resumed (elsewhere)"]


def test_there_is_nothing_to_look_at_without_a_config(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no config file"):
        StateLook(tmp_path / "none.toml")


def test_who_may_not_open_the_store_sees_the_snapshot_and_no_log() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        state_dir, config = directory / "state", directory / "config.toml"
        config.write_text(_CONFIG.format(state_dir=state_dir), "utf-8")
        emit(state_dir, "secret")
        with closing(StateLook(config)) as look:
            mine = look.look()
        assert mine is not None
        assert mine.report is not None
        write_snapshot(mine.report, state_dir)
        with without_rights_to(state_dir / DATABASE), closing(StateLook(config)) as look:
            seen = look.look()

        assert seen == Seen(mine.report, None, None)


def test_who_may_open_neither_store_nor_snapshot_is_told_what_to_do() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        config = directory / "config.toml"
        config.write_text(_CONFIG.format(state_dir=directory / "state"), "utf-8")
        emit(directory / "state", "secret")
        with (
            without_rights_to(directory / "state" / DATABASE),
            closing(StateLook(config)) as look,
        ):
            seen = look.look()

        assert seen is not None
        assert isinstance(seen.problem, Refused)
        assert seen.report is None


@contextmanager
def without_rights_to(path: Path) -> Iterator[None]:
    """As another user, if we are root; else as one who has taken the right away from himself."""
    am_root = os.geteuid() == 0
    path.chmod(0o600 if am_root else 0)
    if am_root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if am_root:
            os.seteuid(0)
        path.chmod(0o600)
