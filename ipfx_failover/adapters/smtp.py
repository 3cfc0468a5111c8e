"""Mail over SMTP (manual, "Alerts tab"): one connection a mail.

The password is looked up when it is needed, and appears in no message: what a server answers may
repeat what it was sent.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.smtp_trouble import Trouble, explain
from ipfx_failover.errors import FailoverError, Refused
from ipfx_failover.events import one_line
from ipfx_failover.mailing import Letter, MailSender, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.config.models import AlertSettings

TIMEOUT_S: Final = 15.0
_IMPLICIT_TLS_PORT: Final = 465
_MASK: Final = "********"
_PLAIN: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w.-]+", re.ASCII)
_NO_NAME: Final = re.compile(r"[^\w.-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class SmtpSender(MailSender):
    """Sends by the mail server of the config; `timeout_s` for each answer of it.

    `host`: the name of this Failover Server, for people who have several.
    """

    settings: AlertSettings
    timeout_s: float = TIMEOUT_S
    host: str = field(default_factory=socket.gethostname)

    @property
    def limitation(self) -> str | None:
        if not self.settings.smtp_server or not self.settings.from_:
            return "the config names no mail server (alerts.smtp_server)"
        if not _PLAIN.fullmatch(self.settings.from_):
            return f"the sender {self.settings.from_} is no plain mail address (alerts.from)"
        if not self.settings.to:
            return "the config names no recipients (alerts.to)"
        return None

    def send(self, letter: Letter) -> Mapping[str, Refusal]:
        outcome = self._attempt(letter)
        if isinstance(outcome, FailoverError):
            # Outside of any handler: the error's context would hold what was sent.
            raise outcome
        return outcome

    def _attempt(self, letter: Letter) -> Mapping[str, Refusal] | FailoverError:
        settings = self.settings
        password = ""
        try:
            if settings.username and settings.password:
                password = settings.password.reveal()
            with _Session(settings, self.timeout_s, password) as smtp:
                recipients = letter.recipients or settings.to
                refused = smtp.send_message(
                    compose(letter, settings, self.host), settings.from_, list(recipients)
                )
        except FailoverError as error:
            return error
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            trouble = Trouble(
                host=settings.smtp_server or "",
                port=settings.smtp_port,
                sender=settings.from_ or "",
            )
            return explain(error, trouble, lambda text: _without_secrets(text, settings, password))
        return {
            who: Refusal(_without_secrets(f"{code} {_text(said)}", settings, password), code >= 500)
            for who, (code, said) in refused.items()
        }


def compose(letter: Letter, settings: AlertSettings, host: str) -> EmailMessage:
    """The mail with its headers (RFC 5322, RFC 3834). Nothing in it can begin a header.

    An inbox shows the Failover Server that it comes from as its sender, and so can be sorted.
    An unusual address gets the mail, but is not named: Python's header parser fails on some.
    """
    sender = settings.from_ or ""
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(letter.written_at)
    message["Message-ID"] = f"<{letter.key}@{sender.partition('@')[2]}>"
    message["From"] = f'"{_NO_NAME.sub("-", host)}" <{sender}>'
    message["To"] = ", ".join(filter(_PLAIN.fullmatch, settings.to)) or "undisclosed-recipients:;"
    message["Subject"] = one_line(letter.subject)
    message["Auto-Submitted"] = "auto-generated"
    text = f"{letter.body.rstrip()}\nFailover Server: {one_line(host)}\n"
    body = text.encode("utf-8", "backslashreplace").decode("utf-8")
    message.set_content(body, charset="utf-8", cte="quoted-printable")
    return message


class _Session:
    """A connection that is ready to take a mail: secured and logged in as the config says."""

    def __init__(self, settings: AlertSettings, timeout_s: float, password: str) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._password = password
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> smtplib.SMTP:
        smtp = self._smtp = self._connect()
        try:
            smtp.local_hostname = _our_name(smtp)
            smtp.ehlo_or_helo_if_needed()
            self._secure(smtp)
            self._log_in(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if self._smtp is None:
            return
        if failed is None:
            # The mail is taken; how the server says goodbye changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._smtp.close()

    @property
    def _is_implicit(self) -> bool:
        security = self._settings.smtp_security
        at_its_port = self._settings.smtp_port == _IMPLICIT_TLS_PORT
        return security == "tls" or (security == "auto" and at_its_port)

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        host, port = settings.smtp_server or "", settings.smtp_port
        # With no name given, smtplib would ask the DNS for ours, which takes long when it is down.
        if self._is_implicit:
            return smtplib.SMTP_SSL(
                host, port, "localhost", timeout=self._timeout_s, context=self._context()
            )
        return smtplib.SMTP(host, port, "localhost", timeout=self._timeout_s)

    def _secure(self, smtp: smtplib.SMTP) -> None:
        security = self._settings.smtp_security
        if self._is_implicit or security == "none":
            return
        if smtp.has_extn("starttls"):
            smtp.starttls(context=self._context())
        elif security == "starttls" or self._password:
            raise Refused(
                f"the mail server {self._settings.smtp_server} offers no encryption (STARTTLS)"
                + ("; the password was not sent" if self._password else ""),
                'set alerts.smtp_security = "none" if that is acceptable on this network',
            )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.smtp_security == "auto" and not self._password:
            # Between mail servers a certificate that cannot be checked is usual, and better than
            # plain text; where a password goes, or TLS was asked for, it is checked.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if self._settings.username and self._password:
            smtp.login(self._settings.username, self._password)


def _our_name(smtp: smtplib.SMTP) -> str:
    """An address literal (RFC 5321, 4.1.3): always true, and never a question to the DNS."""
    address = str(smtp.sock.getsockname()[0]) if smtp.sock else "127.0.0.1"
    address = address.partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _without_secrets(text: str, settings: AlertSettings, password: str) -> str:
    if password:
        user = settings.username or ""
        for secret in (f"\0{user}\0{password}", password):
            text = text.replace(b64encode(secret.encode()).decode(), _MASK)
        text = text.replace(password, _MASK)
    return one_line(" ".join(text.split()))[:300]
