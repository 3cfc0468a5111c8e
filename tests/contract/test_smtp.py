"""Mail over real SMTP: headers, encryption, logins, and what is said when it fails."""

from __future__ import annotations

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.adapters.smtp import SmtpSender, compose
from ipfx_failover.adapters.smtp_trouble import Trouble, explain
from ipfx_failover.config.models import AlertSettings
from ipfx_failover.decide.alerts import Mail
from ipfx_failover.errors import FailoverError, Refused, Unreachable
from ipfx_failover.mailing import Drained, Letter, drain
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.support.certificates import Certificate, self_signed
from tests.support.smtp_server import HOST, SmtpServer, greeting, running

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
OURS = "AKLFAILOVER"
LETTER = Letter("1.20260304", NOON, "DÉMO has failed", "Since 12:00 — look at it\n" + "x" * 2000)
PASSWORD = "correct horse"  # noqa: S105 - of a server that lives for one test


def settings(port: int, **more: object) -> AlertSettings:
    return AlertSettings.model_validate(
        {
            "smtp_server": HOST,
            "smtp_port": port,
            "from": "failover@example.com",
            "to": ["support@example.com", "it@example.com"],
            **more,
        }
    )


def sender(server: SmtpServer, **more: object) -> SmtpSender:
    return SmtpSender(settings(server.port, **more), host=OURS)


def login(password: str = PASSWORD, **more: object) -> dict[str, object]:
    return {"username": "failoverserver", "password": password, **more}


def failure(smtp: SmtpSender) -> FailoverError:
    with pytest.raises(FailoverError) as caught:
        smtp.send(LETTER)
    error = caught.value
    assert error.__context__ is None, "the context could hold what was sent"
    assert PASSWORD not in f"{error.message} {error.hint}"
    assert "\n" not in error.message
    return error


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    return certificate


def test_a_mail_arrives_whole_with_its_headers() -> None:
    with running(SmtpServer()) as server:
        sender(server).send(LETTER)

    (mail,) = server.mails
    assert {
        "Date": "Wed, 04 Mar 2026 12:00:00 +0000",
        "Message-ID": "<1.20260304@example.com>",
        "From": f"{OURS} <failover@example.com>",
        "To": "support@example.com, it@example.com",
        "Subject": "DÉMO has failed",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    } == {name: str(value) for name, value in mail.message.items() if name[:2] != "X-"}
    text = mail.text.replace("\r\n", "\n").rstrip("\n")
    assert f"{LETTER.body}\nFailover Server: {OURS}" == text
    assert ("failover@example.com", "[127.0.0.1]") == (mail.sender, mail.helo)
    assert ("support@example.com", "it@example.com") == mail.recipients


@pytest.mark.parametrize("security", ["auto", "starttls"])
def test_it_is_encrypted_where_the_server_offers_it(trusted: Certificate, security: str) -> None:
    with running(SmtpServer(starttls=trusted.server_context())) as server:
        sender(server, smtp_security=security).send(LETTER)

    assert [True] == [mail.was_encrypted for mail in server.mails]


def test_tls_from_the_first_byte(trusted: Certificate) -> None:
    with running(SmtpServer(tls=trusted.server_context())) as server:
        sender(server, smtp_security="tls").send(LETTER)

    assert 1 == len(server.mails)


def test_none_means_plain_text(trusted: Certificate) -> None:
    with running(SmtpServer(starttls=trusted.server_context())) as server:
        sender(server, smtp_security="none").send(LETTER)

    assert [False] == [mail.was_encrypted for mail in server.mails]


def test_without_a_password_any_certificate_is_better_than_plain_text(
    certificate: Certificate,
) -> None:
    with running(SmtpServer(starttls=certificate.server_context())) as server:
        sender(server).send(LETTER)

    assert [True] == [mail.was_encrypted for mail in server.mails]


@pytest.mark.parametrize(
    "more", [{"smtp_security": "starttls"}, login()], ids=["asked", "password"]
)
def test_a_certificate_that_nobody_trusts_is_refused_where_it_matters(
    certificate: Certificate, more: dict[str, object]
) -> None:
    server = SmtpServer(starttls=certificate.server_context(), logins={"failoverserver": PASSWORD})
    with running(server):
        error = failure(sender(server, **more))

    assert isinstance(error, Refused)
    assert "certificate" in error.message
    assert "SSL_CERT_FILE" in error.hint
    assert ([], []) == (server.mails, server.passwords_seen)


def test_a_certificate_for_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = self_signed(tmp_path, address="127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    with running(SmtpServer(tls=other.server_context())) as server:
        error = failure(sender(server, smtp_security="tls"))

    assert "127.0.0.1" in error.message
    assert "alerts.smtp_server" in error.hint


def test_login(trusted: Certificate) -> None:
    server = SmtpServer(starttls=trusted.server_context(), logins={"failoverserver": PASSWORD})
    with running(server):
        sender(server, **login()).send(LETTER)

    assert [True] == [mail.was_encrypted for mail in server.mails]


def test_a_password_is_not_sent_in_plain_text_unless_that_is_asked_for() -> None:
    with running(SmtpServer(logins={"failoverserver": PASSWORD})) as server:
        error = failure(sender(server, **login()))
        assert [] == server.passwords_seen
        assert 'smtp_security = "none"' in error.hint

        sender(server, **login(smtp_security="none")).send(LETTER)

    assert 1 == len(server.mails)


def test_starttls_that_is_not_offered_is_refused() -> None:
    with running(SmtpServer()) as server:
        error = failure(sender(server, smtp_security="starttls"))

    assert isinstance(error, Refused)
    assert "STARTTLS" in error.message


def test_a_wrong_password_is_named_as_the_reason_and_never_shown() -> None:
    server = SmtpServer(
        logins={"failoverserver": "another"},
        login_failure=f"535 your password {PASSWORD} is wrong",
    )
    with running(server):
        error = failure(sender(server, **login(smtp_security="none")))

    assert "does not accept the user name and password (535)" in error.message
    assert "alerts.username" in error.hint


@pytest.mark.parametrize("echo", [PASSWORD, "AGZhaWxvdmVyc2VydmVyAGNvcnJlY3QgaG9yc2U="])
def test_a_server_that_repeats_the_password_gets_it_into_no_message(echo: str) -> None:
    server = SmtpServer(
        logins={"failoverserver": PASSWORD}, answer_to_data=f"554 you said {echo} to me"
    )
    with running(server):
        error = failure(sender(server, **login(smtp_security="none")))

    assert "554 you said ******** to me" in error.message


def test_a_password_that_smtp_cannot_carry_is_explained_and_not_shown() -> None:
    password = "pässword"  # noqa: S105
    with running(SmtpServer(logins={"failoverserver": password})) as server:
        error = failure(sender(server, **login(password, smtp_security="none")))

    assert "beyond ASCII" in error.message
    assert "ä" not in error.message


def test_a_secret_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with running(SmtpServer()) as server:
        missing = {"file": str(tmp_path / "missing")}
        smtp = sender(server, username="failoverserver", password=missing)

        with pytest.raises(Refused, match="cannot be read"):
            smtp.send(LETTER)


def test_a_login_that_the_server_does_not_know_is_told() -> None:
    with running(SmtpServer()) as server:
        error = failure(sender(server, **login(smtp_security="none")))

    assert "SMTP AUTH extension not supported" in error.message


def test_a_refused_sender_is_told() -> None:
    with running(SmtpServer(answer_to_mail="550 who are you?")) as server:
        error = failure(sender(server))

    assert isinstance(error, Refused)
    assert "refuses the sender failover@example.com: 550 who are you?" in error.message
    assert "alerts.from" in error.hint


def test_refused_recipients_are_told_one_by_one() -> None:
    answers = {"support@example.com": "550 unknown", "it@example.com": "450 greylisted"}
    with running(SmtpServer(answers_to=answers)) as server:
        error = failure(sender(server))

    assert "support@example.com (550 unknown), it@example.com (450 greylisted)" in error.message


def test_an_address_that_the_server_cannot_carry_is_told() -> None:
    with running(SmtpServer()) as server:
        error = failure(sender(server, to=["jürgen@example.com"]))

    assert "SMTPUTF8" in error.message


@pytest.mark.parametrize(
    ("greets", "more", "words"),
    [
        (b"554 no service here\r\n", {}, "does not serve us: 554 no service here"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {}, "does not serve us"),
        (b"220 hello\r\n", {}, "has ended the connection"),
        (b"", {}, "has ended the connection"),
        (None, {}, "timed out"),
        (b"220 hello\r\n", {"smtp_security": "tls"}, "no encrypted connection"),
        (None, {"smtp_security": "tls"}, "does not answer in time"),
    ],
)
def test_a_server_that_is_none_is_told(
    greets: bytes | None, more: dict[str, object], words: str
) -> None:
    with greeting(greets) as port:
        error = failure(SmtpSender(settings(port, **more), timeout_s=0.2))

    assert isinstance(error, Unreachable)
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved"),
        (TimeoutError("timed out"), "does not answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "refuses the connection"),
        (OSError(101, "Network is unreachable"), "cannot be reached: Network is unreachable"),
        (UnicodeError("label too long"), "cannot be a mail server's name"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong"), "no encrypted connection"),
    ],
)
def test_what_the_network_says_is_put_into_words(error: Exception, words: str) -> None:
    told = explain(error, Trouble("mail.example.com", 25, "a@example.com"), str)

    assert words in told.message
    assert "mail.example.com" in told.message
    assert told.hint


def test_a_name_that_is_none_is_told() -> None:
    error = failure(SmtpSender(settings(25, smtp_server=f"{'a' * 70}.example.com")))

    assert "cannot be a mail server's name" in error.message


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"smtp_server": None, "from": None}, "alerts.smtp_server"),
        ({"to": []}, "alerts.to"),
        ({"from": "a:b;@example.com"}, "alerts.from"),
    ],
)
def test_what_the_config_lacks_is_the_limitation(missing: dict[str, object], reason: str) -> None:
    limitation = SmtpSender(settings(25, **missing)).limitation

    assert limitation is not None
    assert reason in limitation


texts = st.text(
    alphabet=st.characters() | st.sampled_from("\udce9\n\r\0\x1b\x85\u2028"), max_size=60
)


@given(texts, texts)
def test_no_subject_or_body_can_add_a_header_or_fail(subject: str, body: str) -> None:
    letter = Letter("1", NOON, f"{subject}\r\nBcc: thief@example.com\r\n\r\n{subject}", body)

    message = compose(letter, settings(25), OURS)
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)

    assert [name for name, _ in compose(LETTER, settings(25), OURS).items()] == list(parsed.keys())
    assert parsed["Bcc"] is None


@given(st.text(max_size=80))
def test_any_host_name_can_be_the_senders(host: str) -> None:
    message = compose(LETTER, settings(25), host)
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)

    assert "failover@example.com" == parsed["From"].addresses[0].addr_spec


addresses = st.builds(
    "{}@{}".format,
    st.text(alphabet="ab\".:;()[]\\'`=é-", min_size=1, max_size=8),
    st.text(alphabet='ab.:;()[]"\\é-', min_size=1, max_size=8),
)


@given(addresses)
def test_any_address_that_the_config_allows_can_be_written(address: str) -> None:
    compose(LETTER, settings(25, to=[address]), OURS).as_bytes()


@given(addresses)
def test_a_sender_can_be_written_or_is_the_limitation(address: str) -> None:
    ours = settings(25, **{"from": address})

    if SmtpSender(ours).limitation is None:
        compose(LETTER, ours, OURS).as_bytes()


def test_mail_is_sent_when_the_server_is_back(tmp_path: Path) -> None:
    clock, server = FakeClock(), SmtpServer()
    with running(server):
        pass
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.post(Mail("It failed", "About it\n"), clock.now())

        assert 1 == drain(store, sender(server), clock).postponed
        clock.advance(10)
        with running(server):
            assert Drained(sent=1) == drain(store, sender(server), clock)

    assert ["It failed"] == [mail.subject for mail in server.mails]


def test_two_that_drain_at_the_same_time_send_each_mail_once(tmp_path: Path) -> None:
    subjects = [f"mail {number:02}" for number in range(20)]
    with Store(tmp_path) as store:
        for subject in subjects:
            with store.transaction() as tx:
                tx.post(Mail(subject, "About it\n"), NOON)

    def drain_all(server: SmtpServer) -> Drained:
        with Store(tmp_path) as store:
            return drain(store, sender(server), FakeClock())

    with running(SmtpServer()) as server, ThreadPoolExecutor(2) as pool:
        done = list(pool.map(drain_all, [server, server]))

    assert subjects == sorted(mail.subject for mail in server.mails)
    assert 20 == sum(each.sent for each in done)
