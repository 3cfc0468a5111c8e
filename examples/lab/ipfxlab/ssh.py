"""A real OpenSSH server on a host, and the keys that a client needs to use and to trust it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from pathlib import Path

    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess

SSHD = "/usr/sbin/sshd"  # it insists on being started by its absolute path

# StrictModes would refuse keys below a world-writable directory such as /tmp. With SHLVL bash takes
# itself for a shell in a shell, and leaves out the start-up file of whoever runs the lab.
_CONFIG = """\
Port 22
HostKey {host_key}
AuthorizedKeysFile {authorized_keys}
PidFile none
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
SetEnv SHLVL=1
Subsystem sftp internal-sftp
"""


def make_key(path: Path) -> Path:
    """Makes an Ed25519 key pair, `path` and `path`.pub; without a pass phrase.

    Raises:
        Failed: ssh-keygen is not installed.
    """
    if not shutil.which("ssh-keygen"):
        raise Failed("ssh-keygen is missing", "install it: apt-get install openssh-client")
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)],
        check=True,
    )
    return path


def public_key(path: Path) -> str:
    """Type and key in base64, as `known_hosts` and `authorized_keys` want them."""
    return " ".join(path.with_name(path.name + ".pub").read_text("ascii").split()[:2])


class SshServer:
    """sshd on one host; its host key survives restarts, reboots of the host included."""

    user = "root"

    def __init__(self, host: Host) -> None:
        self.host = host
        self.directory = host.directory / "ssh"
        self.host_key = make_key(self.directory / "host_key")
        self.authorized_keys = self.directory / "authorized_keys"
        self.authorized_keys.touch(0o600)
        self.process: LabProcess | None = None

    def authorize(self, client_key: Path) -> None:
        """Lets the owner of this key in as root."""
        with self.authorized_keys.open("a", encoding="ascii") as stream:
            stream.write(f"{public_key(client_key)}\n")

    def known_hosts_line(self, *addresses: str) -> str:
        """The line that makes a client trust this server at these addresses."""
        return f"{','.join(addresses)} {public_key(self.host_key)}\n"

    def start(self) -> None:
        """Starts sshd and waits until it listens.

        Raises:
            Failed: it is not installed, or did not start.
        """
        if not shutil.which(SSHD):
            raise Failed("sshd is missing", "install it: apt-get install openssh-server")
        config = self.directory / "sshd_config"
        config.write_text(
            _CONFIG.format(host_key=self.host_key, authorized_keys=self.authorized_keys), "utf-8"
        )
        self.process = self.host.popen(SSHD, "-D", "-e", "-f", str(config))
        self.process.wait_for_line("Server listening on 0.0.0.0 ")

    def stop(self) -> None:
        """Stops it; sessions that are open go on until they end."""
        if self.process is not None:
            self.process.stop()
            self.process = None
