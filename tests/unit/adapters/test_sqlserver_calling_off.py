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


class TouchyConnection(DeafConnection):
    """Its call comes back as soon as it is called off; closed meanwhile, it would crash."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = threading.Event()
        self.is_called_off = threading.Event()
        self.would_crash = False

    def execute(self, _: str) -> None:
        self.called_off.wait(GENEROUS_S)

    def cancel(self) -> None:
        self.called_off.set()
        # Nobody is to close it as long as this lasts.
        self.would_crash = self.is_closed.wait(0.2)
        self.is_called_off.set()

    def close(self) -> None:
        self.is_closed.set()


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


def test_a_cursor_is_not_closed_while_its_statement_is_called_off() -> None:
    touchy = TouchyConnection()
    with OdbcSession(touchy, Helper("a session"), MANNER) as session, pytest.raises(Unreachable):
        session.run("BACKUP DATABASE [CTSERVER] TO DISK = N'/a.bak'")

    assert touchy.is_called_off.wait(GENEROUS_S)
    assert touchy.is_closed.wait(GENEROUS_S)
    assert not touchy.would_crash
