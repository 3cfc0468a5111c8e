"""A webhook with a real HTTP server: what is sent, what each answer means, what is never shown."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.webhook import Webhook
from ipfx_failover.config.models import WebhookSettings
from ipfx_failover.decide.alerts import compose
from ipfx_failover.decide.notices import notice
from ipfx_failover.errors import FailoverError, Refused, Unreachable
from ipfx_failover.events import Event, EventKind
from ipfx_failover.mailing import AskedToWaitError, Letter, RejectedError
from tests.support.certificates import self_signed
from tests.support.web_server import HOST, WebServer, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVENT = Event(
    EventKind.TAKEOVER_REFUSED, NOON, "DEMO", {"reason": 'the "cable" is out\\', "advice": "look"}
)
MAIL = compose(EVENT)
LETTER = Letter(
    "7.2026", NOON, MAIL.subject, MAIL.body, document=json.dumps(notice(EVENT, MAIL, 7))
)
PATH = "/services/T0K3N/s3cr3t-part?key=hidden-too"
TEMPLATES = Path(__file__).parents[2] / "examples" / "webhooks"
GENEROUS_S = 60.0


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def hook(address: str, **settings: object) -> Webhook:
    values = {"url": f"{address}{PATH}", "timeout_s": GENEROUS_S, **settings}
    return Webhook("team", WebhookSettings.model_validate(values), host="standby")


def failure(sender: Webhook, letter: Letter = LETTER) -> FailoverError:
    with pytest.raises(FailoverError) as caught:
        sender.send(letter)
    error = caught.value
    said = f"{error.message} {error.hint} {error!r} {error.__context__!r} {error.__cause__!r}"
    for secret in ("T0K3N", "s3cr3t-part", "hidden-too", HOST):
        assert secret not in said
    return error


def test_without_a_template_the_event_is_sent_as_it_is(server: WebServer) -> None:
    assert {} == hook(server.address).send(LETTER)

    (request,) = server.requests
    assert PATH == request.path
    assert ("application/json", "7.2026") == (
        request.headers["Content-Type"],
        request.headers["Idempotency-Key"],
    )
    assert {
        "schema_version": 1,
        "key": "7.2026",
        "host": "standby",
        "cursor": 7,
        "kind": "takeover_refused",
        "level": "error",
        "at": "2026-03-04T12:00:00+00:00",
        "server": "DEMO",
        "subject": "DEMO has failed, and was NOT taken over",
        "text": 'Not taken over: the "cable" is out\\',
        "next_step": "look",
        "body": MAIL.body,
        "data": {"reason": 'the "cable" is out\\', "advice": "look"},
    } == request.document


def test_a_template_is_filled(server: WebServer) -> None:
    hook(server.address, template='{"text": "*$subject*: $text ($host)"}').send(LETTER)

    said = (
        'DEMO has failed, and was NOT taken over*: Not taken over: the "cable" is out\\ (standby)'
    )
    assert [{"text": f"*{said}"}] == server.documents


@pytest.mark.parametrize("name", ["slack.json", "teams.json"])
def test_the_example_templates_are_right(server: WebServer, name: str) -> None:
    hook(server.address, template_file=TEMPLATES / name).send(LETTER)

    (document,) = server.documents
    assert "DEMO has failed, and was NOT taken over" in json.dumps(document)
    assert 'the "cable" is out' in json.dumps(document).replace('\\"', '"')


@pytest.mark.parametrize("text", [None, '{"text": "$wrong"}'])
def test_a_template_file_that_is_wrong_sends_nothing(
    server: WebServer, tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "template.json"
    if text is not None:
        file.write_text(text)
    error = failure(hook(server.address, template_file=file))

    assert isinstance(error, Refused)
    assert str(file) in error.message
    assert [] == server.requests


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (500, Unreachable, "does not serve us: 500 ok"),
        (404, Refused, "does not let us in: 404 ok"),
        (400, RejectedError, "does not take the message: 400 ok"),
        (302, Refused, "sends us to another place (302)"),
        (429, Unreachable, "does not serve us: 429 ok"),
    ],
)
def test_what_an_answer_means(
    server: WebServer, status: int, kind: type[FailoverError], words: str
) -> None:
    server.answers.status = status
    error = failure(hook(server.address))

    assert kind is type(error)
    assert words in error.message
    assert 1 == len(server.requests)


def test_an_answer_that_repeats_the_address_does_not_give_it_away(server: WebServer) -> None:
    server.answers.status = 404
    server.answers.text = f"no {PATH}\x1b[2J T0K3N s3cr3t-part hidden-too"

    assert "\x1b" not in failure(hook(server.address)).message


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(seconds=1)),
        ("999999999999", timedelta(minutes=15)),
        (format_datetime(NOON), timedelta(seconds=1)),
        (format_datetime(NOON.replace(year=2099)), timedelta(minutes=15)),
    ],
)
def test_who_asks_for_a_pause_gets_it_within_reason(
    server: WebServer, said: str, wait: timedelta
) -> None:
    server.answers.status, server.answers.headers = 429, {"Retry-After": said}
    error = failure(hook(server.address))

    assert isinstance(error, AskedToWaitError)
    assert wait == error.wait


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_on_the_same_host_is_followed_with_the_same_body(
    server: WebServer, status: int
) -> None:
    server.answers.by_path = {PATH: (status, {"Location": "/moved"})}
    hook(server.address).send(LETTER)

    assert [PATH, "/moved"] == [request.path for request in server.requests]
    assert server.requests[0].body == server.requests[1].body


def test_a_redirect_to_another_host_is_not_followed(server: WebServer) -> None:
    with web_server() as other:
        server.answers.by_path = {PATH: (307, {"Location": f"{other.address}/trap"})}

        assert "sends us to another place" in failure(hook(server.address)).message
        assert [] == other.requests


def test_a_redirect_that_goes_round_ends(server: WebServer) -> None:
    server.answers.status, server.answers.headers = 307, {"Location": PATH}

    assert "sends us to another place" in failure(hook(server.address)).message
    assert 4 == len(server.requests)


@pytest.mark.parametrize("behaviour", ["hanging", "dripping"])
def test_one_that_does_not_come_to_an_end_is_left_when_the_time_is_over(
    server: WebServer, behaviour: str
) -> None:
    setattr(server.answers, behaviour, True)

    assert "does not answer in time" in failure(hook(server.address, timeout_s=0.3)).message


def test_a_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path)
    with web_server(certificate.server_context()) as server:
        assert "is not trusted: self-signed" in failure(hook(server.address)).message
        assert [] == server.requests

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        hook(server.address).send(LETTER)
        assert 1 == len(server.requests)


def test_a_certificate_for_another_host_is_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path, address="192.0.2.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with web_server(certificate.server_context()) as server:
        error = failure(hook(server.address))

        assert "is not trusted: IP address mismatch" in error.message
        assert [] == server.requests


def test_plain_http_where_tls_is_expected_is_no_encrypted_connection(server: WebServer) -> None:
    error = failure(hook(server.address.replace("http:", "https:")))

    assert "no encrypted connection to webhook team" in error.message


def test_nobody_there_is_said() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        address = f"http://{HOST}:{probe.getsockname()[1]}"

        assert "webhook team refuses the connection" == failure(hook(address)).message


@pytest.mark.parametrize(
    "address", ["ftp://x", "T0K3N", "http://", "http://u:T0K3N@x", "http://[T", "http://x/T0 K3N"]
)
def test_what_is_no_web_address_is_said_without_it(address: str) -> None:
    assert "the address of webhook team is no web address" == failure(hook(address)).message


def test_a_secret_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    settings = WebhookSettings.model_validate({"url": {"env": "HOOK"}})

    with pytest.raises(Refused, match="HOOK is not set"):
        Webhook("team", settings).send(LETTER)
