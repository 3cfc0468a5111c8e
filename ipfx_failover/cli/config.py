"""`config check`: is the config right, and what follows from it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.config.findings import Facts
    from ipfx_failover.config.secrets import Secret
    from ipfx_failover.wiring.site import Site


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="config", help="Look at the config.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("check")(check)
    app.add_typer(group)


def check(config: ConfigPath = None, as_json: Json = False) -> None:
    """Check the config, and say in plain words what follows from it.

    All errors are listed in one go, each with file, line, key and the likely right key. What is
    allowed but unwise is a warning; with warnings the exit code is still 0.

    Example: ipfx-failover config check --config ./config.toml
    """
    from dataclasses import asdict

    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.explain import explain
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = Output(as_json)
    findings = explain(site.config, facts=_facts(site))
    output.line(f"{site.config_path}: no errors")
    for warning in site.warnings:
        output.line(f"  warning  {warning}")
    for finding in findings:
        output.line(f"  {finding.level:<7}  {finding.subject}: {finding.message}")
        if finding.hint:
            output.line(f"           -> {finding.hint}")
    output.document(
        config=str(site.config_path),
        warnings=list(site.warnings),
        findings=[asdict(finding) for finding in findings],
    )


def _facts(site: Site) -> Facts:
    """What this machine says; what it does not say (no such adapter, no rights) is not judged."""
    import os
    from dataclasses import replace

    from ipfx_failover.adapters.paths import look
    from ipfx_failover.config.findings import Facts
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.wiring.network import addresses

    facts = Facts(look=look, environ=os.environ, reveal=_revealed, read=_read)
    adapter = site.config.network.adapter
    if adapter is None:
        return facts
    try:
        here = addresses()
        try:
            known = {each.name: each for each in here.adapters()}
            interfaces = known[adapter].interfaces if adapter in known else ()
            gateway = here.gateway(adapter) if adapter in known else None
        finally:
            here.close()
    except FailoverError:
        return facts
    return replace(facts, gateway=gateway, interfaces=interfaces)


def _revealed(secret: Secret) -> str | None:
    from ipfx_failover.errors import FailoverError

    try:
        return secret.reveal()
    except FailoverError:
        return None  # why not is found by looking at it


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError):
        return None
