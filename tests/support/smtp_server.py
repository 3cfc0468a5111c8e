"""A real SMTP server on loopback, and servers that are none."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.ports import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from email.message import EmailMessage

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """A mail that the server took."""

    message: EmailMessage
    sender: str
    recipients: tuple[str, ...]
    was_encrypted: bool
    helo: str

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return str(self.message.get_content())


@dataclass
class SmtpServer:
    """An SMTP server that can be started, stopped and told what to refuse.

    `answers_to`: the whole answer to RCPT by recipient; `answer_to_data`, `answer_to_mail`:
    instead of the normal one; `logins`: what is accepted, none: no login is needed.
    """

    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    logins: dict[str, str] = field(default_factory=dict)
    answers_to: dict[str, str] = field(default_factory=dict)
    answer_to_mail: str | None = None
    answer_to_data: str | None = None
    login_failure: str = "535 5.7.8 Authentication credentials invalid"
    port: int = 0
    mails: list[Received] = field(default_factory=list)
    passwords_seen: list[str] = field(default_factory=list)
    _controller: Controller | None = None

    def start(self) -> None:
        self.port = self.port or free_port()
        options: dict[str, Any] = {}
        if self.logins:
            options = {"authenticator": self._authenticate, "auth_require_tls": False}
        self._controller = Controller(
            self,
            hostname=HOST,
            port=self.port,
            ssl_context=self.tls,
            tls_context=self.starttls,
            enable_SMTPUTF8=False,
            **options,
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def _authenticate(
        self, _server: object, _session: object, _envelope: object, _mechanism: str, login: object
    ) -> AuthResult:
        assert isinstance(login, LoginPassword)
        name, password = login.login.decode(), login.password.decode()
        self.passwords_seen.append(password)
        accepted = self.logins.get(name) == password
        return AuthResult(success=accepted, handled=False, message=self.login_failure)

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, _server: object, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.logins and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self.answer_to_mail is not None:
            return self.answer_to_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.answers_to:
            return self.answers_to[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer_to_data is not None:
            return self.answer_to_data
        self.mails.append(
            Received(
                message=message_from_bytes(envelope.content, policy=policy.default),
                sender=envelope.mail_from,
                recipients=tuple(envelope.rcpt_tos),
                was_encrypted=session.ssl is not None or self.tls is not None,
                helo=session.host_name,
            )
        )
        return "250 Message accepted"


@contextmanager
def running(server: SmtpServer) -> Iterator[SmtpServer]:
    """Keep a server running while the block runs."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def greeting(greeting: bytes | None) -> Iterator[int]:
    """A server that greets each visitor so, and closes; None: it accepts, and says nothing."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        thread = threading.Thread(target=_greet, args=(listener, greeting))
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _greet(listener: socket.socket, greeting: bytes | None) -> None:
    silent = []
    with suppress(OSError):
        while True:
            visitor, _ = listener.accept()
            if greeting is None:
                silent.append(visitor)
                continue
            with visitor:
                visitor.sendall(greeting)
    for visitor in silent:
        visitor.close()
