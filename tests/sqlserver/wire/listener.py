"""Listens for clients, a thread each."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

from tests.sqlserver.wire.connection import Connection

if TYPE_CHECKING:
    from tests.sqlserver.results import Server
    from tests.sqlserver.wire.connection import WireProfile


class Listener:
    """Serves a simulated SQL Server on a TCP port of this machine, while the block runs.

    `port`: 0 takes a free one.
    """

    def __init__(
        self, server: Server, profile: WireProfile, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._server = server
        self._profile = profile
        self._socket = socket.create_server((address, port))
        self._connections: dict[Connection, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join()
        for connection, thread in self._connections.items():
            connection.close()
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, self._server, self._profile)
            thread = threading.Thread(target=connection.run, daemon=True)
            self._connections[connection] = thread
            thread.start()
