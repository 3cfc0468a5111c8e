"""The manual's six statuses."""

from __future__ import annotations

import pytest

from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.decide.status import Status, status
from ipfx_failover.records import Mode

M, S, X = Mode.MONITORING, Mode.SUSPENDED, Mode.STOPPED
L = Liveness


@pytest.mark.parametrize(
    ("expected", "mode", "liveness", "replicating"),
    [
        (Status.OK, M, L.OK, False),
        (Status.SUSPECT, M, L.SUSPECT, False),
        (Status.FAILURE, M, L.FAILED, False),
        (Status.UNKNOWN, M, L.UNKNOWN, False),
        (Status.REPLICATING, M, L.OK, True),
        (Status.REPLICATING, M, L.SUSPECT, True),
        (Status.REPLICATING, M, L.UNKNOWN, True),
        (Status.FAILURE, M, L.FAILED, True),
        (Status.SUSPENDED, S, L.UNKNOWN, False),
        (Status.STOPPED, X, L.UNKNOWN, False),
        (Status.REPLICATING, S, L.UNKNOWN, True),
        (Status.REPLICATING, X, L.UNKNOWN, True),
        (Status.SUSPENDED, S, L.FAILED, False),
        (Status.STOPPED, X, L.FAILED, False),
        (Status.STOPPED, X, L.OK, False),
    ],
)
def test_the_status_table(
    expected: Status,
    mode: Mode,
    liveness: Liveness,
    replicating: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert expected is status(mode, liveness, replicating=replicating)


def test_nothing_but_an_answering_server_that_is_monitored_is_ok() -> None:
    ok = [
        (mode, liveness)
        for mode in Mode
        for liveness in Liveness
        if status(mode, liveness, replicating=False) is Status.OK
    ]

    assert [(M, L.OK)] == ok
