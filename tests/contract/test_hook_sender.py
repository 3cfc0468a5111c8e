"""Every sender of a hook: webhook and command, and the fake of the unit tests."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import psutil
import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.hook_command import CommandHook
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.adapters.webhook import Webhook
from ipfx_failover.config.models import CommandHookSettings, WebhookSettings
from ipfx_failover.decide.alerts import compose
from ipfx_failover.decide.notices import notice
from ipfx_failover.errors import FailoverError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.mailing import Letter, MailSender, RejectedError
from tests.fakes.mail import FakeMailServer
from tests.support.web_server import WebServer, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVENT = Event(EventKind.SERVER_FAILED, NOON, "DEMO", {"misses": 15})
MAIL = compose(EVENT)
NOTICE = notice(EVENT, MAIL, 7)
LETTER = Letter("7.2026", NOON, NOTICE["subject"], MAIL.body, document=json.dumps(NOTICE))
GENEROUS_S = 60.0
# Appends what it is given to a file; exits with what another file says.
PROGRAM = """
import os, pathlib, sys
place = pathlib.Path(sys.argv[1])
with (place / "told").open("a") as told:
    told.write(sys.stdin.read() + "\\n")
(place / "subject").write_text(os.environ["IPFX_FAILOVER_SUBJECT"])
print("paged", os.environ["IPFX_FAILOVER_SERVER"])
sys.exit(int((place / "exit").read_text()))
"""


class Post(Protocol):
    """What a hook reaches, and the sender that reaches it."""

    sender: MailSender

    def reject(self) -> None: ...
    def go_down(self) -> None: ...
    def told(self) -> list[str]: ...


class FakePost:
    def __init__(self) -> None:
        self.server = FakeMailServer()
        self.sender: MailSender = self.server

    def reject(self) -> None:
        self.server.rejecting.add(LETTER.subject)

    def go_down(self) -> None:
        self.server.is_up = False

    def told(self) -> list[str]:
        return [letter.subject for letter in self.server.letters]


class WebPost:
    def __init__(self, server: WebServer) -> None:
        self.server = server
        self.sender: MailSender = Webhook(
            "team",
            WebhookSettings.model_validate({"url": server.address, "timeout_s": GENEROUS_S}),
        )

    def reject(self) -> None:
        self.server.answers.status = 422

    def go_down(self) -> None:
        self.server.answers.status = 500

    def told(self) -> list[str]:
        return [document["subject"] for document in self.server.documents]


class CommandPost:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.said: list[str] = []
        self.program = place / "program.py"
        self.program.write_text(PROGRAM)
        self._exit_with(0)
        command = (sys.executable, "-IS", str(self.program), str(place))
        self.sender: MailSender = command_hook(command, self.said)

    def _exit_with(self, code: int) -> None:
        (self.place / "exit").write_text(str(code))

    def reject(self) -> None:
        self._exit_with(3)

    def go_down(self) -> None:
        self.sender = command_hook(("/nowhere/page",), self.said)

    def told(self) -> list[str]:
        lines = (self.place / "told").read_text().splitlines()
        return [json.loads(line)["subject"] for line in lines]


def command_hook(
    command: tuple[str, ...], said: list[str], timeout_s: float = GENEROUS_S
) -> CommandHook:
    settings = CommandHookSettings.model_validate({"command": command, "timeout_s": timeout_s})
    return CommandHook("pager", settings, said.append)


@pytest.fixture(params=["fake", "webhook", "command"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    if request.param == "webhook":
        with web_server() as server:
            yield WebPost(server)
    else:
        yield FakePost() if request.param == "fake" else CommandPost(tmp_path)


def failure(post: Post) -> FailoverError:
    with pytest.raises(FailoverError) as caught:
        post.sender.send(LETTER)
    return caught.value


def test_what_is_sent_is_told_once(post: Post) -> None:
    assert post.sender.limitation is None
    assert {} == post.sender.send(LETTER)
    assert ["DEMO: FAILURE: 15 pings in a row failed"] == post.told()


def test_what_is_not_taken_is_rejected_and_others_may_be_taken(post: Post) -> None:
    post.reject()

    assert isinstance(failure(post), RejectedError)


def test_when_nothing_can_be_told_it_is_no_rejection(post: Post) -> None:
    post.go_down()
    error = failure(post)

    assert not isinstance(error, RejectedError)
    assert error.hint


def test_a_command_gets_the_event_as_json_and_in_variables(tmp_path: Path) -> None:
    post = CommandPost(tmp_path)
    post.sender.send(LETTER)
    told = json.loads((tmp_path / "told").read_text())

    assert ("server_failed", "DEMO", "7.2026") == (told["kind"], told["server"], told["key"])
    assert {"misses": 15} == told["data"]
    assert told["subject"] == (tmp_path / "subject").read_text()


def test_what_a_command_prints_goes_to_the_log(tmp_path: Path) -> None:
    post = CommandPost(tmp_path)
    post.sender.send(LETTER)

    assert ["paged DEMO"] == post.said


def test_a_command_that_fails_is_told_with_what_it_printed_last(tmp_path: Path) -> None:
    post = CommandPost(tmp_path)
    post.reject()

    assert "command pager ended with exit code 3: paged DEMO" == failure(post).message


def test_a_command_that_reads_nothing_is_told_all_the_same() -> None:
    said: list[str] = []
    command_hook((sys.executable, "-ISc", "print('ok')"), said).send(LETTER)

    assert ["ok"] == said


def test_a_command_does_not_get_what_another_channel_has_in_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    monkeypatch.setenv("LC_TIME", "C")
    said: list[str] = []
    program = "import os; print(*(n in os.environ for n in ('PATH', 'LC_TIME', 'SMTP_PASSWORD')))"
    command_hook((sys.executable, "-ISc", program), said).send(LETTER)

    assert ["True True False"] == said


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-ISc', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    file = tmp_path / "pid"
    sender = command_hook((sys.executable, "-ISc", program, str(file)), [], timeout_s=2.0)

    with pytest.raises(FailoverError, match="command pager did not end within 2 s") as caught:
        sender.send(LETTER)
    assert not isinstance(caught.value, RejectedError)
    assert wait_until(lambda: is_gone(int(file.read_text())), SystemClock(), GENEROUS_S)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
