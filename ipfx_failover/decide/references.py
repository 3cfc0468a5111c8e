"""Which addresses show that our own network works. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ipfx_failover.net import Address


def references(
    *,
    configured: Iterable[Address],
    gateway: Address | None,
    primaries: Iterable[Address],
    suspect: Address | None,
    ours: Collection[Address],
) -> tuple[Address, ...]:
    """The reference targets when `suspect` is silent.

    The configured ones, else the gateway and the other Primaries; never the suspect, and never an
    address that is ours: it would answer with the cable out.
    """
    chosen = list(configured) or [*([gateway] if gateway else []), *primaries]
    return tuple(dict.fromkeys(a for a in chosen if a != suspect and a not in ours))
