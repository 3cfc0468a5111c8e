"""`server add`, `server edit` and `server remove` (manual, "Adding an IPFX Server…")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ipfx_failover.cli.ask import PasswordFile
from ipfx_failover.cli.names import server_keys
from ipfx_failover.cli.options import ConfigPath, Json, Name, Yes
from ipfx_failover.errors import ExitCode, FailoverError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.given import Given

Plan = Annotated[
    bool, typer.Option("--plan", help="Say what would change and follow; write nothing.")
]


def add_to(group: typer.Typer) -> None:
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("remove")(remove)


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new server's network name.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Its settings; without any you are asked, in a terminal.",
            show_default=False,
            autocompletion=server_keys,
        ),
    ] = None,
    replicate: Annotated[
        bool | None,
        typer.Option(
            "--replicate/--no-replicate",
            help="Replicate its database now, or not; asked for in a terminal.",
            show_default=False,
        ),
    ] = None,
    password_file: PasswordFile = None,
    plan: Plan = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Add a server to be monitored.

    Its settings are the keys below [servers.NAME] in ipfx-failover.toml(5). A running monitor
    takes it up. Before the first replication its SSH host key has to be trusted; in a terminal
    both are asked for.

    Example: ipfx-failover server add DEMOSERVER address=192.168.11.1
    """
    from ipfx_failover.cli.ask import somebody_there
    from ipfx_failover.cli.config_change import How, carry_out
    from ipfx_failover.cli.output import Output
    from ipfx_failover.cli.server_questions import ask_settings
    from ipfx_failover.config.edit import AddTable
    from ipfx_failover.config.given import below_server
    from ipfx_failover.wiring.config_file import tree_of

    if replicate and as_json:
        raise UsageError(
            "--replicate has a document of its own",
            f"leave it out, and run: ipfx-failover replicate-from-live {name} --json",
        )
    file, tree = tree_of(config)
    _refuse_known(name, tree.get("servers", ()))
    if not settings and somebody_there(as_json=as_json):
        settings, _ = ask_settings(file, name)
    output = Output(as_json)
    given = below_server(name, settings or [])
    given = given._replace(edits=(AddTable(("servers", name)), *given.edits))
    code = carry_out(given, file, tree, How(password_file, plan=plan, yes=yes), output)
    if plan or code:
        return code
    has_database = any(edit.key[2:3] == ("database",) for edit in given.edits)
    return _replicate(name, file, output, wanted=replicate if has_database else False)


def _refuse_known(name: str, known: Iterable[str]) -> None:
    if name.casefold() in {each.casefold() for each in known}:
        raise UsageError(
            f"there is a server named {name} already",
            f"change it with: ipfx-failover server edit {name} KEY=VALUE",
        )


def edit(
    name: Name,
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Keys with their new values, such as port=100 or database.vm_dir=/VM; a "
            "password's key alone: it is asked for. Without any you are asked, in a terminal.",
            show_default=False,
            autocompletion=server_keys,
        ),
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(
            "--unset",
            metavar="KEY",
            help="Go back to the default; may be repeated.",
            autocompletion=server_keys,
        ),
    ] = None,
    password_file: PasswordFile = None,
    plan: Plan = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Change a server's settings, all together or none.

    The rest of the file stays as it is, comments too. What would make the config wrong is refused.
    Prints what changes and what follows from it.

    Example: ipfx-failover server edit DEMOSERVER replicate_daily=02:30
    """
    from ipfx_failover.cli.ask import somebody_there
    from ipfx_failover.cli.config_change import How, carry_out
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.given import understand
    from ipfx_failover.wiring.config_file import tree_of

    file, tree = tree_of(config)
    servers = tree.get("servers", {})
    if not settings and not unset and somebody_there(as_json=as_json):
        given = _asked(file, name, servers)
    else:
        below = f"servers.{name}."
        given = understand(settings or [], unset or [], tuple(servers), below=below)
    how = How(password_file, plan=plan, yes=yes)
    return carry_out(given, file, tree, how, Output(as_json))


def remove(name: Name, config: ConfigPath = None, yes: Yes = False, as_json: Json = False) -> None:
    """Stop monitoring a server, and take it out of the config.

    Refused while the Failover Server stands in for it, or holds data of it that exist nowhere
    else. Its copies stay on the disk; what they are and how to remove them is printed.

    Example: ipfx-failover server remove DEMOSERVER
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.edit import Unset
    from ipfx_failover.state import locks
    from ipfx_failover.wiring.config_file import apply
    from ipfx_failover.wiring.leaving import left_behind, removal_refusal
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    server = site.server(name)
    output = Output(as_json)
    if refusal := removal_refusal(site, server):
        raise refusal
    output.confirm(
        f"{server.name} will not be monitored any more: no failover, no replication. Its copies "
        "stay here.",
        yes=yes,
    )
    with site.locks.hold(locks.database(server.name), locks.this_command()):
        if refusal := removal_refusal(site, server):
            raise refusal
        apply(site.config_path, [Unset(("servers", server.name))])
    left = [str(place) for place in left_behind(site, server)]
    output.line(f"{server.name} is removed from {site.config_path}")
    if left:
        output.line("Left on this machine; remove it when you are sure that nobody needs it:")
        output.line("\n".join(f"  {place}" for place in left))
    output.document(server=server.name, config=str(site.config_path), left=left)


def _asked(file: Path, name: str, servers: Mapping[str, Any]) -> Given:
    """What is answered, with the server's present values for an empty answer."""
    from ipfx_failover.cli.server_questions import ask_settings
    from ipfx_failover.config.given import below_server, place_of

    known = place_of(f"servers.{name}", tuple(servers)).key[1]
    return below_server(known, *ask_settings(file, known, servers[known]))


def _replicate(name: str, file: Path, output: Output, *, wanted: bool | None) -> int:
    """The manual's question whether to replicate now, and its answer carried out."""
    from ipfx_failover.cli.ask import ask, somebody_there
    from ipfx_failover.cli.replicate import replicate_from_live
    from ipfx_failover.cli.server import trust

    asked = somebody_there(as_json=output.as_json)
    if wanted is None and asked:
        answer = ask(
            "Do you want to replicate the database now? This may take several minutes. [y/N]"
        )
        wanted = answer.lower() in {"y", "yes"}
    if not wanted:
        output.progress(f"Next: ipfx-failover server test {name}")
        return ExitCode.DONE
    try:
        if asked:
            trust(name, config=file)
        return replicate_from_live(name, config=file, yes=True) or ExitCode.DONE
    except FailoverError:
        output.progress(f"{name} is in the config, but was not replicated.")
        raise
