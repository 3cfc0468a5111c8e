"""The steps of replicating SQL Servers, and when each of them may be killed."""

from __future__ import annotations

import pytest

from ipfx_failover.replication import steps
from ipfx_failover.replication.sqlserver import steps as own
from ipfx_failover.replication.sqlserver.read_only import READ_ONLY
from tests.support.killed import Moment

FROM_LIVE = (
    own.PREFLIGHT,
    steps.BACK_UP,
    steps.CARRY,
    own.RESTORE,
    own.PREPARE,
    steps.VERIFY,
    steps.SWAP,
    own.KEEP,
    steps.TIDY,
)
TO_LIVE = (
    own.PREFLIGHT,
    steps.CLOSE_DOWN,
    READ_ONLY,
    steps.BACK_UP,
    steps.BACK_UP,
    steps.CARRY,
    own.RESTORE,
    own.PREPARE_FOR_LIVE,
    steps.VERIFY,
    steps.SYNC_FILES,
    steps.CLOSE_DOWN,
    steps.SWAP,
    steps.TIDY,
)
HOT = (*FROM_LIVE[:6], own.CATCH_UP, *FROM_LIVE[6:])
BEFORE_DONE = (Moment.BEGUN, Moment.ACTED)


def since_the_swap(kinds: tuple[str, ...]) -> pytest.MarkDecorator:
    """Each step from the swap on: begun, acted; and the last one done."""
    first, last = kinds.index(steps.SWAP), len(kinds) - 1
    moments = [(at, moment) for at in range(first, len(kinds)) for moment in BEFORE_DONE]
    return pytest.mark.parametrize(("position", "moment"), [*moments, (last, Moment.DONE)])
