"""The first process of a lab host: prepares its private mounts, reaps orphans, and ends on EOF.

Runs as process 1 of its own PID namespace: when it ends, the kernel kills every process of the
host, and with the last one the host's network and mounts are gone. Its standard input is a pipe
whose other end only the lab's owner holds, so that even `kill -9` of the owner leaves nothing.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

IPV6_SWITCHES = ("all", "default")


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def prepare_mounts(directory: Path) -> None:
    """Private /run and /sys, its own boot ID and its own files in /etc."""
    mount("-t", "sysfs", "sysfs", "/sys")  # /sys/class/net shows the namespace of its mounter
    mount("-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "tmpfs", "/run")
    for name, mode in (("lock", 0o1777), ("sshd", 0o755)):
        path = Path("/run", name)
        path.mkdir()
        path.chmod(mode)
    mount("--bind", str(directory / "boot_id"), "/proc/sys/kernel/random/boot_id")
    sources = list((directory / "etc").iterdir())
    if not all(Path("/etc", source.name).resolve().exists() for source in sources):
        copy_etc()
    for source in sources:
        target = Path("/etc", source.name).resolve()  # resolv.conf may be a link into /run
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        mount("--bind", str(source), str(target))


def copy_etc() -> None:
    """A private copy in the place of /etc: a minimal system has not even a hosts to mount on."""
    copy = Path("/run/etc")
    subprocess.run(["cp", "-a", "/etc", str(copy)], check=True)
    mount("--bind", str(copy), "/etc")


def prepare_network() -> None:
    """Loopback up, and no IPv6: its own announcements would disturb what tests count."""
    for name in IPV6_SWITCHES:
        switch = Path("/proc/sys/net/ipv6/conf", name, "disable_ipv6")
        if switch.exists():
            switch.write_text("1\n", "ascii")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def reap(_number: int, _frame: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def main() -> None:
    name, directory = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's affair
    socket.sethostname(name)
    prepare_mounts(Path(directory))
    prepare_network()
    signal.signal(signal.SIGCHLD, reap)
    print("ready", flush=True)
    while os.read(0, 4096):
        pass


if __name__ == "__main__":
    main()
