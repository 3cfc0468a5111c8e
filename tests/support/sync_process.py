"""One pass of file sync as a process of its own, for tests that kill it.

`python3 sync_process.py LIVE STANDBY STATE DIRECTION HOST PORT USER KEY KNOWN_HOSTS`; the live
tree is reached by SSH.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.local_tree import LocalTree
from ipfx_failover.adapters.ssh.connection import SshConnection, SshTarget
from ipfx_failover.adapters.ssh.host import SshHost
from ipfx_failover.adapters.ssh.tree import SftpTree
from ipfx_failover.files.manifest import Manifest
from ipfx_failover.files.sync import FileSync, SyncRules
from ipfx_failover.files.values import Direction
from tests.support.sync import Row, selection


def built(live: str, standby: str, state: str, target: SshTarget) -> FileSync:
    connection = SshConnection(target)
    tree = SftpTree(connection, SshHost(connection), live)
    here = LocalTree(Path(standby))
    return FileSync(
        live=tree,
        standby=here,
        manifest=Manifest(Path(state) / "P.db", live=tree.location, standby=here.location),
        rules=SyncRules(selection(Row("")), deletion_cap_percent=100, trash_days=14),
        clock=SystemClock(),
    )


def main() -> None:
    live, standby, state, direction, host, port, user, key, known_hosts = sys.argv[1:]
    target = SshTarget("P", host, int(port), user, Path(key), Path(known_hosts))
    with closing(built(live, standby, state, target)) as sync:
        sync.run(Direction(direction))


if __name__ == "__main__":
    main()
