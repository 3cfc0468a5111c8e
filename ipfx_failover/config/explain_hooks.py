"""What follows from the webhooks and commands that are told of events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.config.findings import (
    in_commands,
    note,
    ok,
    secret_findings,
    warning,
)
from ipfx_failover.config.templates import check_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.findings import Facts, Finding
    from ipfx_failover.config.models import Config, WebhookSettings

_SUBJECT = "alerts"


def explain_hooks(config: Config, facts: Facts) -> Iterator[Finding]:
    """What follows from the config for each hook."""
    alerts = config.alerts
    if alerts.hooks:
        yield ok(_SUBJECT, f"told of events as well: {', '.join(alerts.hooks)}")
    for name, webhook in alerts.webhooks.items():
        yield from secret_findings(_SUBJECT, f"webhooks.{name}.url", webhook.url, facts)
        yield from _address(name, webhook, facts)
        yield from _template(name, webhook, facts)
    for name, command in alerts.commands.items():
        yield from in_commands(config, _SUBJECT, f"commands.{name}.command", command.command)
        if any("{" in argument for argument in command.command):
            yield note(
                _SUBJECT,
                f"placeholders are not filled in commands.{name}.command",
                "the event is in IPFX_FAILOVER_* variables and on standard input",
            )


def _address(name: str, webhook: WebhookSettings, facts: Facts) -> Iterator[Finding]:
    address = facts.reveal(webhook.url) if facts.reveal else None
    if address is None:
        return
    if address.lower().startswith("http://"):
        yield warning(
            _SUBJECT,
            f"webhooks.{name}.url begins with http: whoever is on the way can read and change it",
            "use https",
        )
    elif not address.lower().startswith("https://"):
        yield warning(
            _SUBJECT,
            f"webhooks.{name}.url is no web address: nothing can be sent there",
            "it must begin with https://",
        )


def _template(name: str, webhook: WebhookSettings, facts: Facts) -> Iterator[Finding]:
    if webhook.template_file is None or facts.read is None:
        return
    text = facts.read(webhook.template_file)
    complaint = "cannot be read" if text is None else check_template(text)
    if complaint:
        yield warning(
            _SUBJECT,
            f"webhooks.{name}.template_file {webhook.template_file} {complaint}",
            "until that is corrected nothing is sent there",
        )
