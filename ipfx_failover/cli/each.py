"""Commands that do the same for one server, or for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.wiring.site import Site

Done: TypeAlias = "tuple[dict[str, object], FailoverError | None]"
"""What came of a server's work for `--json`, and the error that it ends with all the same."""


def chosen(
    site: Site, name: str | None, *, every: bool, has: Callable[[ServerSettings], object]
) -> list[ServerSettings]:
    """The server NAME, or with `--all` every one that has what the work is about.

    Raises:
        UsageError: neither, or both.
    """
    from ipfx_failover.errors import UsageError

    if every == (name is not None):
        known = ", ".join(site.config.servers) or "none"
        raise UsageError("give a server's NAME, or --all", f"the config's servers: {known}")
    if name is not None:
        return [site.server(name)]
    return [server for server in site.config.servers.values() if has(server) is not None]


def end_with_parent(*, until_eof: bool) -> None:
    if until_eof:
        from ipfx_failover.adapters.signals import end_at_eof

        end_at_eof()


def for_each(
    servers: list[ServerSettings],
    output: Output,
    work: Callable[[ServerSettings], Done],
) -> int:
    """Do the work for each server, one after the other; the gravest outcome is the exit code."""
    from ipfx_failover.cli.output import as_error, report_error
    from ipfx_failover.errors import DoneWithExceptions, ExitCode, FailoverError, Interrupted, worst

    results: list[dict[str, object]] = []
    codes: list[ExitCode] = []
    for server in servers:
        shown: dict[str, object] = {"server": server.name, "ok": True}
        try:
            done, error = work(server)
            shown |= done
        except Interrupted:
            raise
        except FailoverError as failure:
            error = failure
        if error is not None:
            codes.append(error.exit_code)
            shown |= {"ok": False, "error": as_error(error)}
            if not output.as_json:
                report_error(error, as_json=False)
        results.append(shown)
        if isinstance(error, DoneWithExceptions) and error.was_interrupted:
            break
    output.document(ok=not codes, results=results)
    return worst(codes)
