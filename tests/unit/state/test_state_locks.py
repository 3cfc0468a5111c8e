"""Kernel locks by resource, between real processes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, Refused
from ipfx_failover.state import locks
from ipfx_failover.state.locks import Locks, process_created_at
from tests.support.processes import child, eventually

if TYPE_CHECKING:
    from pathlib import Path

HOLD = (
    "import sys; from pathlib import Path; from ipfx_failover.state.locks import Locks\n"
    "with Locks(Path(sys.argv[1])).hold('DEMO/database', 'replicate-from-live DEMO'):\n"
    "    print('holding', flush=True); sys.stdin.readline()"
)


def test_who_comes_second_is_told_who_is_at_it(tmp_path: Path) -> None:
    with child(HOLD, tmp_path) as first:
        assert "holding" == first.line()

        with pytest.raises(Busy) as caught, Locks(tmp_path).hold("DEMO/database", "failover-now"):
            pass

    assert (
        f"DEMO/database is in use by process {first.pid} (replicate-from-live DEMO)"
        == caught.value.message
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("failover-now DEMO --yes", "ipfx-failover failover-now DEMO --yes"),
        ("sync-files --watch --config /a/b --until-eof", "ipfx-failover sync-files --watch"),
        ("--config=/a/b suspend DEMO", "ipfx-failover suspend DEMO"),
    ],
)
def test_a_command_is_told_without_where_its_config_is(arguments: str, words: str) -> None:
    assert words == locks.command_in_words(arguments.split())


def test_the_holder_can_be_asked_for_without_touching_the_lock(tmp_path: Path) -> None:
    ours = Locks(tmp_path)
    assert ours.holder("DEMO/database") is None
    with child(HOLD, tmp_path) as first:
        assert "holding" == first.line()
        holder = ours.holder("DEMO/database")

        assert holder is not None
        assert (first.pid, "replicate-from-live DEMO") == (holder.pid, holder.work)
        first.say("end")
        assert (0, "") == first.finish()
    assert ours.holder("DEMO/database") is None


def test_all_that_is_held_can_be_asked_for_in_one_go(tmp_path: Path) -> None:
    ours = Locks(tmp_path / "locks")
    asked = [ours.held()]
    (tmp_path / "locks").mkdir()
    with ours.hold(locks.MONITOR, "monitor"), ours.hold(locks.database("Demo-1"), "replicate"):
        with ours.hold(locks.files("Demo-1"), "sync-files"):
            pass
        asked.append(ours.held())
    with child(HOLD, tmp_path / "locks") as killed:
        assert "holding" == killed.line()
        asked.append(ours.held())
        killed.kill()
        asked.append(ours.held())

    assert [set(), {"monitor", "DEMO-1/database"}, {"DEMO/database"}, set()] == asked


def test_a_killed_holder_frees_its_lock_and_is_not_named_any_more(tmp_path: Path) -> None:
    ours = Locks(tmp_path)
    with child(HOLD, tmp_path) as first:
        assert "holding" == first.line()
        first.kill()

        assert ours.holder("DEMO/database") is None
        with ours.hold("DEMO/database", "failover-now"):
            holder = ours.holder("DEMO/database")

    assert holder is not None
    assert os.getpid() == holder.pid


def test_a_process_that_got_the_id_of_a_dead_holder_is_not_taken_for_it(tmp_path: Path) -> None:
    created_at = process_created_at(os.getpid())
    assert created_at is not None
    record = {"pid": os.getpid(), "created_at": created_at - 1, "work": "monitor"}
    (tmp_path / "monitor.holder").write_text(json.dumps(record), encoding="utf-8")

    assert Locks(tmp_path).holder(locks.MONITOR) is None


def test_a_waiting_process_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    with child(HOLD, tmp_path) as first:
        assert "holding" == first.line()
        first.say("end")

        with Locks(tmp_path).hold("DEMO/database", "failover-now", wait_s=60):
            pass


def test_who_let_go_is_not_the_holder_any_more_though_it_lives(tmp_path: Path) -> None:
    ours = Locks(tmp_path)
    with ours.hold("DEMO/database", "replicate-from-live"):
        pass

    assert ours.holder("DEMO/database") is None


def test_the_locks_of_different_resources_are_independent(tmp_path: Path) -> None:
    ours = Locks(tmp_path)
    with (
        ours.hold(locks.database("demo"), "one"),
        ours.hold(locks.files("demo"), "two"),
        ours.hold(locks.database("other"), "three"),
    ):
        pass


def test_the_case_of_a_server_makes_no_second_lock(tmp_path: Path) -> None:
    ours = Locks(tmp_path)
    with (
        ours.hold(locks.database("demo"), "one"),
        pytest.raises(Busy),
        ours.hold(locks.database("DEMO"), "two"),
    ):
        pass


def test_one_process_cannot_hold_a_lock_twice(tmp_path: Path) -> None:
    with (
        Locks(tmp_path).hold("DEMO/database", "one"),
        pytest.raises(Busy, match=f"process {os.getpid()} "),
        Locks(tmp_path).hold("DEMO/database", "two"),
    ):
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    ours = Locks(tmp_path)
    with pytest.raises(ValueError, match="of the work"), ours.hold("DEMO/database", "one"):
        raise ValueError("of the work")

    with ours.hold("DEMO/database", "two"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "created_at": 1}'])
def test_a_holder_that_was_written_by_halves_is_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "monitor.holder").write_text(text, encoding="utf-8")

    assert Locks(tmp_path).holder(locks.MONITOR) is None


def test_a_holder_that_cannot_be_written_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    (tmp_path / "stand-in.holder").mkdir()
    ours = Locks(tmp_path)

    with (
        ours.hold(locks.STAND_IN, "failover-now"),
        pytest.raises(Busy, match="another process"),
        ours.hold(locks.STAND_IN, "failover-now"),
    ):
        pass
    with ours.hold(locks.STAND_IN, "failover-now"):
        pass


def test_a_lock_whose_holder_is_not_named_is_held_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "DEMO.database.holder").mkdir()
    ours, seen = Locks(tmp_path), []
    seen.append(ours.is_held("DEMO/database"))
    with child(HOLD, tmp_path) as first:
        assert "holding" == first.line()
        seen.append(ours.is_held("DEMO/database"))
        first.kill()
        seen.append(ours.is_held("DEMO/database"))

    assert [False, True, False] == seen


def test_a_lock_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(Refused, match="cannot be made"), Locks(tmp_path / "file").hold("a", "b"):
        pass


def test_a_process_is_told_apart_from_one_that_does_not_live() -> None:
    with child("input()") as alive:
        assert process_created_at(alive.pid) == process_created_at(alive.pid)
        assert process_created_at(alive.pid) is not None
        alive.process.kill()
        # It is not waited for yet: where there are zombies, it is one, and holds nothing.
        eventually(lambda: process_created_at(alive.pid) is None, "the process is gone")
