"""`alerts test`: the Test button of the manual's Alerts tab."""

from __future__ import annotations

import typer

from ipfx_failover.cli.options import ConfigPath, Json


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="alerts", help="Try the alerts.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("test")(run_test)
    app.add_typer(group)


def run_test(config: ConfigPath = None, as_json: Json = False) -> int:
    """Send a test e-mail to every recipient, tell every hook, and explain what goes wrong.

    A line for each recipient: whether the mail server takes the mail for them. Whether it arrives
    is for them to say. When some are refused and others not, the exit code is 6. A line for each
    webhook and command, too: whether it was told.

    Example: ipfx-failover alerts test
    """
    from ipfx_failover.cli.checks import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.alerting import alert_checks
    from ipfx_failover.wiring.site import open_site

    return tell(alert_checks(open_site(config)), Output(as_json), "alerts")
