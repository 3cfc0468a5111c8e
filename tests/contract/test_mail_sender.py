"""Every mail sender: the real one with a real server, and the fake of the unit tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import pytest

from ipfx_failover.adapters.smtp import SmtpSender
from ipfx_failover.config.models import AlertSettings
from ipfx_failover.errors import FailoverError, Unreachable
from ipfx_failover.mailing import Letter, MailSender, Refusal, RejectedError
from tests.fakes.mail import FakeMailServer
from tests.support.ports import free_port
from tests.support.smtp_server import HOST, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPPORT, BOSS = RECIPIENTS = ("support@example.com", "boss@example.com")
LETTER = Letter("1.20260304", datetime(2026, 3, 4, 12, tzinfo=UTC), "It failed", "About it\n")


class Post(Protocol):
    """A mail server and the sender that uses it."""

    sender: MailSender

    def refuse(self, who: str, *, is_final: bool) -> None: ...
    def reject(self, subject: str) -> None: ...
    def go_down(self) -> None: ...
    def inbox(self, who: str) -> list[str]: ...


class FakePost:
    def __init__(self) -> None:
        self.server = FakeMailServer(*RECIPIENTS)
        self.sender: MailSender = self.server

    def refuse(self, who: str, *, is_final: bool) -> None:
        self.server.refusing[who] = Refusal("no", is_final)

    def reject(self, subject: str) -> None:
        self.server.rejecting.add(subject)

    def go_down(self) -> None:
        self.server.is_up = False

    def inbox(self, who: str) -> list[str]:
        return self.server.inboxes.get(who, [])


@dataclass
class SmtpPost:
    server: SmtpServer
    sender: MailSender = field(init=False)

    def __post_init__(self) -> None:
        self.sender = SmtpSender(
            AlertSettings.model_validate(
                {
                    "smtp_server": HOST,
                    "smtp_port": self.server.port,
                    "from": "failover@example.com",
                    "to": RECIPIENTS,
                }
            )
        )

    def refuse(self, who: str, *, is_final: bool) -> None:
        self.server.answers_to[who] = "550 no such user" if is_final else "450 try later"

    def reject(self, subject: str) -> None:  # noqa: ARG002 - it looks at no subject
        self.server.answer_to_data = "554 this looks like spam"

    def go_down(self) -> None:
        self.server.stop()

    def inbox(self, who: str) -> list[str]:
        return [mail.subject for mail in self.server.mails if who in mail.recipients]


@pytest.fixture(params=["fake", "smtp"])
def post(request: pytest.FixtureRequest) -> Iterator[Post]:
    if request.param == "fake":
        yield FakePost()
        return
    server = SmtpServer(port=free_port())
    server.start()
    yield SmtpPost(server)
    server.stop()


def failure(post: Post, letter: Letter = LETTER) -> FailoverError:
    with pytest.raises(FailoverError) as caught:
        post.sender.send(letter)
    return caught.value


def test_a_mail_reaches_every_recipient(post: Post) -> None:
    assert post.sender.limitation is None
    assert {} == post.sender.send(LETTER)
    assert [["It failed"], ["It failed"]] == [post.inbox(who) for who in RECIPIENTS]


def test_a_mail_reaches_only_those_that_the_letter_names(post: Post) -> None:
    post.sender.send(replace(LETTER, recipients=(BOSS,)))

    assert [[], ["It failed"]] == [post.inbox(who) for who in RECIPIENTS]


@pytest.mark.parametrize("is_final", [True, False], ids=["for good", "for now"])
def test_who_is_refused_is_named_and_the_others_get_it(
    post: Post,
    is_final: bool,  # noqa: FBT001
) -> None:
    post.refuse(BOSS, is_final=is_final)

    refused = post.sender.send(LETTER)

    assert {BOSS: is_final} == {who: refusal.is_final for who, refusal in refused.items()}
    assert [["It failed"], []] == [post.inbox(who) for who in RECIPIENTS]


def test_when_all_are_refused_the_mail_is_rejected(post: Post) -> None:
    for who in RECIPIENTS:
        post.refuse(who, is_final=True)

    assert isinstance(failure(post), RejectedError)


def test_a_mail_that_is_not_taken_is_rejected(post: Post) -> None:
    post.reject(LETTER.subject)

    assert isinstance(failure(post), RejectedError)
    assert [] == post.inbox(SUPPORT)


def test_a_server_that_is_down_is_unreachable_for_every_mail(post: Post) -> None:
    post.go_down()

    error = failure(post)

    assert isinstance(error, Unreachable)
    assert "refuses the connection" in error.message
    assert error.hint
