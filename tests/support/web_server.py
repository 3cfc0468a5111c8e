"""A real HTTP(S) server on loopback that answers as it is told."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answers:
    """What to answer: `status`, `headers` and `text` to each path, unless `by_path` has another.

    `hanging`: it reads requests and does not answer until `release`. `dripping`: it answers a
    letter every now and then, without end.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str = "ok"
    by_path: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    hanging: bool = False
    dripping: bool = False


class WebServer:
    """`requests` are all that came; `arrived` is released once for each."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers = Answers()
        self.requests: list[Request] = []
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self._server = _server(self)
        self._scheme = "http"
        if context is not None:
            self._scheme = "https"
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        return f"{self._scheme}://{HOST}:{self._server.server_address[1]}"

    @property
    def documents(self) -> list[Any]:
        return [request.document for request in self.requests]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def web_server(context: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """A server that runs while the block runs."""
    server = WebServer(context)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up early is what is tested; nothing to print."""


def _server(web: WebServer) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            web.requests.append(Request(self.path, dict(self.headers.items()), body))
            web.arrived.release()
            answers = web.answers
            if answers.hanging:
                web.released.wait()
            if answers.dripping:
                self._drip()
                return
            status, headers = answers.by_path.get(self.path, (answers.status, answers.headers))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answers.text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answers.text.encode())

        def _drip(self) -> None:
            with suppress(OSError):
                while not web.released.wait(0.05):
                    self.wfile.write(b"H")

        def log_message(self, *_: object) -> None:
            """Nothing to print."""

    return _Server((HOST, 0), Handler)
