"""One client's connection: greeting, login, and then request and answer until it goes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tests.sqlserver.results import (
    CutError,
    Done,
    LoginRefusedError,
    Message,
    OpenTransaction,
    Prepared,
)
from tests.sqlserver.wire import answering, login, requests
from tests.sqlserver.wire.answering import Answer
from tests.sqlserver.wire.login import Encryption
from tests.sqlserver.wire.packets import ClosedError, Incoming, Packet, Stream
from tests.sqlserver.wire.prepared import Handles
from tests.sqlserver.wire.reading import MalformedError

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator

    from tests.sqlserver.results import Result, Server, Session

_PIECE_BYTES = 16384
_SMALLEST_PACKET, _LARGEST_PACKET = 512, 32767


_FATAL = 20
"""From this severity on an error ends the connection."""


def _nothing(_: str) -> None:
    """No fault."""


@dataclass(frozen=True, slots=True)
class WireProfile:
    """How the server behaves below SQL. `tds_version`: the newest that it speaks.

    `tls`: with its certificate; without one nothing can be encrypted.
    """

    version: tuple[int, int, int]
    tds_version: int = 0x74000004
    tls: ssl.SSLContext | None = None
    forces_encryption: bool = False
    on_message: Callable[[str], None] = _nothing
    """Called with the kind of each message; it may wait, or raise CutError."""


class _Pieces:
    """What is answered, sent when there is enough of it."""

    def __init__(self, stream: Stream, on_message: Callable[[str], None]) -> None:
        self._stream = stream
        self._on_message = on_message
        self._waiting = bytearray()

    def put(self, data: bytes) -> None:
        self._waiting.extend(data)
        if len(self._waiting) >= _PIECE_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._on_message("piece")
            self._stream.write(bytes(self._waiting), is_last=False)
            self._waiting.clear()

    def end(self) -> None:
        self._on_message("piece")
        self._stream.write(bytes(self._waiting), is_last=True)


class Connection:
    """Serves one client. `run` returns when it has gone."""

    def __init__(self, client: socket.socket, server: Server, profile: WireProfile) -> None:
        self._stream = Stream(client)
        self._server = server
        self._profile = profile
        self._requests: SimpleQueue[Incoming | None] = SimpleQueue()
        self._attention = threading.Event()
        self._transaction = OpenTransaction()

    def run(self) -> None:
        try:
            session = self._begin()
        except (ClosedError, CutError, MalformedError):
            session = None
        if session is not None:
            self._converse(session)
        self._stream.close()

    def close(self) -> None:
        """End the conversation, from another thread."""
        self._stream.close()

    def _begin(self) -> Session | None:
        profile = self._profile
        greeting = login.parse_prelogin(self._stream.read().body)
        profile.on_message("prelogin")
        how = login.agreed(
            greeting.encryption,
            has_certificate=profile.tls is not None,
            forces=profile.forces_encryption,
        )
        answer = login.prelogin_answer(profile.version, how)
        self._stream.write(answer, is_last=True)
        if how is Encryption.REQUIRED:
            return None
        if how is not Encryption.IMPOSSIBLE and profile.tls is not None:
            self._stream.begin_encryption(profile.tls)
        request = login.parse_login(self._stream.read().body)
        profile.on_message("login")
        if how is Encryption.LOGIN_ONLY:
            self._stream.end_encryption()
        return self._log_in(request)

    def _log_in(self, request: login.LoginRequest) -> Session | None:
        size = min(max(request.packet_bytes or 4096, _SMALLEST_PACKET), _LARGEST_PACKET)
        try:
            session = self._server.log_in(request.login)
        except LoginRefusedError as error:
            refusal = answering.message(error.message, "") + answering.done(status=2)
            self._stream.write(refusal, is_last=True)
            return None
        version = min(request.version, self._profile.tds_version)
        self._stream.write(answering.login_answer(session.welcome, version, size), is_last=True)
        self._stream.packet_bytes = size
        return session

    def _converse(self, session: Session) -> None:
        reader = threading.Thread(target=self._read, args=(session,), daemon=True)
        reader.start()
        handles = Handles(session)
        try:
            while (request := self._requests.get()) is not None:
                self._serve(request, session, handles)
        except (ClosedError, CutError):
            pass
        finally:
            session.close()
            self._stream.close()
            reader.join()

    def _read(self, session: Session) -> None:
        """Hear the client while a request is carried out: it may call it off."""
        try:
            while True:
                request = self._stream.read()
                if request.kind == Packet.ATTENTION:
                    self._profile.on_message("attention")
                    self._attention.set()
                    session.cancel()
                self._requests.put(request)
        except (ClosedError, CutError):
            session.cancel()
            self._requests.put(None)

    def _serve(self, request: Incoming, session: Session, handles: Handles) -> None:
        if request.kind == Packet.ATTENTION:
            if self._attention.is_set():  # nothing was running any more
                self._attention.clear()
                self._stream.write(answering.acknowledged_attention(), is_last=True)
            return
        if request.resets:
            session.reset()
            handles.forget()
        self._profile.on_message(Packet(request.kind).name.lower())
        pieces = _Pieces(self._stream, self._profile.on_message)
        is_fatal = False
        answer = Answer(pieces.put, session.welcome, in_procedure=request.kind == Packet.RPC)
        for result in self._results(request, session, handles):
            answer.put(result)
            if (now := session.open_transaction).number != self._transaction.number:
                answer.tell(answering.transaction_change(self._transaction, now))
                self._transaction = now
            if isinstance(result, Message):
                pieces.flush()
                is_fatal |= result.severity >= _FATAL
        pieces.put(answer.end(is_cancelled=self._attention.is_set()))
        self._attention.clear()
        pieces.end()
        if is_fatal:
            raise ClosedError

    def _results(self, request: Incoming, session: Session, handles: Handles) -> Iterator[Result]:
        try:
            if request.kind == Packet.BATCH:
                yield from session.execute(Prepared(requests.parse_batch(request.body)))
            elif request.kind == Packet.TRANSACTION:
                yield from session.execute(Prepared(requests.parse_transaction(request.body)))
            elif request.kind == Packet.RPC:
                for call in requests.parse_calls(request.body):
                    yield from handles.call(call.procedure, call.parameters)
            else:
                raise MalformedError(f"messages of type {request.kind} are not known here")
        except MalformedError as error:
            yield Message(50000, 20, f"The simulated server does not know this: {error}")
            yield Done(is_error=True)
