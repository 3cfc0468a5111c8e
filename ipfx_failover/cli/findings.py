"""What follows from a config on this machine, as `config check` and all that change it say it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from ipfx_failover.adapters.paths import FileFacts
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.findings import Facts, Finding
    from ipfx_failover.config.models import Config, SqlServerSettings
    from ipfx_failover.config.secrets import Secret
    from ipfx_failover.errors import FailoverError


def show_findings(findings: Sequence[Finding], output: Output) -> None:
    """What follows from a config, each with what to do about it."""
    for finding in findings:
        show_finding(finding.level, finding.subject, finding.message, finding.hint, output)


def show_warning(text: str, output: Output) -> None:
    """A warning about the config file as a whole."""
    _show("  warning  ", text, output)


def show_finding(level: str, subject: str, message: str, hint: str, output: Output) -> None:
    _show(f"  {level:<7}  ", f"{subject}: {message}", output)
    if hint:
        _show("           -> ", hint, output)


def _show(begin: str, text: str, output: Output) -> None:
    """On one line for scripts, in as many as it takes on a terminal."""
    if not sys.stdout.isatty():
        output.line(begin + text)
        return
    from textwrap import wrap

    from ipfx_failover.cli.layout import columns

    width = max(40, columns())
    indent = " " * len(begin)
    for line in wrap(
        text,
        width,
        initial_indent=begin,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        output.line(line)


def facts_for(config: Config, *, stored: Collection[str] = ()) -> Facts:
    """What this machine says; what it does not say (no such adapter, no rights) is not judged.

    Args:
        config: whose facts are wanted.
        stored: secret files that count as being there: they are about to be written.
    """
    import os
    from dataclasses import replace

    from ipfx_failover.adapters import paths
    from ipfx_failover.config.findings import Facts
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.wiring.network import addresses, usable

    def look(path: Path) -> FileFacts:
        return paths.FileFacts("file") if str(path) in stored else paths.look(path)

    facts = Facts(
        look=look,
        environ=os.environ,
        reveal=_revealed,
        read=_read,
        sql_driver=_sql_driver,
        takes_addresses=not paths.WINDOWS,
    )
    adapter = config.network.adapter
    if adapter is None:
        return facts
    try:
        here = addresses()
        try:
            known = {each.name: each for each in usable(here)}
            interfaces = known[adapter].interfaces if adapter in known else ()
            gateway = here.gateway(adapter) if adapter in known else None
        finally:
            here.close()
    except FailoverError:
        return facts
    return replace(facts, gateway=gateway, interfaces=interfaces)


def _sql_driver(settings: SqlServerSettings) -> str | FailoverError:
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.wiring.sqlserver import driver_words

    try:
        return driver_words(settings)
    except FailoverError as lacking:
        return lacking


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
