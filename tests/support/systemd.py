"""A real systemd, booted as process 1 of namespaces of its own; it vanishes with this process.

It shares our network (or that of `network_of`) and our processes' view of files. /run and
/etc/systemd/system are its own; outside of /tmp, `directory` and other mounts files are read-only.
Its units are written by the tests.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOTED_WITHIN_S = 30.0

# Ends, and cleans up, at the end of its standard input: also when we are killed.
_KEEPER = """
mkdir "$1" || exit
sh -c 'echo 0 >"$0/cgroup.procs"; exec unshare --cgroup --pid --mount --uts --ipc --fork \
  --kill-child --propagation private --mount-proc -- sh -ec "$2" sh "$1"' "$1" "$2" "$3" &
read -r _
kill -9 $!
wait $! 2>/dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null && exit
  sleep 0.2
done
"""

_INSIDE = """
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
mkdir -p /run/systemd/system
cp /lib/systemd/system/systemd-journald.service /lib/systemd/system/systemd-journald.socket \
  /run/systemd/system
for target in basic sysinit sockets multi-user shutdown umount; do
  printf '[Unit]\\nDefaultDependencies=no\\n' >/run/systemd/system/$target.target
done
printf 'Requires=systemd-journald.service\\nAfter=systemd-journald.service\\n' \\
  >>/run/systemd/system/multi-user.target
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
mount --bind /tmp /tmp
mount --bind "$1" "$1"
mount --bind /dev /dev
mount --bind /proc/sys /proc/sys
for place in / /dev /proc/sys; do mount -o remount,bind,ro $place; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export container=test SYSTEMD_LOG_TARGET=console
export SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system
exec /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
"""


# CLOSED DIRECTORY...: what lies below the closed one is bound to where it was, all else is gone.
_OPEN = """
closed=$1
shift
for directory; do
  mkdir -p "/run/open$directory"
  mount --bind "$directory" "/run/open$directory"
done
mount -t tmpfs -o mode=755 tmpfs "$closed"
for directory; do
  mkdir -p "$directory"
  mount --bind "/run/open$directory" "$directory"
done
"""


class Systemd:
    """The running service manager; `pid` and `root` as we see it.

    `prefix` stands before a command to run it inside.
    """

    def __init__(self, pid: int) -> None:
        namespaces = ("--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net")
        self.prefix = ("nsenter", f"--target={pid}", *namespaces, "--")
        self.pid = pid
        self.root = Path(f"/proc/{pid}/root")
        self._units = self.root / "run/systemd/system"

    def run(self, *argv: str, code: int = 0) -> str:
        """The output of a command run inside, which must end with `code`."""
        done = subprocess.run((*self.prefix, *argv), check=False, capture_output=True, text=True)

        assert done.returncode == code, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr if code else done.stdout

    def is_booted(self) -> bool:
        argv = (*self.prefix, "systemctl", "is-active", "--quiet", "multi-user.target")
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0

    def open_to_everybody(self, *directories: Path) -> None:
        """Let every user reach these directories, also below a closed one (/root)."""
        by_closed: dict[Path, list[Path]] = {}
        for directory in directories:
            if (closed := _closed_above(directory)) is not None:
                by_closed.setdefault(closed, []).append(directory)
        for closed, below in by_closed.items():
            self.run("sh", "-ec", _OPEN, "sh", str(closed), *map(str, below))

    def install(self, unit: str, text: str) -> None:
        """Write a unit file and have it read."""
        (self._units / unit).write_text(text, encoding="utf-8")
        self.run("systemctl", "daemon-reload")


@contextmanager
def running_systemd(directory: Path, *, network_of: int | None = None) -> Iterator[Systemd]:
    """Boot it; `directory` is what its services may write to, `network_of` a process."""
    _require("unshare", "util-linux")
    _require("nsenter", "util-linux")
    _require("/lib/systemd/systemd", "systemd")
    assert os.geteuid() == 0, "a service manager in namespaces of its own needs root: use sudo"
    cgroup = _cgroup2() / f"ipfx-failover-test-{os.getpid()}-{directory.name}"
    with (directory / "systemd.log").open("wb") as log:
        enter = ("nsenter", f"--net=/proc/{network_of}/ns/net", "--") if network_of else ()
        keeper = subprocess.Popen(
            (*enter, "sh", "-c", _KEEPER, "sh", str(cgroup), str(directory), _INSIDE),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _booted(keeper, directory / "systemd.log")
    finally:
        if keeper.stdin is not None:
            keeper.stdin.close()
        keeper.wait(BOOTED_WITHIN_S)


def _booted(keeper: subprocess.Popen[bytes], log: Path) -> Systemd:
    found: list[Systemd] = []

    def is_booted() -> bool:
        for process in psutil.Process(keeper.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() == "systemd":
                    found[:] = [Systemd(process.pid)]
        return bool(found) and found[0].is_booted()

    booted = wait_until(is_booted, SystemClock(), BOOTED_WITHIN_S)

    assert booted, f"systemd does not boot in namespaces on this machine: {log.read_text()}"
    return found[0]


def _cgroup2() -> Path:
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise AssertionError("no cgroup2 is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")


def _closed_above(directory: Path) -> Path | None:
    """The uppermost directory above this one that not everybody may pass."""
    closed = [above for above in directory.parents if not above.stat().st_mode & stat.S_IXOTH]
    return closed[-1] if closed else None


def _require(program: str, package: str) -> None:
    assert shutil.which(program), f"{program} is missing: sudo apt-get install -y {package}"


@pytest.fixture(scope="session")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    """A service manager whose services may write to the tests' temporary directories."""
    with running_systemd(tmp_path_factory.getbasetemp()) as booted:
        yield booted
