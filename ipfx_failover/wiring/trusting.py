"""Host keys of the live servers: which are shown, and which are trusted from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.state import locks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.adapters.ssh.host_keys import HostKey, HostKeys
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.wiring.site import Site

_KNOWN_HOSTS = "known-hosts"
_WAIT_S = 10.0


def host_keys(site: Site, server: ServerSettings) -> HostKeys:
    """The host keys that a server shows now.

    Raises:
        UsageError: the config says nothing about SSH.
        Refused: its address is ours now.
        Unreachable: nobody answers there.
    """
    from ipfx_failover.adapters.ssh.host_keys import HostKeys
    from ipfx_failover.wiring.replication import connection

    return HostKeys(connection(site, server).target)


def trust(site: Site, shown: HostKeys, keys: Sequence[HostKey]) -> None:
    """Store keys as trusted; two at once do not lose each other's."""
    with site.locks.hold(_KNOWN_HOSTS, locks.this_command(), wait_s=_WAIT_S):
        shown.store(keys)
