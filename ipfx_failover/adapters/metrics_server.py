"""A small HTTP server for scrapes: few clients at a time, each for a bounded time, GET only."""

from __future__ import annotations

import errno
import socket
import threading
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv6Address
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover.errors import Busy, FailoverError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PATHS: Final = ("/", "/metrics")
_MOST_CLIENTS: Final = 8
CLIENT_S: Final = 10.0


class MetricsServer(ThreadingMixIn, HTTPServer):
    """Serves what `draw` returns; a failure of it is 503 with the reason.

    `client_s`: how long a client may take.

    Raises:
        Busy: something else listens there.
        Refused: it cannot listen there for another reason.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        address: IPv4Address | IPv6Address,
        port: int,
        draw: Callable[[], str],
        *,
        client_s: float = CLIENT_S,
    ) -> None:
        self._client_s = client_s
        self.address_family = (
            socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
        )
        self._slots = threading.BoundedSemaphore(_MOST_CLIENTS)
        try:
            super().__init__((str(address), port), partial(_Handler, draw))
        except OSError as error:
            self._refuse(error, address, port)

    def server_bind(self) -> None:
        """Without asking the DNS for our name, as the parent does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """One more client than there is room for is sent away at once."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Whoever dawdles, byte by byte even, is cut off."""
        late = threading.Timer(self._client_s, _cut, [request])
        late.daemon = True
        late.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            late.cancel()
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""

    def _refuse(self, error: OSError, address: object, port: int) -> None:
        where = f"{address} port {port}"
        if error.errno == errno.EADDRINUSE:
            raise Busy(f"something else listens at {where}", "choose another port") from None
        raise Refused(
            f"cannot listen at {where}: {error.strerror or error}",
            "choose an address of this machine, and a port from 1024 on or the right for it",
        ) from None


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_S
    server_version = "ipfx-failover"
    sys_version = ""

    def __init__(self, draw: Callable[[], str], *arguments: Any) -> None:
        self._draw = draw
        super().__init__(*arguments)

    def do_GET(self) -> None:
        status, text = HTTPStatus.OK, ""
        if self.path.partition("?")[0] not in _PATHS:
            status, text = HTTPStatus.NOT_FOUND, "the metrics are at /metrics\n"
        else:
            try:
                text = self._draw()
            except FailoverError as error:
                status, text = HTTPStatus.SERVICE_UNAVAILABLE, f"{error.message}; {error.hint}\n"
        self._answer(status, text.encode())

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""


def _cut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)
