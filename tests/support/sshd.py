"""A real OpenSSH server on loopback, with keys of its own, for contract tests."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

READY_WITHIN_S = 20.0


@dataclass(frozen=True)
class Sshd:
    """A running server, and what a client needs to get in."""

    host: str
    port: int
    user: str
    key_file: Path
    known_hosts_file: Path
    host_key_file: Path
    process: subprocess.Popen[bytes]


def program(name: str, package: str) -> str:
    """The path of a program that the tests need; fails with its install line."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{name} is missing: sudo apt-get install -y {package}")
    return path


def make_key(path: Path, passphrase: str = "") -> Path:
    """Generate an ed25519 key pair at `path` and `path`.pub."""
    keygen = program("ssh-keygen", "openssh-client")
    subprocess.run(
        [keygen, "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True
    )
    return path


def known_hosts_line(host: str, port: int, public_key_file: Path) -> str:
    kind, key = public_key_file.read_text().split()[:2]
    return f"[{host}]:{port} {kind} {key}\n"


@contextlib.contextmanager
def running_sshd(directory: Path, extra_config: str = "") -> Iterator[Sshd]:
    """Start a server that lets the current user in with a fresh key; end it afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    host_key = make_key(directory / "host_key")
    user_key = make_key(directory / "user_key")
    shutil.copy(user_key.with_suffix(".pub"), directory / "authorized_keys")
    port = free_port()
    known_hosts = directory / "known_hosts"
    known_hosts.write_text(known_hosts_line("127.0.0.1", port, host_key.with_suffix(".pub")))
    config = directory / "sshd_config"
    config.write_text(_config(directory, port) + extra_config)
    if os.geteuid() == 0:
        # Its privilege separation wants this directory, which systemd makes at boot.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        [program("sshd", "openssh-server"), "-D", "-e", "-f", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(log := (directory / "sshd.log").open("wb")),
    )
    try:
        _wait_until_listening(process, port, directory / "sshd.log")
        user = getpass.getuser()
        yield Sshd("127.0.0.1", port, user, user_key, known_hosts, host_key, process)
    finally:
        process.terminate()
        process.wait()
        log.close()


def _config(directory: Path, port: int) -> str:
    return f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
"""


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    pause = threading.Event()
    for _ in range(int(READY_WITHIN_S / 0.05)):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        pause.wait(0.05)
    raise AssertionError(f"sshd does not listen on port {port}: {log.read_text()}")
