"""`alerts test` against real mail servers: who gets the mail, and why who does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit

from tests.support.certificates import self_signed
from tests.support.ports import free_port
from tests.support.smtp_server import HOST, SmtpServer, running
from tests.support.web_server import web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse"  # noqa: S105 - of a server that lives for one test
SUPPORT, MANAGEMENT = "support@example.com", "it_management@example.com"


@dataclass
class Site:
    """A config with nothing but alerts, and the command."""

    directory: Path
    server: SmtpServer

    def run(
        self, *options: str, environ: dict[str, str] | None = None, **alerts: Any
    ) -> subprocess.CompletedProcess[str]:
        config = self.directory / "config.toml"
        table = {
            "smtp_server": HOST,
            "smtp_port": self.server.port,
            "from": "failover@example.com",
            "to": [SUPPORT, MANAGEMENT],
            **alerts,
        }
        wanted = {key: value for key, value in table.items() if value is not None}
        state = {"state_dir": str(self.directory / "state")}
        document = {"alerts": wanted, "failover_server": state}
        config.write_text(tomlkit.dumps(document), "utf-8")
        config.chmod(0o600)
        done = subprocess.run(
            [sys.executable, "-m", "ipfx_failover", "alerts", "test", "--config", config, *options],
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done

    def login(self, password: str) -> dict[str, Any]:
        file = self.directory / "password"
        file.write_text(password)
        file.chmod(0o600)
        return {"username": "failoverserver", "password": {"file": str(file)}}


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with running(SmtpServer()) as started:
        yield started


@pytest.fixture
def site(tmp_path: Path, server: SmtpServer) -> Site:
    return Site(tmp_path, server)


def test_everybody_gets_the_mail_and_a_line_says_so(site: Site, server: SmtpServer) -> None:
    done = site.run()

    assert [
        f"  ok       {SUPPORT}: {HOST} takes the mail",
        f"  ok       {MANAGEMENT}: {HOST} takes the mail",
        "alerts: Test Successful",
    ] == done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    (mail,) = server.mails
    assert mail.recipients == (SUPPORT, MANAGEMENT)
    assert "Test of the e-mail alerts" in mail.subject


def test_a_recipient_that_is_refused_is_told_of_and_the_others_get_it(
    site: Site, server: SmtpServer
) -> None:
    server.answers_to[SUPPORT] = "550 5.1.1 no such user"
    done = site.run("--json")
    said = {check["name"]: check for check in json.loads(done.stdout)["checks"]}

    assert done.returncode == 6
    assert "550 5.1.1 no such user" in said[SUPPORT]["message"]
    assert [said[SUPPORT]["level"], said[MANAGEMENT]["level"]] == ["failed", "ok"]
    assert [mail.recipients for mail in server.mails] == [(MANAGEMENT,)]


def test_when_everybody_is_refused_each_is_named(site: Site, server: SmtpServer) -> None:
    for who in (SUPPORT, MANAGEMENT):
        server.answers_to[who] = "554 5.7.1 relay access denied"
    done = site.run()

    assert done.returncode == 3
    assert f"{SUPPORT} (554 5.7.1 relay access denied), {MANAGEMENT} (554" in done.stdout


def test_a_sender_that_is_refused_is_named(site: Site, server: SmtpServer) -> None:
    server.answer_to_mail = "550 5.7.1 not you"
    done = site.run()

    assert done.returncode == 3
    assert "refuses the sender failover@example.com: 550 5.7.1 not you" in done.stdout


def test_nobody_at_the_port_is_told(site: Site) -> None:
    port = free_port()
    done = site.run(smtp_port=port)

    assert done.returncode == 4
    assert f"the mail server {HOST} (port {port}) refuses the connection" in done.stdout


@pytest.mark.parametrize("lacking", ["smtp_server", "to"])
def test_without_server_or_recipients_the_config_is_what_lacks(site: Site, lacking: str) -> None:
    done = site.run(**{lacking: None})

    assert done.returncode == 3
    assert f"alerts.{lacking}" in done.stdout


def test_hooks_are_told_too_and_what_goes_wrong_with_one_is_said(site: Site) -> None:
    with web_server() as web, web_server() as broken:
        broken.answers.status = 500
        done = site.run(
            webhooks={"team": {"url": f"{web.address}/T0K3N"}, "old": {"url": broken.address}},
            commands={"pager": {"command": [sys.executable, "-ISc", "print('paged')"]}},
        )

    assert [
        "  ok       webhook team: told",
        "  failed   webhook old: does not serve us: 500 ok",
        "           -> ask those who run the service",
        "  ok       command pager: told; it said: paged",
        "alerts: 1 failed",
    ] == done.stdout.splitlines()[2:]
    assert done.returncode == 4
    assert "T0K3N" not in done.stdout
    assert [("test", "Test of the e-mail alerts")] == [
        (document["kind"], document["subject"]) for document in web.documents
    ]


def test_where_there_are_only_hooks_no_mail_server_is_missed(site: Site) -> None:
    pager = {"command": [sys.executable, "-ISc", ""]}
    nothing = dict.fromkeys(("smtp_server", "smtp_port", "from", "to"))
    done = site.run(**nothing, commands={"pager": pager})

    assert ["  ok       command pager: told", "alerts: Test Successful"] == done.stdout.splitlines()


def test_channels_are_told_at_the_same_time_and_shown_in_the_order_of_the_config(
    site: Site,
) -> None:
    flags = [str(site.directory / name) for name in ("met-first", "met-second")]
    meets = (
        "import pathlib, sys, time\n"
        "own, other = map(pathlib.Path, sys.argv[1:])\n"
        "own.touch()\n"
        "while not other.exists(): time.sleep(0.05)\n"
    )
    command = [sys.executable, "-ISc", meets]
    done = site.run(
        smtp_server=None,
        smtp_port=None,
        to=None,
        commands={
            "second": {"command": [*command, *flags], "timeout_s": 60},
            "first": {"command": [*command, *reversed(flags)], "timeout_s": 60},
        },
    )

    assert [
        "  ok       command second: told",
        "  ok       command first: told",
        "alerts: Test Successful",
    ] == done.stdout.splitlines()


def test_a_login_by_tls_works_and_a_wrong_password_and_a_strange_certificate_are_told(
    tmp_path: Path,
) -> None:
    certificate = self_signed(tmp_path)
    trusting = {"SSL_CERT_FILE": str(certificate.file)}
    starttls = certificate.server_context()
    with running(SmtpServer(starttls=starttls, logins={"failoverserver": PASSWORD})) as server:
        site = Site(tmp_path, server)
        done = site.run(environ=trusting, **site.login(PASSWORD))
        wrong = site.run(environ=trusting, **site.login("wrong"))
        strange = site.run(**site.login(PASSWORD))

    assert [0, 3, 3] == [each.returncode for each in (done, wrong, strange)]
    assert "does not accept the user name and password (535)" in wrong.stdout
    assert f"the certificate of the mail server {HOST}" in strange.stdout
    assert [mail.was_encrypted for mail in server.mails] == [True]
