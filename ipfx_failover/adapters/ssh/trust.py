"""Who may be at the other end, and who we are: host keys and our own key file."""

from __future__ import annotations

import binascii
import logging
import shlex
from typing import TYPE_CHECKING, NoReturn

import paramiko

from ipfx_failover.adapters.paths import exposure, how_to_narrow
from ipfx_failover.errors import Refused, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.adapters.ssh.connection import SshTarget

# What goes wrong is told by our errors; paramiko's own log has tracebacks in it.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


def load_known_hosts(keys: paramiko.HostKeys, file: Path) -> None:
    """Trust the host keys in `file`, and no others; a file that is not there trusts none."""
    try:
        keys.load(str(file))
        _read_every_line(file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(
            f"the known host keys in {file} cannot be read: {error.strerror}",
            "let the account that this runs as read the file",
        ) from None
    except (paramiko.hostkeys.InvalidHostKey, paramiko.SSHException, ValueError, binascii.Error):
        raise UsageError(
            f"{file} has a line that is not a host key",
            f"show its keys with: ssh-keygen -lf {file}; then mend or remove the broken line",
        ) from None


def _read_every_line(file: Path) -> None:
    """Raise what paramiko skips: a line whose key is none would just look like an unknown host."""
    for line in file.read_text("utf-8").splitlines():
        if line.strip() and not line.strip().startswith("#"):
            paramiko.hostkeys.HostKeyEntry.from_line(line.strip())


def load_private_key(file: Path) -> paramiko.PKey:
    """Our private key. UsageError when it is missing, open to others, encrypted or no key."""
    _check_permissions(file)
    try:
        return paramiko.PKey.from_path(str(file))
    except (paramiko.PasswordRequiredException, TypeError):
        # `cryptography` says by a TypeError that a password is wanted.
        raise UsageError(
            f"the SSH key {file} is protected by a passphrase, which nobody is here to type",
            f"take a key of its own for this service, without one: ssh-keygen -t ed25519 -f {file}",
        ) from None
    except (OSError, ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        raise UsageError(
            f"the SSH key {file} cannot be used: {_one_line(error)}",
            f"name a private key, such as one made by: ssh-keygen -t ed25519 -f {file}",
        ) from None


def _check_permissions(file: Path) -> None:
    try:
        exposed = exposure(file)
        file.stat()
    except OSError as error:
        raise UsageError(
            f"the SSH key {file} cannot be read: {error.strerror}",
            f"make one with: ssh-keygen -t ed25519 -f {file}; then add {file}.pub to "
            "authorized_keys on the live server",
        ) from None
    if exposed is not None:
        # As OpenSSH does.
        raise UsageError(f"the SSH key {file} {exposed}", how_to_narrow(file))


class RefuseUnknownKeys(paramiko.MissingHostKeyPolicy):
    """Refuses a server whose key nobody has trusted yet, and says how to trust it."""

    def __init__(self, target: SshTarget) -> None:
        self._target = target

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> NoReturn:
        """Called by paramiko for a host that is not in the file."""
        del client, hostname
        target = self._target
        raise Refused(
            f"nobody has trusted the SSH host key of {target.name} ({target.host} port "
            f"{target.port}) yet: {described(key)}",
            f"compare it with the server's own (ssh-keygen -lf on its host key), and trust it: "
            f"ipfx-failover server trust {target.name}",
        )


def changed_key(target: SshTarget, error: paramiko.BadHostKeyException) -> Refused:
    """The refusal of a server that shows another key than the one we trust."""
    return Refused(
        f"THE SSH HOST KEY OF {target.name} HAS CHANGED: {target.host} port {target.port} shows "
        f"{described(error.key)} instead of {described(error.expected_key)}; it may be another "
        "machine",
        f"if the server was reinstalled, remove its line from {target.known_hosts_file} "
        f"(ssh-keygen -f {target.known_hosts_file} -R {shlex.quote(target.known_hosts_name)}), "
        f"then: ipfx-failover server trust {target.name}; if not, find out who answers there",
    )


def described(key: paramiko.PKey) -> str:
    """A host key as `ssh-keygen -l` shows it."""
    return f"{key.get_name()} {key.fingerprint}"


def _one_line(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or type(error).__name__).splitlines()[0]
