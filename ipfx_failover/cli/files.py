"""`sync-files` (manual, "File replication")."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, NameOrAll, UntilEof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ipfx_failover.cli.each import Done
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.files.listing import Skipped
    from ipfx_failover.files.values import Plan, SyncResult
    from ipfx_failover.wiring.site import Site


def add_to(app: typer.Typer) -> None:
    app.command("sync-files")(sync_files)


def sync_files(
    name: NameOrAll = None,
    every: Annotated[bool, typer.Option("--all", help="All servers that have files.")] = False,
    to_live: Annotated[
        bool, typer.Option("--to-live", help="From the Failover Server to the Primary.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done; do nothing.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on for ever: copy changes as they appear.")
    ] = False,
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Delete even more than deletion_cap_percent.")
    ] = False,
    config: ConfigPath = None,
    as_json: Json = False,
    until_eof: UntilEof = False,
) -> int | None:
    """Bring a server's files up to date: voicemail, prompts, music.

    Copies what is new or changed, by the file inclusion table. Deletes only what was in sync
    before and is gone at the source, and only into the trash. Nothing is copied from live while
    the standby holds what the Primary has not.

    Example: ipfx-failover sync-files DEMOSERVER --dry-run
    """
    from ipfx_failover.cli.each import chosen, end_with_parent, for_each
    from ipfx_failover.cli.ending import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.errors import UsageError
    from ipfx_failover.wiring.files import planned, synced_once, watch_all
    from ipfx_failover.wiring.site import open_site

    end_with_parent(until_eof=until_eof)
    site = open_site(config)
    output = Output(as_json)
    if watch and (to_live or dry_run):
        raise UsageError("--watch goes from live only, and really copies", "leave the others out")
    servers = chosen(site, name, every=every, has=lambda server: server.files)
    if watch:
        watch_all(site, servers, lambda server, result: _show(server, result, output))
        return None
    if dry_run:
        look = partial(planned, site, to_live=to_live, allow_deletions=allow_deletions)
        return for_each(servers, output, lambda server: _compared(site, server, output, look))
    with site.store() as store:
        once = partial(synced_once, site, store, to_live=to_live, allow_deletions=allow_deletions)
        code = for_each(servers, output, lambda server: _metered(site, server, output, once))
    tell(site)
    return code


def _compared(
    site: Site, server: ServerSettings, output: Output, look: Callable[..., Plan]
) -> Done:
    from ipfx_failover.cli.meter import Meter

    with Meter(output, site.clock) as meter:
        meter.begin(f"compare the files of {server.name}")
        plan = look(server)
    return _shown_plan(server, plan, output)


def _shown_plan(server: ServerSettings, plan: Plan, output: Output) -> Done:
    copies = [copy.path for copy in plan.copies]
    deletions = list(plan.deletions)
    for path in copies:
        output.line(f"{server.name}: would copy {path}")
    for path in deletions:
        output.line(f"{server.name}: would delete {path}")
    if plan.withheld is not None:
        output.line(f"{server.name}: would refuse: {plan.withheld}")
    if plan.is_empty:
        output.line(f"{server.name}: nothing to do")
    return {
        "copies": copies,
        "deletions": deletions,
        "refusal": plan.withheld,
        "not_synced": _not_synced((*plan.skipped, *plan.blocked), output),
    }, None


def _metered(
    site: Site, server: ServerSettings, output: Output, sync: Callable[..., SyncResult]
) -> Done:
    from ipfx_failover.cli.meter import Meter

    with Meter(output, site.clock) as meter:
        meter.begin(f"sync the files of {server.name}")
        result = sync(server, report=meter)
    return _shown(server, result, output)


def _shown(server: ServerSettings, result: SyncResult, output: Output) -> Done:
    return _show(server, result, output), result.problem


def _show(server: ServerSettings, result: SyncResult, output: Output) -> dict[str, object]:
    from ipfx_failover.history.wording import duration, size

    output.line(
        f"{server.name}: {result.copied} copied, {result.deleted} deleted, "
        f"{size(result.copied_bytes)} in {duration(result.duration_s)}"
    )
    not_synced = _not_synced((*result.skipped, *result.failed), output)
    for note in result.notes:
        output.line(f"  {note}")
    return {
        "copied": result.copied,
        "deleted": result.deleted,
        "size_bytes": result.copied_bytes,
        "not_synced": not_synced,
    }


def _not_synced(skipped: Iterable[Skipped], output: Output) -> list[str]:
    shown = [str(each) for each in skipped]
    for each in shown:
        output.line(f"  not synced: {each}")
    return shown
