"""Mail and the snapshot: what others learn of a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_ONE_SHOT_S = 15.0


def deliver(site: Site, *, bound_s: float = _ONE_SHOT_S) -> None:
    """Send what waits in the outbox, for a bounded time; the rest stays for whoever is next."""
    with site.store() as store:
        deliver_from(site, store, bound_s=bound_s)


def deliver_from(site: Site, store: Store, *, bound_s: float) -> None:
    from ipfx_failover.adapters.smtp import SmtpSender
    from ipfx_failover.mailing import drain, remind

    remind(store, site.clock)
    drain(store, SmtpSender(site.config.alerts), site.clock, within_s=bound_s)


def refresh_snapshot(site: Site) -> None:
    """Write the status for readers who may not open the store."""
    with site.store() as store:
        refresh_snapshot_from(site, store)


def refresh_snapshot_from(site: Site, store: Store) -> None:
    from ipfx_failover.config.outline import outline_of
    from ipfx_failover.report import draw, write_snapshot

    report = draw(outline_of(site.config), store, site.locks, site.clock, site.local)
    write_snapshot(report, site.state_dir)
