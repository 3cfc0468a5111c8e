"""A mail server without a network: the `MailSender` port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError, Unreachable
from ipfx_failover.mailing import MailSender, Refusal, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfx_failover.mailing import Letter


class FakeMailServer(MailSender):
    """Takes mails for `recipients`, unless it is down or refuses somebody.

    `refusing`: why somebody is refused. `rejecting`: subjects that are not taken. `on_send` runs
    before each mail is taken, as if something happened meanwhile.
    """

    def __init__(self, *recipients: str) -> None:
        self.recipients = recipients or ("support@example.com",)
        self.is_up = True
        self.refusing: dict[str, Refusal] = {}
        self.rejecting: set[str] = set()
        self.without: str | None = None
        self.attempts = 0
        self.letters: list[Letter] = []
        self.inboxes: dict[str, list[str]] = {}
        self.on_send: Callable[[], object] = lambda: None

    @property
    def limitation(self) -> str | None:
        return self.without

    def send(self, letter: Letter) -> Mapping[str, Refusal]:
        self.attempts += 1
        self.on_send()
        if problem := self._problem(letter):
            raise problem
        wanted = letter.recipients or self.recipients
        refused = {who: self.refusing[who] for who in wanted if who in self.refusing}
        if len(refused) == len(wanted):
            raise RejectedError("the mail server refuses every recipient", "check alerts.to")
        self.letters.append(letter)
        for who in wanted:
            if who not in refused:
                self.inboxes.setdefault(who, []).append(letter.subject)
        return refused

    def _problem(self, letter: Letter) -> FailoverError | None:
        if not self.is_up:
            return Unreachable("the mail server refuses the connection", "check alerts.smtp_port")
        if letter.subject in self.rejecting:
            return RejectedError("the mail server does not take the mail: 554", "ask")
        return None
