#!/usr/bin/env python3
"""A small telephony application: calls become rows, some leave a voicemail file.

It listens on a TCP port; a client writes a line and gets one JSON object on a line back:

    WHO                which machine answers, for which server
    CALL KEY EXT       a call to extension EXT, known by the caller's own KEY from then on
    VOICEMAIL KEY EXT  the same, and the caller leaves a message under Mail/EXT or Extn/EXT
    LIST               every key and every voicemail (with its SHA-256) that is known here

A call is acknowledged only when its row is committed, a voicemail when its file is on disk under
its final name: what a client was told is what must survive.

Its database is a SQLite file, or with --data-source a SQL Server's catalog (phone_sqlserver.py).
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import signal
import socket
import socketserver
import sqlite3
import sys
import threading
import wave
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    extension TEXT NOT NULL,
    host TEXT NOT NULL,
    started_at TEXT NOT NULL,
    voicemail TEXT
)
"""
INSERT = "INSERT INTO calls (key, extension, host, started_at, voicemail) VALUES (?, ?, ?, ?, ?)"
VOICEMAIL_DIRS = ("Mail", "Extn")
SAMPLES_PER_S = 8000
MESSAGE_S = 0.2


@dataclass(frozen=True)
class Call:
    """A row. `voicemail`: where the message is, below the VM directory."""

    key: str
    extension: str
    host: str
    started_at: datetime
    voicemail: str | None


class Store(Protocol):
    """The application's database."""

    @property
    def error(self) -> type[Exception]:
        """What its connections raise."""
        ...

    def connect(self) -> Any: ...

    def prepare(self, connection: Any) -> None:
        """Make the tables, where they are not there yet."""

    def add(self, connection: Any, call: Call) -> None:
        """Returns when the row is committed."""

    def known(self, connection: Any) -> dict[str, object]:
        """What LIST tells of the database: `calls`, the keys in their order, at least."""
        ...


@dataclass(frozen=True)
class SqliteStore:
    """A SQLite file, on the disk when a commit returns."""

    database: Path
    error = sqlite3.Error

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.database, timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(SCHEMA)

    def add(self, connection: sqlite3.Connection, call: Call) -> None:
        started_at = call.started_at.isoformat()
        connection.execute(
            INSERT, (call.key, call.extension, call.host, started_at, call.voicemail)
        )

    def known(self, connection: sqlite3.Connection) -> dict[str, object]:
        return {
            "calls": [row[0] for row in connection.execute("SELECT key FROM calls ORDER BY id")]
        }


@dataclass(frozen=True)
class Application:
    """What the application works on. `server` is the Primary whose role it performs."""

    server: str
    store: Store
    vm_dir: Path

    def prepare(self) -> None:
        with contextlib.closing(self.store.connect()) as connection:
            self.store.prepare(connection)
        for name in VOICEMAIL_DIRS:
            (self.vm_dir / name).mkdir(parents=True, exist_ok=True)

    def who(self) -> dict[str, object]:
        return {"host": socket.gethostname(), "server": self.server}

    def call(
        self, connection: Any, key: str, extension: str, voicemail: str | None
    ) -> dict[str, object]:
        host = socket.gethostname()
        self.store.add(connection, Call(key, extension, host, datetime.now(UTC), voicemail))
        return {"host": host, "key": key}

    def voicemail(self, connection: Any, key: str, extension: str) -> dict[str, object]:
        """Every other extension keeps its messages under Extn, as some sites do."""
        folder = VOICEMAIL_DIRS[int(hashlib.sha256(extension.encode()).hexdigest(), 16) % 2]
        name = f"{folder}/{extension}/{key}.wav"
        message = recording(key)
        write_durably(self.vm_dir / name, message)
        answer = self.call(connection, key, extension, name)
        return {**answer, "voicemail": name, "sha256": hashlib.sha256(message).hexdigest()}

    def everything(self, connection: Any) -> dict[str, object]:
        messages = {
            path.relative_to(self.vm_dir).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in VOICEMAIL_DIRS
            for path in sorted((self.vm_dir / name).rglob("*.wav"))
        }
        return {**self.who(), **self.store.known(connection), "voicemail": messages}

    def answer(self, connection: Any, request: str) -> dict[str, object]:
        match request.split():
            case ["WHO"]:
                return self.who()
            case ["CALL", key, extension]:
                return self.call(connection, key, extension, None)
            case ["VOICEMAIL", key, extension]:
                return self.voicemail(connection, key, extension)
            case ["LIST"]:
                return self.everything(connection)
        return {"error": f"not understood: {request!r}"}


def recording(key: str) -> bytes:
    """A short RIFF wave file, different for each key and always the same for one."""
    noise = random.Random(key)  # noqa: S311 - sound, not a secret
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(SAMPLES_PER_S)
        sound.writeframes(noise.randbytes(int(SAMPLES_PER_S * MESSAGE_S)))
    return buffer.getvalue()


def write_durably(path: Path, content: bytes) -> None:
    """Nobody ever sees half a file under its final name, not even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class Conversation(socketserver.StreamRequestHandler):
    """One client's connection, in a thread of its own."""

    server: PhoneServer

    def handle(self) -> None:
        application = self.server.application
        with contextlib.closing(application.store.connect()) as connection:
            for line in self.rfile:
                try:
                    answer = application.answer(connection, line.decode().strip())
                except (application.store.error, OSError, UnicodeDecodeError) as error:
                    answer = {"error": str(error)}
                self.wfile.write(json.dumps(answer).encode() + b"\n")


class PhoneServer(socketserver.ThreadingTCPServer):
    """Listens on every address of the machine, one taken over later included."""

    allow_reuse_address = True

    def __init__(self, application: Application, port: int) -> None:
        super().__init__(("", port), Conversation)
        self.application = application
        self._open: set[socket.socket] = set()

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        if not isinstance(request, socket.socket):  # a datagram, which we do not listen for
            return
        self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is no news."""

    def hang_up(self) -> None:
        """Lets each conversation finish its request, then end."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    environ = os.environ
    parser = argparse.ArgumentParser(description="A small telephony application.")
    parser.add_argument("--database", type=Path, default=environ.get("IPFX_DATABASE"))
    parser.add_argument("--data-source", help="a SQL Server, instead of --database")
    parser.add_argument("--catalog", default=environ.get("IPFX_CATALOG"))
    parser.add_argument("--password-file", type=Path, help="of the SQL Server's login sa")
    parser.add_argument("--vm-dir", type=Path, default=environ.get("IPFX_VM_DIR"))
    parser.add_argument("--server", default=environ.get("IPFX_SERVER", socket.gethostname()))
    parser.add_argument("--port", type=int, default=100)
    options = parser.parse_args(arguments)
    if options.vm_dir is None or not (options.data_source or options.database):
        parser.error("--database and --vm-dir, or IPFX_DATABASE and IPFX_VM_DIR, are needed")
    if options.data_source and not (options.catalog and options.password_file):
        parser.error("--data-source needs --catalog, or IPFX_CATALOG, and --password-file")
    return options


def store_of(options: argparse.Namespace) -> Store:
    if not options.data_source:
        return SqliteStore(Path(options.database))
    from phone_sqlserver import SqlServerStore

    password = options.password_file.read_text("utf-8").strip()
    return SqlServerStore(options.data_source, options.catalog, password, Path(options.vm_dir))


def main() -> None:
    options = parse()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    store = store_of(options)
    application = Application(options.server, store, Path(options.vm_dir))
    try:
        application.prepare()
        server = PhoneServer(application, options.port)
    except (OSError, store.error) as error:
        sys.exit(f"the telephony application cannot start: {error}")
    with server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        print(f"ready: {options.server} on {socket.gethostname()}, port {options.port}", flush=True)
        stop.wait()
        server.shutdown()
        server.hang_up()


if __name__ == "__main__":
    main()
