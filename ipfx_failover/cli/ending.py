"""How a command that changed something ends: its mail goes out, the snapshot is renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.errors import DoneWithExceptions
    from ipfx_failover.wiring.site import Site


def end(
    site: Site,
    output: Output,
    text: str,
    server: str | None,
    *,
    but_for: DoneWithExceptions | None = None,
) -> int:
    """Print the result; without a monitor also send the mail that it caused, for 15 s at most.

    Returns the exit code; `but_for`: what could not be done all the same.
    """
    from ipfx_failover.cli.output import as_error, report_error

    output.line(text)
    monitored = tell(site)
    if not monitored:
        output.progress("No monitor is running: nobody keeps the address or watches the servers.")
    failed = {} if but_for is None else {"ok": False, "error": as_error(but_for)}
    output.document(message=text, server=server, monitor_running=monitored, **failed)
    if but_for is None:
        return 0
    return but_for.exit_code if output.as_json else report_error(but_for, as_json=False)


def tell(site: Site) -> bool:
    """Send the mail that is due, unless a monitor does it, and renew the snapshot; is there one?"""
    from ipfx_failover.state import locks
    from ipfx_failover.wiring.telling import deliver, refresh_snapshot

    monitored = site.locks.holder(locks.MONITOR) is not None
    if not monitored:
        deliver(site)
    refresh_snapshot(site)
    return monitored
