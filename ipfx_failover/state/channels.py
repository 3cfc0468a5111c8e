"""Who is told of events beside those who get mail: hooks, by the channel that each has.

The store knows them, so that whoever commits an event puts a row for each into the same commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.config.models import AlertSettings
    from ipfx_failover.events import Event
    from ipfx_failover.state.reading import Reading
    from ipfx_failover.state.store import Store

_OF_HOOKS = "hook_"


@dataclass(frozen=True, slots=True)
class Route:
    """What a channel is told. `kinds`: kinds of events; None: whatever is mailed."""

    channel: str
    kinds: frozenset[str] | None = None

    def wants(self, event: Event, *, is_mailed: bool) -> bool:
        if event.kind.startswith(_OF_HOOKS):
            return False  # what a hook is told of its own trouble would never end
        return is_mailed if self.kinds is None else event.kind in self.kinds


def routes_of(alerts: AlertSettings) -> list[Route]:
    """What each hook of a config is to be told of."""
    return [
        Route(channel, frozenset(hook.events) or None) for channel, hook in alerts.hooks.items()
    ]


def routes(reading: Reading) -> list[Route]:
    """All that are registered, by channel."""
    rows = reading.rows("SELECT * FROM channels ORDER BY name")
    return [
        Route(row["name"], None if row["kinds"] is None else frozenset(row["kinds"].split()))
        for row in rows
    ]


def register(store: Store, wanted: Sequence[Route]) -> None:
    """Let the store know these routes and no others; written only where something changes.

    Raises:
        StateUnwritableError: the store cannot be written.
    """
    wanted = sorted(wanted, key=lambda route: route.channel)
    if routes(store) == wanted:
        return
    with store.transaction() as tx:
        tx.connection.execute("DELETE FROM channels")
        tx.connection.executemany(
            "INSERT INTO channels VALUES (?, ?)",
            [
                (route.channel, None if route.kinds is None else " ".join(sorted(route.kinds)))
                for route in wanted
            ],
        )
