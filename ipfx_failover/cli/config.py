"""`config`: is it right, what is in force, and change it (manual, "Settings…")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli import config_change
from ipfx_failover.cli.names import keys
from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.config.effective import Setting


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="config",
        help="Look at the config, and change it.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("check")(check)
    group.command("show")(show)
    config_change.add_to(group)
    app.add_typer(group)


def check(config: ConfigPath = None, as_json: Json = False) -> None:
    """Check the config, and say in plain words what follows from it.

    All errors are listed in one go, each with file, line, key and the likely right key. What is
    allowed but unwise is a warning; with warnings the exit code is still 0.

    Example: ipfx-failover config check --config ./config.toml
    """
    from dataclasses import asdict

    from ipfx_failover.cli.findings import facts_for, show_findings, show_warning
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.explain import explain
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = Output(as_json)
    findings = explain(site.config, facts=facts_for(site.config))
    warnings = list(site.warnings)
    if (lost := site.lost_server()) is not None:
        warnings.append(f"{lost} is stood in for, and is not in it: put [servers.{lost}] back")
    output.line(f"{site.config_path}: no errors")
    for warning in warnings:
        show_warning(warning, output)
    show_findings(findings, output)
    output.document(
        config=str(site.config_path),
        warnings=warnings,
        findings=[asdict(finding) for finding in findings],
    )


def show(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[KEY]",
            help="A key such as network.adapter, or a table such as servers.DEMOSERVER.",
            show_default=False,
            autocompletion=keys,
        ),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Show what holds where the config says nothing.")
    ] = False,
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Show the settings that are in force, and where each comes from.

    What is printed is TOML. Behind each value stands its line in the config file, or that it is
    the default. A password is shown as the place where it is kept. With a KEY, also its meaning.

    Example: ipfx-failover config show network
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.given import place_of

    output = Output(as_json)
    file, settings = (None, _defaults()) if defaults else _in_force(config)
    if key is not None:
        names = {setting.key[1] for setting in settings if setting.key[0] == "servers"}
        place = place_of(key, names)
        settings = [each for each in settings if each.key[: len(place.key)] == place.key]
        if not settings:
            output.line(f"# {'.'.join(place.key)} is not in the config")
        elif place.row is not None:
            output.as_it_is(_meaning(settings[0]))
    output.as_it_is(_as_toml(settings))
    output.document(
        config=str(file) if file else None,
        settings=[
            {
                "key": ".".join(each.key),
                "value": each.value,
                "source": each.source,
                "line": each.line,
            }
            for each in settings
        ],
    )


def _in_force(config: Path | None) -> tuple[Path, list[Setting]]:
    from ipfx_failover.config.effective import effective
    from ipfx_failover.config.load import decode, read
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    text = decode(site.config_path, read(site.config_path).data)
    return site.config_path, list(effective(site.config, text))


def _defaults() -> list[Setting]:
    from ipfx_failover.config.effective import defaults

    return list(defaults())


def _as_toml(settings: list[Setting]) -> str:
    lines: list[str] = []
    table: tuple[str, ...] = ()
    for setting in settings:
        if setting.key[:-1] != table:
            table = setting.key[:-1]
            lines += ["", f"[{'.'.join(table)}]"]
        lines += _assignment(setting)
    return "\n".join(lines).strip("\n")


def _assignment(setting: Setting) -> list[str]:
    from ipfx_failover.config.literal import literal

    words = f"line {setting.line}" if setting.line else setting.source
    if setting.value is None:
        return [f"{'#' + setting.row.key:<40} # {words}"]
    line = f"{setting.row.key} = {literal(setting.value)}"
    if len(line) <= 66 or not isinstance(setting.value, list):
        return [f"{line:<40} # {words}"]
    entries = [f"  {literal(entry)}," for entry in setting.value]
    return [f"{setting.row.key + ' = [':<40} # {words}", *entries, "]"]


def _meaning(setting: Setting) -> str:
    import textwrap

    row = setting.row
    kind = f"{row.type[0].upper()}{row.type[1:]}."
    default = "" if row.required or not row.default else f" Default: {row.default}"
    text = f"{row.doc} {kind}{default}"
    return "\n".join(f"# {line}" for line in textwrap.wrap(text, 78))
