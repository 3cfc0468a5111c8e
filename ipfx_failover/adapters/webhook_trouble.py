"""What went wrong with a webhook, in words, and what to do about it."""

from __future__ import annotations

import http.client
import socket
import ssl
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.errors import FailoverError, Refused, Unreachable
from ipfx_failover.mailing import AskedToWaitError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

_NOT_TAKEN: Final = (400, 413, 415, 422)
_NO_ENTRY: Final = (401, 403, 404, 405, 410)
_LATER: Final = (429, 503)
_SHORTEST_WAIT: Final = timedelta(seconds=1)


class Answer(NamedTuple):
    """What a server answered; `text` is the beginning of its body."""

    status: int
    text: str = ""
    location: str | None = None
    retry_after: str | None = None


def of_answer(answer: Answer, name: str) -> FailoverError | None:
    """What an answer means for us; None when the message was taken. Its text must be clean."""
    said = f"{answer.status} {answer.text}".strip()
    if 200 <= answer.status < 300:
        return None
    if answer.status in _LATER and (wait := _wait(answer.retry_after)) is not None:
        return AskedToWaitError(
            f"webhook {name} asks us to wait {wait.total_seconds():.0f} s ({said})",
            "nothing has to be done: it is told later",
            wait,
        )
    if 300 <= answer.status < 400:
        return Refused(
            f"webhook {name} sends us to another place ({answer.status}): not followed",
            f"put the right address into the secret that alerts.webhooks.{name}.url names",
        )
    if answer.status in _NO_ENTRY:
        return Refused(
            f"webhook {name} does not let us in: {said}",
            f"check the secret that alerts.webhooks.{name}.url names",
        )
    if answer.status in _NOT_TAKEN:
        return RejectedError(
            f"webhook {name} does not take the message: {said}",
            f"check the template in alerts.webhooks.{name}",
        )
    return Unreachable(f"webhook {name} does not serve us: {said}", "ask those who run the service")


def explain(error: Exception, name: str, clean: Callable[[str], str]) -> FailoverError:
    """The error as one of ours; `clean` takes secrets and control characters out of a text."""
    where = f"check the secret that alerts.webhooks.{name}.url names"
    if isinstance(error, ssl.SSLError):
        return _of_encryption(error, name, where, clean)
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"the host name of webhook {name} cannot be resolved",
            f"check the DNS of this machine, and {where.removeprefix('check ')}",
        )
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"webhook {name} refuses the connection", where)
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"webhook {name} does not answer in time",
            f"check firewalls on the way, or raise alerts.webhooks.{name}.timeout_s",
        )
    if isinstance(error, ValueError | http.client.InvalidURL):
        return Refused(f"the address of webhook {name} is no web address", where)
    reason = getattr(error, "strerror", None) or clean(str(error)) or type(error).__name__
    return Unreachable(f"webhook {name} cannot be reached: {reason}", where)


def _of_encryption(
    error: ssl.SSLError, name: str, where: str, clean: Callable[[str], str]
) -> FailoverError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            f"the certificate of webhook {name} is not trusted: {clean(error.verify_message)}",
            "add its issuer to the certificates that this machine trusts (or name the file in "
            "SSL_CERT_FILE)",
        )
    reason = str(getattr(error, "reason", None) or "TLS").replace("_", " ").lower()
    return Unreachable(f"no encrypted connection to webhook {name}: {reason}", where)


def _wait(retry_after: str | None) -> timedelta | None:
    """Retry-After as a duration (RFC 9110, 10.2.3); None where it says nothing of use."""
    if retry_after is None:
        return None
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return max(timedelta(seconds=min(int(retry_after[:9]), 86_400)), _SHORTEST_WAIT)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(at - SystemClock().now(), _SHORTEST_WAIT)
