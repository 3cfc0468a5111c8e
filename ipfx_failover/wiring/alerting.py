"""The test of the alerts (manual, "Alerts tab": Test)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import ExitCode, FailoverError
from ipfx_failover.survey.check import Check, failed, ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipfx_failover.decide.alerts import Mail
    from ipfx_failover.mailing import Letter
    from ipfx_failover.wiring.site import Site

_MAIL: Final = "E-mail"


def alert_checks(site: Site) -> Iterator[Check]:
    """Send the test mail, and tell every webhook and command; how it went for each.

    One that hangs holds up none of the others; they are told of in the order of the config.
    """
    from ipfx_failover.adapters.short_commands import kill_commands
    from ipfx_failover.wiring.side_by_side import at_once

    alerts = site.config.alerts
    works: list[Callable[[], list[Check]]] = []
    if alerts.smtp_server or alerts.to or not alerts.hooks:
        works.append(lambda: [*_mail_checks(site)])
    works += [partial(_hook_checks, site, channel) for channel in alerts.hooks]
    try:
        for checks in at_once(works):
            yield from checks
    except BaseException:
        kill_commands()  # their threads end with this process, and would see to them no more
        raise


def _mail_checks(site: Site) -> Iterator[Check]:
    """How it went for each recipient, or why it did for none."""
    from ipfx_failover.adapters.smtp import SmtpSender
    from ipfx_failover.mailing import send_now

    settings = site.config.alerts
    try:
        refused = send_now(SmtpSender(settings), _mail(site), site.clock)
    except FailoverError as error:
        yield failed(_MAIL, error)
        return
    for recipient in settings.to:
        if recipient in refused:
            yield Check(
                recipient,
                "failed",
                f"{settings.smtp_server} refuses this recipient: {refused[recipient].reason}",
                "correct the address in alerts.to, or ask those who run the mail server",
                ExitCode.EXCEPTIONS,
            )
        else:
            yield ok(recipient, f"{settings.smtp_server} takes the mail")


def _hook_checks(site: Site, channel: str) -> list[Check]:
    from ipfx_failover.wiring.hooks import send_to_hook

    try:
        said = send_to_hook(site, channel, _letter(site))
    except FailoverError as error:
        check = failed(channel, error)
        return [replace(check, message=check.message.removeprefix(f"{channel} "))]
    return [ok(channel, f"told; it said: {said}" if said else "told")]


def _letter(site: Site) -> Letter:
    """The test mail, as a hook gets it."""
    import json

    from ipfx_failover.decide.notices import Notice
    from ipfx_failover.mailing import Letter

    mail, now = _mail(site), site.clock.now()
    notice = Notice(
        cursor=0,
        kind="test",
        level="info",
        at=now.isoformat(),
        server=None,
        subject=mail.subject,
        text=mail.body.splitlines()[0],
        next_step="Nothing has to be done.",
        body=mail.body,
        data={},
    )
    return Letter(
        f"test.{now:%Y%m%d%H%M%S%f}", now, mail.subject, mail.body, None, json.dumps(notice)
    )


def _mail(site: Site) -> Mail:
    from ipfx_failover.decide.alerts import Mail

    servers = ", ".join(site.config.servers) or "none yet"
    return Mail(
        "Test of the e-mail alerts",
        "This is a test. Whoever receives it will be told when a server fails.\n\n"
        f"Servers that are watched: {servers}\n",
    )
