"""What went wrong with a mail server, in words, and what to do about it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError, Refused, Unreachable
from ipfx_failover.mailing import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Trouble:
    """Whom we talked to, and as whom."""

    host: str
    port: int
    sender: str

    @property
    def server(self) -> str:
        return f"the mail server {self.host} (port {self.port})"


_ENCRYPTION = 'see alerts.smtp_security ("tls", "starttls" or "none") and alerts.smtp_port'


def explain(error: Exception, trouble: Trouble, tame: Callable[[str], str]) -> FailoverError:
    """The error as one of ours; `tame` takes secrets and control characters out of a text."""
    if isinstance(error, smtplib.SMTPException):
        return _of_protocol(error, trouble, tame)
    if isinstance(error, ssl.SSLError):
        return _of_encryption(error, trouble)
    if isinstance(error, UnicodeError):
        return _of_encoding(error, trouble)
    return _of_network(error, trouble, tame)


def _of_network(error: Exception, trouble: Trouble, tame: Callable[[str], str]) -> FailoverError:
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"the mail server's name {trouble.host} cannot be resolved",
            "check alerts.smtp_server and the DNS of this machine, or use the server's address",
        )
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(
            f"{trouble.server} refuses the connection",
            "check alerts.smtp_port, and whether the mail server runs",
        )
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"{trouble.server} does not answer in time",
            "check the address, the port, and firewalls on the way",
        )
    reason = getattr(error, "strerror", None) or tame(str(error)) or type(error).__name__
    return Unreachable(
        f"{trouble.server} cannot be reached: {reason}",
        "check alerts.smtp_server and this machine's network",
    )


def _of_encryption(error: ssl.SSLError, trouble: Trouble) -> FailoverError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            f"the certificate of {trouble.server} is not trusted: {error.verify_message}",
            "add its issuer to the certificates that this machine trusts (or name the file in "
            "SSL_CERT_FILE), and use the name that the certificate is for as alerts.smtp_server",
        )
    # Errors that Python raises itself have no reason.
    reason = str(getattr(error, "reason", None) or type(error).__name__).replace("_", " ").lower()
    return Unreachable(f"no encrypted connection to {trouble.server}: {reason}", _ENCRYPTION)


def _of_encoding(error: UnicodeError, trouble: Trouble) -> FailoverError:
    if isinstance(error, UnicodeEncodeError) and error.encoding == "ascii":
        return Refused(
            "the user name or password for the mail server has characters beyond ASCII",
            "SMTP logins allow ASCII only: choose another password for alerts.username",
        )
    return Refused(f"{trouble.host} cannot be a mail server's name", "check alerts.smtp_server")


def _of_protocol(
    error: smtplib.SMTPException, trouble: Trouble, tame: Callable[[str], str]
) -> FailoverError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _of_recipients(error, trouble, tame)
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_response(error, trouble, tame)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Unreachable(
            f"{trouble.server} has ended the connection: {tame(str(error))}", _ENCRYPTION
        )
    return Refused(f"{trouble.server} lacks what is needed: {tame(str(error))}", _ENCRYPTION)


def _of_response(
    error: smtplib.SMTPResponseException, trouble: Trouble, tame: Callable[[str], str]
) -> FailoverError:
    said = f"{error.smtp_code} {tame(_text(error.smtp_error))}"
    match error:
        case smtplib.SMTPAuthenticationError():
            return Refused(
                f"{trouble.server} does not accept the user name and password ({error.smtp_code})",
                "check alerts.username and the secret that alerts.password names",
            )
        case smtplib.SMTPSenderRefused():
            return Refused(
                f"{trouble.server} refuses the sender {trouble.sender}: {said}",
                "check alerts.from; some servers want a login first (alerts.username)",
            )
        case smtplib.SMTPDataError():
            return RejectedError(
                f"{trouble.server} does not take the mail: {said}",
                "ask those who run the mail server",
            )
        case _:
            return Unreachable(
                f"{trouble.server} does not serve us: {said}", "ask those who run the mail server"
            )


def _of_recipients(
    error: smtplib.SMTPRecipientsRefused, trouble: Trouble, tame: Callable[[str], str]
) -> FailoverError:
    reasons = [
        f"{who} ({code} {tame(_text(said))})" for who, (code, said) in error.recipients.items()
    ]
    return RejectedError(
        f"{trouble.server} refuses every recipient: {', '.join(reasons)}",
        "check alerts.to; a server that relays only for known senders wants a login "
        "(alerts.username) or this machine's address in its list",
    )


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
