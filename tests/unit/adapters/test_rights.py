"""What this process may do, asked without doing it."""

from __future__ import annotations

import os
import subprocess

from ipfx_failover.adapters.linux.rights import may_end, missing
from tests.support.capabilities import CAP_NET_RAW, without

INIT = 1


def test_a_right_that_this_thread_lacks_is_missing() -> None:
    before = missing("CAP_NET_RAW")
    with without(CAP_NET_RAW):
        assert missing("CAP_NET_RAW") == ["CAP_NET_RAW"]

    assert missing("CAP_NET_RAW") == before


def test_our_own_process_may_be_ended_and_so_may_one_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()

    assert may_end(os.getpid())
    assert may_end(process.pid)


def test_another_users_process_may_not_be_ended() -> None:
    assert may_end(INIT) == (os.geteuid() == 0)
