"""Whole passes over SSH: what a killed process leaves, and that the next one goes on from there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.ssh.connection import SshTarget
from ipfx_failover.files.names import OWN_PREFIX
from ipfx_failover.files.values import Direction
from tests.support import sync_process
from tests.support.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sshd import Sshd

FILES = 800
_TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and OWN_PREFIX not in str(path)
    }


@pytest.mark.parametrize("direction", list(Direction))
def test_a_killed_pass_leaves_whole_files_and_the_next_one_finishes_it(
    tmp_path: Path, sshd: Sshd, direction: Direction
) -> None:
    live, standby, state = (tmp_path / name for name in ("live", "standby", "state"))
    source = live if direction is Direction.FROM_LIVE else standby
    target = standby if direction is Direction.FROM_LIVE else live
    for root in (live, standby):
        root.mkdir()
    for number in range(FILES):
        file = source / "Mail" / str(number % 7) / f"{number}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(3000))
        os.utime(file, (1_700_000_000, 1_700_000_000))
    wanted = contents(source)

    kill_in_the_middle(target, str(live), str(standby), str(state), direction.value, sshd)
    arrived = contents(target)

    assert arrived
    assert arrived.items() <= wanted.items()

    sync = sync_process.built(
        str(live),
        str(standby),
        str(state),
        SshTarget("P", sshd.host, sshd.port, sshd.user, sshd.key_file, sshd.known_hosts_file),
    )
    with closing(sync):
        finished, again = sync.run(direction), sync.run(direction)

    assert wanted == contents(target)
    assert (None, 0) == (finished.problem, again.copied)
    # What the killed process had claimed was true, and was not copied again.
    assert finished.copied <= FILES - len(arrived) + 256
    assert not list(target.rglob(f"{OWN_PREFIX}-tmp-*"))


def kill_in_the_middle(
    target: Path, live: str, standby: str, state: str, direction: str, sshd: Sshd
) -> None:
    who = [sshd.host, str(sshd.port), sshd.user, str(sshd.key_file), str(sshd.known_hosts_file)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.sync_process", live, standby, state, direction, *who],
        cwd=_TOP,
    ) as process:
        pause = threading.Event()
        while process.poll() is None and len(list(target.rglob("*.wav"))) < FILES // 4:
            pause.wait(0.002)
        process.kill()
