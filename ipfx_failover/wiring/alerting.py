"""The test of the alerts (manual, "Alerts tab": Test)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import ExitCode, FailoverError, Interrupted
from ipfx_failover.survey.check import Check, failed, ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.decide.alerts import Mail
    from ipfx_failover.wiring.site import Site

_MAIL: Final = "E-mail"


def alert_checks(site: Site) -> Iterator[Check]:
    """Send the test mail; how it went for each recipient, or why it did for none."""
    from ipfx_failover.adapters.smtp import SmtpSender
    from ipfx_failover.mailing import send_now

    settings = site.config.alerts
    try:
        refused = send_now(SmtpSender(settings), _mail(site), site.clock)
    except Interrupted:
        raise
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


def _mail(site: Site) -> Mail:
    from ipfx_failover.decide.alerts import Mail

    servers = ", ".join(site.config.servers) or "none yet"
    return Mail(
        "Test of the e-mail alerts",
        "This is a test. Whoever receives it will be told when a server fails.\n\n"
        f"Servers that are watched: {servers}\n",
    )
