"""The SQL Server Browser: tells over UDP which instances there are, by [MC-SQLR]."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

_BROADCAST, _UNICAST, _INSTANCE = 0x02, 0x03, 0x04
_RESPONSE = 0x05


@dataclass(frozen=True, slots=True)
class Instance:
    """`name`: MSSQLSERVER is the one without a name."""

    server: str
    name: str
    version: str
    port: int

    @property
    def told(self) -> str:
        return (
            f"ServerName;{self.server};InstanceName;{self.name};IsClustered;No;"
            f"Version;{self.version};tcp;{self.port};;"
        )


class Browser:
    """Answers on a UDP port while the block runs."""

    def __init__(self, instances: Sequence[Instance], address: tuple[str, int]) -> None:
        self._instances = instances
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ended = False

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._ended:
            try:
                request, sender = self._socket.recvfrom(2048)
            except OSError:  # an ICMP error about an earlier answer
                continue
            if answer := self.answer(request):
                self._socket.sendto(answer, sender)

    def answer(self, request: bytes) -> bytes:
        """What a datagram is answered with; malformed ones and wrong names with nothing."""
        kind = request[0] if request else 0
        if kind in {_BROADCAST, _UNICAST} and len(request) == 1:
            return _response("".join(each.told for each in self._instances))
        if kind == _INSTANCE:
            wanted = request[1:].split(b"\0")[0].decode("ascii", "replace").casefold()
            found = (i.told for i in self._instances if i.name.casefold() == wanted)
            told = next(found, "")
            return _response(told) if told else b""
        return b""


def _response(text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    return bytes([_RESPONSE]) + len(raw).to_bytes(2, "little") + raw
