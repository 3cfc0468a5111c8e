"""Mail and the snapshot: what others learn of a commit."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.events import Event
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.hooks import Hooks
    from ipfx_failover.wiring.site import Site

_ONE_SHOT_S = 15.0
_HOOK_S = 60.0
"""What the config allows a hook at most."""


def deliver(site: Site, *, bound_s: float = _ONE_SHOT_S) -> None:
    """Send what waits in the outbox, for a bounded time; the rest stays for whoever is next."""
    with site.store() as store:
        hooks = _tell_hooks(site, store, bound_s=bound_s)
        deliver_from(site, store, bound_s=bound_s)
        if hooks is not None:
            hooks.wait(bound_s + _HOOK_S)


def _tell_hooks(site: Site, store: Store, *, bound_s: float) -> Hooks | None:
    """Begin to tell the hooks, where there are any."""
    from ipfx_failover.state.outbox import MAIL, waiting

    if not waiting(store).keys() - {MAIL}:
        return None
    from ipfx_failover.wiring.hooks import Hooks

    hooks = Hooks(lambda: site, lambda _: None)
    hooks.look(store, within_s=bound_s)
    return hooks


def deliver_from(site: Site, store: Store, *, bound_s: float) -> None:
    from ipfx_failover.mailing import drain, remind

    remind(store, site.clock)
    if not store.mails_waiting():
        return
    from ipfx_failover.adapters.smtp import SmtpSender

    drain(store, SmtpSender(site.config.alerts), site.clock, within_s=bound_s)


def refresh_snapshot(site: Site) -> None:
    """Write the status for readers who may not open the store."""
    with site.store() as store:
        refresh_snapshot_from(site, store)


def refresh_snapshot_from(site: Site, store: Store) -> None:
    from ipfx_failover.report.drawing import draw
    from ipfx_failover.snapshot import write_snapshot
    from ipfx_failover.wiring.looking import noted_at

    noted = noted_at(site.state_dir)
    report = draw(site.outline, store, site.locks, site.clock, site.local, noted)
    write_snapshot(report, site.state_dir)


def cry(site: Site, event: Event) -> None:
    """Mail past the outbox, and without waiting: the store that holds it cannot be used."""
    import threading

    if site.config.alerts.hooks:
        from ipfx_failover.wiring.hooks import cry_to_hooks

        cry_to_hooks(site, event)
    threading.Thread(target=_cry_now, args=(site, event), name="cry", daemon=True).start()


def _cry_now(site: Site, event: Event) -> None:
    from ipfx_failover.adapters.smtp import SmtpSender
    from ipfx_failover.decide.alerts import compose
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.mailing import send_now

    # Nobody is left to be told when this fails too; the monitor's own output has said it.
    with suppress(FailoverError):
        send_now(SmtpSender(site.config.alerts), compose(event), site.clock)
