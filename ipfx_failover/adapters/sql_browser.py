"""Asks a SQL Server Browser which instances are on its machine ([MC-SQLR], UDP port 1434)."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed, Unreachable
from ipfx_failover.survey.ports import SqlInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT: Final = 1434

_ALL_INSTANCES: Final = b"\x03"  # CLNT_UCAST_EX, 2.2.2
_RESPONSE: Final = 0x05  # SVR_RESP, 2.2.5
_HEADER_BYTES: Final = 3
_LARGEST_BYTES: Final = 65535 + _HEADER_BYTES
_TRIES: Final = 3


def ask(host: str, *, port: int = PORT, timeout_s: float = 3.0) -> tuple[SqlInstance, ...]:
    """The instances that a machine's browser tells of.

    Raises:
        Unreachable: nobody answers in time, or the name is unknown.
        Failed: what is answered is not what the protocol allows.
    """
    hint = (
        "start the service SQL Server Browser there and let UDP 1434 through, or give the port: "
        "HOST,PORT"
    )
    try:
        answer = _exchange(host, port, timeout_s)
    except socket.gaierror:
        raise unknown_host(host) from None
    except TimeoutError:
        raise Unreachable(
            f"the SQL Server Browser of {host} does not answer (UDP {port})", hint
        ) from None
    except OSError as error:  # ConnectionRefusedError: its system says that nobody listens
        raise Unreachable(
            f"the SQL Server Browser of {host} cannot be asked (UDP {port}): {error.strerror}", hint
        ) from None
    try:
        return tuple(parse(answer))
    except ValueError as error:
        raise Failed(
            f"what {host} answers on UDP {port} is no SQL Server Browser's answer: {error}",
            "give the port: HOST,PORT",
        ) from None


def find(host: str, instance: str, *, port: int = PORT, timeout_s: float = 3.0) -> int:
    """The TCP port of an instance.

    Raises:
        Unreachable: the browser is silent, or the instance takes no TCP connections.
        Failed: there is no such instance; those that are there are named.
    """
    found = ask(host, port=port, timeout_s=timeout_s)
    for each in found:
        if each.name.casefold() == instance.casefold():
            if each.tcp_port is not None:
                return each.tcp_port
            raise Unreachable(
                f"{host}\\{instance} takes no TCP connections",
                "switch TCP/IP on for it in SQL Server Configuration Manager, and restart it",
            )
    listed = ", ".join(each.name for each in found) or "none"
    raise Failed(
        f"there is no SQL Server instance {instance} on {host}; there are: {listed}",
        "correct data_source",
    )


def unknown_host(host: str) -> Unreachable:
    return Unreachable(
        f"the name {host} cannot be resolved",
        "correct data_source, see to the DNS of this machine, or use the server's address",
    )


def _exchange(host: str, port: int, timeout_s: float) -> bytes:
    """Datagrams get lost, so it is asked several times; only that address is heard."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    deadline_s = time.monotonic() + timeout_s
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        for left in range(_TRIES, 0, -1):
            sock.send(_ALL_INSTANCES)
            sock.settimeout(max(0.01, (deadline_s - time.monotonic()) / left))
            try:
                return sock.recv(_LARGEST_BYTES)
            except TimeoutError:
                continue
    raise TimeoutError


def parse(answer: bytes) -> Iterator[SqlInstance]:
    """The instances in an SVR_RESP message (2.2.5).

    Raises:
        ValueError: it is none.
    """
    if len(answer) < _HEADER_BYTES or answer[0] != _RESPONSE:
        raise ValueError("it begins otherwise")
    text = answer[_HEADER_BYTES:]
    if int.from_bytes(answer[1:_HEADER_BYTES], "little") != len(text):
        raise ValueError("its length is another")
    # Names are in the machine's code page, which is not told.
    *instances, rest = text.decode("utf-8", "replace").split(";;")
    if rest.strip("\0"):
        raise ValueError("its last instance has no end")
    for each in instances:
        yield _instance(each)


def _instance(text: str) -> SqlInstance:
    words = text.split(";")
    if len(words) % 2:
        raise ValueError("a name without a value")
    told = {key.casefold(): value for key, value in zip(words[::2], words[1::2], strict=True)}
    name, port = told.get("instancename", ""), told.get("tcp", "")
    if not name.isprintable() or not name:
        raise ValueError("an instance without a name")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError("an instance with a port that is none")
    return SqlInstance(name, told.get("version", ""), int(port) if port else None)
