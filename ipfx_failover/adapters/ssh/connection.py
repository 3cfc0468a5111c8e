"""One SSH connection to a live server: made when needed, used again, ended when it fails."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paramiko

from ipfx_failover.adapters.ssh.sftp import Sftp, reason
from ipfx_failover.adapters.ssh.trust import (
    RefuseUnknownKeys,
    changed_key,
    load_known_hosts,
    load_private_key,
)
from ipfx_failover.errors import FailoverError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WINDOW_BYTES = 8 << 20
_PACKET_BYTES = 128 << 10
_THREAD_END_S = 10.0


@dataclass(frozen=True)
class SshTarget:
    """Where a live server's SSH is, and how we get in."""

    name: str
    """The server's name in the config, for messages."""
    host: str
    port: int
    user: str
    key_file: Path
    known_hosts_file: Path
    connect_timeout_s: float = 10.0
    """For the TCP connection, and again for the greeting and for the authentication."""
    silence_timeout_s: float = 20.0
    """A server that owes us an answer for longer than that is lost."""

    @property
    def known_hosts_name(self) -> str:
        """The name under which `known_hosts` keeps its key."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


class SshConnection:
    """Gives channels and an SFTP session; not for use by two threads at once."""

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        self._client: paramiko.SSHClient | None = None
        self._sftp: Sftp | None = None

    def sftp(self) -> Sftp:
        """The SFTP session, made on first use and after a loss."""
        if self._sftp is None:
            channel = self.open_channel()
            with self.guarded():
                self._sftp = Sftp(channel, timeout_s=self.target.silence_timeout_s, lost=self.lost)
        return self._sftp

    def open_channel(self) -> paramiko.Channel:
        """A new session channel. Unreachable when the server is; Refused for its host key."""
        client = self._connected()
        with self.guarded():
            transport = client.get_transport()
            if transport is None:
                raise EOFError("the connection ended")
            return transport.open_session(
                window_size=_WINDOW_BYTES,
                max_packet_size=_PACKET_BYTES,
                timeout=self.target.silence_timeout_s,
            )

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns paramiko's errors into Unreachable, and drops the connection."""
        try:
            yield
        except FailoverError:
            raise
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self.lost(reason(error)) from None

    def lost(self, why: str) -> Unreachable:
        """Drop the connection; the error to raise."""
        self.close()
        target = self.target
        return Unreachable(
            f"the SSH connection to {target.name} ({target.host} port {target.port}) was lost: "
            f"{why}",
            "see whether the server and its network are up, then try again",
        )

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, as far as is known."""
        transport = self._client.get_transport() if self._client else None
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """End the connection and its thread; the next use makes a new one."""
        client, self._client, self._sftp = self._client, None, None
        if client is None:
            return
        transport = client.get_transport()
        client.close()
        if transport is not None:
            # paramiko's close does not wait for its thread.
            transport.join(_THREAD_END_S)

    def _connected(self) -> paramiko.SSHClient:
        if self._client is None or not self.is_up:
            self.close()
            self._client = self._connect()
        return self._client

    def _connect(self) -> paramiko.SSHClient:
        target = self.target
        key = load_private_key(target.key_file)
        client = paramiko.SSHClient()
        load_known_hosts(client.get_host_keys(), target.known_hosts_file)
        client.set_missing_host_key_policy(RefuseUnknownKeys(target))
        try:
            client.connect(
                target.host,
                target.port,
                username=target.user,
                pkey=key,
                allow_agent=False,
                look_for_keys=False,
                timeout=target.connect_timeout_s,
                banner_timeout=target.connect_timeout_s,
                auth_timeout=target.connect_timeout_s,
                channel_timeout=target.silence_timeout_s,
                transport_factory=_fast_transport,
            )
        except BaseException as error:
            # A failed connect leaves its socket and its thread behind.
            client.close()
            if isinstance(error, FailoverError) or not isinstance(error, Exception):
                raise
            raise explained(target, error) from None
        return client


class NoConnection(SshConnection):
    """To a Primary whose role is being taken: it is dead, or whoever answers is not it."""

    def _connect(self) -> paramiko.SSHClient:
        raise Unreachable(
            f"{self.target.name} is not asked: its role is being taken over",
            f"give the role back first: ipfx-failover stop-failover {self.target.name}",
        )


def _fast_transport(sock: Any, /, **options: Any) -> paramiko.Transport:
    """A transport that prefers AES-GCM: half the processor time of paramiko's own choice."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(sock, **options)
    offered = transport.get_security_options()
    offered.ciphers = sorted(offered.ciphers, key=lambda cipher: "gcm" not in cipher)
    return transport


def explained(target: SshTarget, error: Exception) -> FailoverError:
    """Why a connection could not be made, as one of our errors; a bug is raised as it is."""
    where = f"{target.name} ({target.host} port {target.port})"
    if isinstance(error, paramiko.BadHostKeyException):
        return changed_key(target, error)
    if isinstance(error, paramiko.AuthenticationException):
        return Unreachable(
            f"{where} does not let user {target.user} in with the SSH key {target.key_file}",
            f"add {target.key_file}.pub to authorized_keys of {target.user} on the server, or "
            f"correct user and key_file in [servers.{target.name}.ssh]",
        )
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"the name {target.host} of {target.name} cannot be resolved",
            f"give an address as host in [servers.{target.name}.ssh], or mend the name service",
        )
    if isinstance(error, OSError | EOFError | paramiko.SSHException):
        return Unreachable(
            f"{where} cannot be reached by SSH: {reason(error)}",
            "see whether the server is up and its SSH service runs and answers on that port",
        )
    raise error
