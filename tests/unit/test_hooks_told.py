"""Hooks as they are wired: in threads of their own, with real servers, and through a kill -9."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.events import Event, EventKind
from ipfx_failover.wiring.hooks import Hooks, hooks_told
from ipfx_failover.wiring.looking import look
from ipfx_failover.wiring.site import Site, open_site
from ipfx_failover.wiring.telling import cry, deliver
from tests.support.processes import GENEROUS_S, child, eventually
from tests.support.smtp_server import HOST, SmtpServer, running
from tests.support.web_server import WebServer, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBJECT = "DEMO has failed: the Failover Server has taken over"
DELIVER = (
    "import sys; from pathlib import Path\n"
    "from ipfx_failover.wiring.site import open_site\n"
    "from ipfx_failover.wiring.telling import cry, deliver\n"
    "deliver(open_site(Path(sys.argv[1])))\n"
)


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


def site_with(directory: Path, more: str) -> Site:
    path = directory / "config.toml"
    path.write_text(f"[failover_server]\nstate_dir = '{directory / 'state'}'\n{more}")
    path.chmod(0o600)
    return open_site(path)


def webhook(name: str, server: WebServer) -> str:
    return f'[alerts.webhooks.{name}]\nurl = "{server.address}/{name}"\ntimeout_s = 60\n'


def emit(site: Site, server: str = "DEMO") -> None:
    with site.store() as store, store.transaction() as tx:
        tx.emit(Event(EventKind.STAND_IN_STARTED, site.clock.now(), server))


def test_a_hook_that_hangs_holds_up_neither_the_mails_nor_another_hook(
    tmp_path: Path, web: WebServer, other: WebServer
) -> None:
    web.answers.hanging = True
    with running(SmtpServer()) as mail:
        alerts = (
            f'[alerts]\nsmtp_server = "{HOST}"\nsmtp_port = {mail.port}\n'
            'from = "failover@example.com"\nto = ["boss@example.com"]\n'
        )
        site = site_with(tmp_path, alerts + webhook("slow", web) + webhook("quick", other))
        emit(site)
        with child(DELIVER, site.config_path) as delivering:
            assert web.arrived.acquire(timeout=GENEROUS_S)
            eventually(lambda: len(mail.mails) == 1 and len(other.requests) == 1, "others are told")
            assert delivering.process.poll() is None


def test_what_was_sent_by_one_who_was_killed_is_sent_again_and_can_be_told_by_its_key(
    tmp_path: Path, web: WebServer
) -> None:
    web.answers.hanging = True
    site = site_with(tmp_path, webhook("team", web))
    emit(site)
    with child(DELIVER, site.config_path) as delivering:
        assert web.arrived.acquire(timeout=GENEROUS_S)
        delivering.kill()
    web.answers.hanging = False

    deliver(site)

    first, second = web.documents
    assert (SUBJECT, first) == (second["subject"], second)
    deliver(site)
    assert 2 == len(web.requests)


def test_status_says_what_waits_for_a_hook(tmp_path: Path, web: WebServer) -> None:
    web.answers.status = 500
    site = site_with(tmp_path, webhook("team", web))
    emit(site)
    deliver(site)

    assert {"webhook team": 1} == look(site.config_path).hooks_waiting


def test_what_was_taken_out_of_the_config_is_dropped_and_said(
    tmp_path: Path, web: WebServer
) -> None:
    emit(site_with(tmp_path, webhook("team", web)))
    site = site_with(tmp_path, "")
    deliver(site)

    with site.store() as store:
        said = [logged.event.text for logged in store.events_after(0)]
    assert f"Not told by webhook team: {SUBJECT} (the config does not name it any more)" in said
    assert [] == web.requests


def test_what_a_command_prints_is_in_the_log(tmp_path: Path) -> None:
    argv = json.dumps([sys.executable, "-ISc", "print('paged')"])
    site = site_with(tmp_path, f"[alerts.commands.pager]\ncommand = {argv}\n")
    emit(site)
    deliver(site)

    with site.store() as store:
        said = [logged.event.text for logged in store.events_after(0)]
    assert "command pager said: paged" in said


def test_while_the_monitor_runs_hooks_are_told_and_of_its_end_too(
    tmp_path: Path, web: WebServer
) -> None:
    site = site_with(tmp_path, webhook("team", web))
    said: list[str] = []
    with hooks_told(lambda: site, said.append):
        emit(site)
        assert web.arrived.acquire(timeout=GENEROUS_S)
        emit(site, "OTHER")

    assert ["DEMO", "OTHER"] == [document["server"] for document in web.documents]
    assert [] == said


def test_when_the_store_cannot_be_written_hooks_are_told_past_it(
    tmp_path: Path, web: WebServer, other: WebServer
) -> None:
    picky = webhook("picky", other) + 'events = ["suspended"]\n'
    site = site_with(tmp_path, webhook("team", web) + picky)
    cry(site, Event(EventKind.STATE_UNWRITABLE, site.clock.now(), None, {"reason": "disk full"}))
    assert web.arrived.acquire(timeout=GENEROUS_S)

    (document,) = web.documents
    assert "cannot be written: disk full" in document["text"]
    assert [] == other.requests


def test_a_store_that_cannot_be_used_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    site = site_with(tmp_path, "")
    (tmp_path / "state").write_text("in the way")
    said: list[str] = []
    hooks = Hooks(lambda: site, said.append)

    hooks.turn()
    hooks.turn()

    (complaint,) = said
    assert "hooks cannot be told" in complaint
