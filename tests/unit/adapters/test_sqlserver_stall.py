"""What takes long is told from what stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.db.sqlserver.said import Said
from ipfx_failover.adapters.db.sqlserver.stall import Stall
from ipfx_failover.errors import Failed, Unreachable

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.session import SqlServer

_LIMIT_S = 0.3


@dataclass
class Looking:
    """A server whose list of requests says one row after the other, and then ends the work."""

    rows_said: list[tuple[Any, ...]]
    heard: SimpleQueue[Said | None]
    name: str = "DEMOSERVER"
    opened: int = 0
    closed: int = 0
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def open(self, catalog: str = "master") -> Looking:
        assert catalog == "master"
        self.opened += 1
        return self

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        assert "sys.dm_exec_requests" in sql
        self.asked.append(values)
        if not self.rows_said:
            self.heard.put(None)
            return []
        row = self.rows_said.pop(0)
        if row == ():
            raise Unreachable("lost", "try again")
        return [row]

    def close(self) -> None:
        self.closed += 1


def watched(said: list[tuple[Any, ...]]) -> tuple[Looking, list[int]]:
    """What was asked for and told while nothing was heard."""
    heard: SimpleQueue[Said | None] = SimpleQueue()
    server = Looking(said, heard)
    told: list[int] = []
    with Stall(cast("SqlServer", server), 52, SystemClock(), _LIMIT_S) as stall:
        assert list(stall.messages(heard, told.append)) == []
    return server, told


def test_what_says_nothing_and_moves_is_left_alone() -> None:
    """As behind 100 percent, when a restored catalog is recovered."""
    server, told = watched([(100.0, cpu, 0, 0) for cpu in range(30)])

    assert [100] * 30 == told
    assert (52,) == server.asked[0]
    assert (1, 1) == (server.opened, server.closed)


def test_percent_is_told_although_no_message_comes() -> None:
    _, told = watched([(1.5, 0, 0, 0), (7.2, 0, 0, 0)])

    assert [1, 7] == told


def test_what_does_not_move_is_ended() -> None:
    with pytest.raises(Failed) as caught:
        watched([(70.0, 1, 2, 3)] * 100)

    assert "DEMOSERVER has made no progress for 0.3 s" == caught.value.message


def test_a_server_that_does_not_say_is_asked_again_and_counts_as_standing() -> None:
    heard: SimpleQueue[Said | None] = SimpleQueue()
    server = Looking([()] * 100, heard)
    with (
        pytest.raises(Failed, match="no progress"),
        Stall(cast("SqlServer", server), 52, SystemClock(), _LIMIT_S) as stall,
    ):
        list(stall.messages(heard, lambda _: None))

    assert server.opened == server.closed > 1


def test_messages_are_passed_on_in_their_order() -> None:
    heard: SimpleQueue[Said | None] = SimpleQueue()
    said = [Said(3211, "10 percent processed."), Said(3014, "done")]
    for message in (*said, None):
        heard.put(message)
    server = Looking([], heard)
    with Stall(cast("SqlServer", server), 52, SystemClock(), _LIMIT_S) as stall:
        passed = list(stall.messages(heard, lambda _: None))

    assert said == passed
    assert 0 == server.opened
