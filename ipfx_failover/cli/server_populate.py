"""`server auto-populate`: the manual's Auto Populate button, for the sqlite engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, Name, Yes
from ipfx_failover.errors import Failed, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.cli.output import Output
    from ipfx_failover.survey.populate import Found

_MOST_SHOWN = 9


def add_to(group: typer.Typer) -> None:
    group.command("auto-populate")(auto_populate)


def auto_populate(
    name: Name,
    under: Annotated[
        list[str] | None,
        typer.Option(
            "--under",
            metavar="DIR",
            help="Look below this directory of the server, too; may be repeated.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would change and follow; write nothing.")
    ] = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Find a server's SQLite database and VM directory on it, and write them into the config.

    The server is searched over SSH, so [servers.NAME.ssh] must be there and its host key trusted.
    Where several are found a terminal is asked which one; --yes takes the likeliest. A SQL Server
    is not found by this.

    Example: ipfx-failover server auto-populate DEMOSERVER --plan
    """
    from ipfx_failover.cli.config_change import How, carry_out
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.edit import Set
    from ipfx_failover.config.given import Given
    from ipfx_failover.wiring.config_file import tree_of
    from ipfx_failover.wiring.site import open_site
    from ipfx_failover.wiring.surveying import findings_there

    site = open_site(config)
    server = site.server(name)
    output = Output(as_json)
    output.progress(f"looking on {server.name} for databases and VM directories")
    found, answers = findings_there(site, server, under or [])
    if not answers:
        output.progress(f"port {server.port} of {server.name} does not answer: is it right?")
    values = _values(server.name, found, output, likeliest=yes or plan)
    shown = ", ".join(f"{key} = {value}" for key, value in values)
    output.confirm(f"{server.name} will have {shown} in the config.", yes=yes or plan)
    edits = (Set(("servers", server.name, "database", key), value) for key, value in values)
    file, tree = tree_of(site.config_path)
    return carry_out(Given(tuple(edits), ()), file, tree, How(plan=plan, yes=yes), output)


def _values(name: str, found: Found, output: Output, *, likeliest: bool) -> list[tuple[str, str]]:
    """The keys of the database table that were found.

    Raises:
        Failed: there is no database.
    """
    if not found.databases:
        raise Failed(
            f"no SQLite database that its account can read was found on {name}",
            "name the directory that it is in with --under DIR; a SQL Server is not found by this",
        )
    databases = [database.path for database in found.databases]
    values = [("data_source", _one("database", databases, output, likeliest=likeliest))]
    if found.vm_dirs:
        chosen = _one("VM directory", found.vm_dirs, output, likeliest=likeliest)
        values.append(("vm_dir", chosen))
    return values


def _one(what: str, likely: Sequence[str], output: Output, *, likeliest: bool) -> str:
    """The one that is meant: the only one, the chosen one, or the likeliest.

    Raises:
        Refused: there are several, and nobody to ask.
    """
    from ipfx_failover.cli.ask import choose, somebody_there

    if len(likely) == 1 or likeliest:
        return likely[0]
    if not somebody_there(as_json=output.as_json):
        raise Refused(
            f"more than one {what} was found: {', '.join(likely[:_MOST_SHOWN])}",
            "run it in a terminal to choose, or add --yes to take the first",
        )
    return likely[choose(f"Which {what}", likely[:_MOST_SHOWN])]
