"""A real SMTP server on a host, whose mails one can wait for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfxlab import mail_server
from ipfxlab.process import GENEROUS_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess


@dataclass(frozen=True)
class Mail:
    """A mail that the server took; `at` is its wall clock, `monotonic_s` the monotonic one."""

    at: float
    monotonic_s: float
    sender: str
    recipients: list[str]
    subject: str
    headers: Mapping[str, str]
    text: str


def _as_mail(line: str) -> Mail | None:
    return Mail(**json.loads(line)) if line.startswith("{") else None


class MailServer:
    """An SMTP server that can be stopped and started; it forgets no mail."""

    def __init__(self, host: Host, *, port: int = 25) -> None:
        self.host = host
        self.port = port
        self._earlier: list[Mail] = []
        self._process: LabProcess | None = None

    def start(self) -> None:
        script = str(Path(mail_server.__file__))
        self._process = self.host.popen(
            self.host.python, script, str(self.port), name="the mail server"
        )
        self._process.wait_for_line("^ready$")

    def stop(self) -> None:
        """Nobody listens on its port any more; its mails are kept."""
        if self._process is not None:
            self._process.stop()
            self._earlier = self.mails
            self._process = None

    @property
    def mails(self) -> list[Mail]:
        """All mails so far, oldest first."""
        now = self._process.lines if self._process else []
        return [*self._earlier, *filter(None, map(_as_mail, now))]

    def wait_for_mail(self, subject: str, *, since: int = 0, timeout_s: float = GENEROUS_S) -> Mail:
        """The first mail, from number `since` on, in whose subject the regular expression occurs.

        Raises:
            Failed: it did not come in `timeout_s`.
        """
        if self._process is None:
            raise Failed("the mail server is stopped", "start it before waiting for mail")
        search = re.compile(subject).search
        return self._process.wait_for(
            lambda: next((mail for mail in self.mails[since:] if search(mail.subject)), None),
            f"a mail about {subject!r}",
            timeout_s=timeout_s,
        )
