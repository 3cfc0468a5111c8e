"""A webhook: one POST with a JSON body, over a connection of its own (RFC 9110).

Its address is a secret, with a token in it mostly: it is looked up when it is needed, and no
message names any part of it. What a server answers may repeat it, and is cleaned.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from ipfx_failover import __version__
from ipfx_failover.adapters.hook_message import message, texts
from ipfx_failover.adapters.webhook_trouble import Answer, explain, of_answer
from ipfx_failover.config.templates import check_template, fill_template
from ipfx_failover.errors import FailoverError, Refused
from ipfx_failover.events import one_line
from ipfx_failover.mailing import Letter, MailSender, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.config.models import WebhookSettings

_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = (307, 308)
"""Those after which a POST stays a POST (RFC 9110, 15.4)."""
_KEPT_BYTES: Final = 2000
_SHOWN_LETTERS: Final = 200
_TELLING: Final = re.compile(r"[^/?&=#:@]{4,}")
_MASK: Final = "********"


class Target(NamedTuple):
    """Where a request goes; `path` with the query."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Webhook(MailSender):
    """Posts to the webhook that the config names; `host`: the name of this Failover Server."""

    name: str
    settings: WebhookSettings
    host: str = field(default_factory=socket.gethostname)

    @property
    def limitation(self) -> str | None:
        return None

    def send(self, letter: Letter) -> Mapping[str, Refusal]:
        """Post it; a redirect is followed to the same host only.

        Raises:
            RejectedError: this message is not taken (HTTP 400, 413, 415, 422).
            AskedToWaitError: nothing is taken for a while (Retry-After).
            FailoverError: nothing can be sent now.
        """
        problem = self._attempt(letter)
        if problem is not None:
            # Outside of any handler: the error's context would hold the address.
            raise problem
        return {}

    def _attempt(self, letter: Letter) -> FailoverError | None:
        address = ""
        try:
            address = self.settings.url.reveal()
            body = self._body(letter).encode()
            return self._post(target_of(address), body, letter.key, address)
        except FailoverError as error:
            return error
        except (OSError, http.client.HTTPException, ValueError) as error:
            return explain(error, self.name, lambda text: _clean(text, address))

    def _post(self, target: Target, body: bytes, key: str, address: str) -> FailoverError | None:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = _within(self.settings.timeout_s, target, body, key)
            moved = _moved(target, answer)
            if moved is None:
                break
            target = moved
        shown = answer._replace(text=_clean(answer.text, address))
        return of_answer(shown, self.name)

    def _body(self, letter: Letter) -> str:
        values = message(letter, self.host)
        template = self.settings.template
        if self.settings.template_file is not None:
            template = self._from_file()
        if template is None:
            return json.dumps(values)
        return fill_template(template, texts(values))

    def _from_file(self) -> str:
        path = self.settings.template_file
        try:
            text = path.read_text("utf-8") if path else ""
        except (OSError, UnicodeError):
            complaint: str | None = "cannot be read"
        else:
            complaint = check_template(text)
        if complaint:
            raise Refused(
                f"the template {path} of webhook {self.name} {complaint}",
                "correct it; see: ipfx-failover config check",
            )
        return text


def target_of(address: str) -> Target:
    """The parts of a web address.

    Raises:
        ValueError: it is none, or one that nothing can be posted to.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("no web address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, parts.hostname, port, (parts.path or "/") + query)


def _moved(target: Target, answer: Answer) -> Target | None:
    """Where on the same host to post instead; None when it is not said, or elsewhere."""
    if answer.status not in _REDIRECTS or not answer.location:
        return None
    base = f"{target.scheme}://{_host(target)}:{target.port}{target.path}"
    try:
        found = target_of(urljoin(base, answer.location))
    except ValueError:
        return None
    return found if found[:3] == target[:3] else None


def _host(target: Target) -> str:
    return f"[{target.host}]" if ":" in target.host else target.host


def _within(timeout_s: float, target: Target, body: bytes, key: str) -> Answer:
    """The answer to a request, or a TimeoutError once the time is over, whatever it hangs at.

    A socket's own time-out begins anew with each byte, and a name server has none that we know.
    """
    connection = _connection(target, timeout_s)
    outcome: list[Answer | Exception] = []

    def exchange() -> None:
        try:
            outcome.append(_exchange(connection, target, body, key))
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=exchange, name="webhook", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not outcome:
        _cut(connection)
        raise TimeoutError
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _connection(target: Target, timeout_s: float) -> http.client.HTTPConnection:
    if target.scheme == "http":
        return http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(target.host, target.port, timeout=timeout_s, context=context)


def _exchange(
    connection: http.client.HTTPConnection, target: Target, body: bytes, key: str
) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"ipfx-failover/{__version__}",
        "Idempotency-Key": key,
        "Connection": "close",
    }
    connection.request("POST", target.path, body, headers)
    response = connection.getresponse()
    text = response.read(_KEPT_BYTES).decode("utf-8", "replace")
    return Answer(
        response.status,
        text,
        location=response.getheader("Location"),
        retry_after=response.getheader("Retry-After"),
    )


def _cut(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _clean(text: str, address: str) -> str:
    """On one line, and without any part of the address that may tell something."""
    parts = _TELLING.findall(address.partition("://")[2])
    for part in (address, *sorted(parts, key=len, reverse=True)):
        text = text.replace(part, _MASK) if part else text
    return one_line(" ".join(text.split()))[:_SHOWN_LETTERS]
