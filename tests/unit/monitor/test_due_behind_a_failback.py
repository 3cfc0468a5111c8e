"""When the monitor makes the whole copy that a hot standby needs behind a failback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.config.models import Config
from ipfx_failover.monitor.nightly import due
from ipfx_failover.records import RunOutcome
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.local_time import FakeLocalTime

if TYPE_CHECKING:
    from pathlib import Path

DEMO = "DEMO"
SERVER = {
    "address": "10.0.0.1",
    "replicate_daily": "01:00:00",
    "local_vm_dir": "/copy",
    "database": {"data_source": "/calls.db"},
    "ssh": {"user": "ipfx", "key_file": "/key"},
}
MINUTE_S = 60


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("replicate-from-live", 5)], False),  # it failed, and is tried again later
        ([("replicate-from-live", 31)], True),
        ([("replicate-from-live", 5), ("replicate-to-live", 1)], True),
        ([("replicate-to-live", 5), ("replicate-from-live", 1)], False),
    ],
)
def test_a_stale_copy_waits_for_no_run_that_was_before_the_failback(
    tmp_path: Path, *, runs: list[tuple[str, int]], expected: bool
) -> None:
    server = Config.model_validate({"servers": {DEMO: SERVER}}).servers[DEMO]
    clock = FakeClock()
    now_min = 60
    with Store(tmp_path) as store:
        for work, minutes_ago in runs:
            clock.advance((now_min - minutes_ago) * MINUTE_S)
            now_min = minutes_ago
            with store.transaction() as tx:
                tx.begin_run(DEMO, work, clock.now())
                tx.end_run(DEMO, work, clock.now(), RunOutcome.FAILED)
                tx.set_stale(DEMO, stale=True)
        clock.advance(now_min * MINUTE_S)

        assert expected == due(server, store, clock.now(), FakeLocalTime(clock))
