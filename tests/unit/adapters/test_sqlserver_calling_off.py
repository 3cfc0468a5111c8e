"""A statement is called off on a server that does not even hear that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.db.sqlserver.helper import Helper
from ipfx_failover.adapters.db.sqlserver.session import Manner, OdbcSession
from ipfx_failover.adapters.db.sqlserver.stall import Stall
from ipfx_failover.errors import Unreachable
from ipfx_failover.progress import unreported
from tests.fakes.sql_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

GENEROUS_S = 20.0
MANNER = Manner(
    name="DEMOSERVER",
    statement_timeout_s=0.1,
    is_fast=True,
    watch=lambda number: Stall(ScriptedServer("DEMOSERVER"), number, SystemClock(), 1.0),
    report=unreported,
    grace_s=0.1,
)


class DeafConnection:
    """A driver's connection and cursor: no call comes back until the server hears again."""

    def __init__(self) -> None:
        self.hears = threading.Event()
        self.called_off = threading.Event()
        self.has_returned = False

    def cursor(self) -> DeafConnection:
        return self

    def execute(self, _: str) -> None:
        self.hears.wait(GENEROUS_S)

    def cancel(self) -> None:
        self.called_off.set()
        self.hears.wait(GENEROUS_S)
        self.has_returned = True

    def close(self) -> None:
        self.hears.wait(GENEROUS_S)


@pytest.fixture
def deaf() -> Iterator[DeafConnection]:
    made = DeafConnection()
    yield made
    made.hears.set()


def test_nobody_waits_for_a_server_that_does_not_hear_that_a_statement_is_called_off(
    deaf: DeafConnection,
) -> None:
    with OdbcSession(deaf, Helper("a session"), MANNER) as session, pytest.raises(Unreachable):
        session.run("BACKUP DATABASE [CTSERVER] TO DISK = N'/a.bak'")

    assert deaf.called_off.wait(GENEROUS_S)
    assert not deaf.has_returned
