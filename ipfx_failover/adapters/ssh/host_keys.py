"""Trusting a live server's host keys: what it shows, what is stored, and storing it (sshd(8))."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import paramiko

from ipfx_failover.adapters.durable import rewrite_file
from ipfx_failover.adapters.ssh.connection import explained
from ipfx_failover.adapters.ssh.trust import changed_key, load_known_hosts
from ipfx_failover.errors import Failed, Refused, Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.adapters.ssh.connection import SshTarget

_KINDS: Final = {
    "ED25519": ("ssh-ed25519",),
    "ECDSA": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    "RSA": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""What to ask for: a server shows one key a connection, of a kind that it is asked for."""
_PREFIX: Final = "SHA256:"
_READABLE_BY_ALL: Final = 0o644


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public host key; as text the line that `ssh-keygen -l` prints."""

    host: str
    key: paramiko.PKey

    @property
    def fingerprint(self) -> str:
        return str(self.key.fingerprint)

    @property
    def kind(self) -> str:
        return str(self.key.algorithm_name)

    def __str__(self) -> str:
        return f"{self.key.get_bits()} {self.fingerprint} {self.host} ({self.kind})"


class HostKeys:
    """The keys that a server shows, against those that are stored. Nobody logs in for it.

    Raises:
        Unreachable: nobody answers there, or it is no SSH server.
    """

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        first = _shown(target, None)
        keys = [first, *_others(target, first.algorithm_name)]
        self.shown = [HostKey(target.known_hosts_name, key) for key in keys]

    def are_trusted(self) -> bool:
        """Whether they are stored already.

        Raises:
            Refused: another one is stored. It may be another machine.
            UsageError: the file of the trusted keys cannot be read.
        """
        stored = paramiko.HostKeys()
        load_known_hosts(stored, self.target.known_hosts_file)
        known = stored.lookup(self.target.known_hosts_name)
        if not known:
            return False
        shown = {each.key.get_name(): each.key for each in self.shown}
        common = [kind for kind in known if kind in shown]
        for kind in common or known:
            if known[kind] != shown.get(kind):
                got = shown.get(kind) or self.shown[0].key
                error = paramiko.BadHostKeyException(self.target.host, got, known[kind])
                raise changed_key(self.target, error)
        return True

    def chosen(self, fingerprint: str | None) -> list[HostKey]:
        """The keys to trust: all that are shown, or the one with this fingerprint.

        Raises:
            UsageError: it is no SHA256 fingerprint.
            Refused: the server shows no such key.
        """
        if fingerprint is None:
            return self.shown
        wanted = fingerprint.strip().rstrip("=")
        if not wanted.startswith(_PREFIX):
            raise UsageError(
                f"{fingerprint!r} is no fingerprint: one begins with {_PREFIX}",
                "take the second word of what this prints on the server: "
                "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
            )
        found = [each for each in self.shown if each.fingerprint == wanted]
        if not found:
            raise Refused(
                f"{self.target.name} ({self.target.host}) HAS ANOTHER HOST KEY: it shows "
                f"{', '.join(each.fingerprint for each in self.shown)}, and not {wanted}",
                "nothing was stored; find out who answers at that address",
            )
        return found

    def store(self, keys: Sequence[HostKey]) -> None:
        """Add keys to the file of the trusted ones, in one step that survives a crash.

        Raises:
            Failed: it cannot be written.
        """
        file = self.target.known_hosts_file.resolve()
        lines = [f"{each.host} {each.key.get_name()} {each.key.get_base64()}\n" for each in keys]
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            before = file.read_bytes() if file.exists() else None
            text = before + b"\n" if before and not before.endswith(b"\n") else before or b""
            mode = _READABLE_BY_ALL if before is None else None
            rewrite_file(file, text + "".join(lines).encode(), mode=mode)
        except OSError as error:
            raise Failed(
                f"the trusted host keys in {file} cannot be written: {error.strerror}",
                "run this as the user that the service runs as, or as root (sudo)",
            ) from None


def _others(target: SshTarget, but: str) -> list[paramiko.PKey]:
    found = []
    for kind, algorithms in _KINDS.items():
        if kind == but:
            continue
        try:
            found.append(_shown(target, algorithms))
        except Unreachable:
            continue  # it answered before: it has no key of this kind
    return found


def _shown(target: SshTarget, algorithms: tuple[str, ...] | None) -> paramiko.PKey:
    """The host key of one connection: of these algorithms, or the one that a login would meet."""
    timeout_s = target.connect_timeout_s
    try:
        sock = socket.create_connection((target.host, target.port), timeout_s)
        with closing(sock), closing(paramiko.Transport(sock)) as transport:
            transport.banner_timeout = timeout_s
            if algorithms is not None:
                transport.get_security_options().key_types = algorithms
            transport.start_client(timeout=timeout_s)
            return transport.get_remote_server_key()
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise explained(target, error) from None
