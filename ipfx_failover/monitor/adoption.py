"""What a new config means for what runs: what is kept back, what is counted on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide.fleet import Fleet
from ipfx_failover.decide.liveness import ServerLiveness, Thresholds, counted_afresh
from ipfx_failover.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ipfx_failover.config.changes import Change
    from ipfx_failover.config.models import Config, NetworkSettings, ServerSettings

_MOST_SHOWN = 5
_LONGEST_SHOWN = 100


def fitting(wanted: Config, before: Config, standing_in: str | None) -> tuple[Config, str]:
    """The wanted config as far as it can be in use now; and in words what waits.

    While a role is performed, what it was taken with stays: its server, the application, the
    adapter.

    Raises:
        Refused: it moves the state, which nobody can while it is in use.
    """
    old, new = before.failover_server, wanted.failover_server
    if new.state_dir != old.state_dir:
        raise Refused(
            f"failover_server.state_dir is another one ({new.state_dir})",
            "restart the monitor for that",
        )
    name = next((n for n in before.servers if n.casefold() == (standing_in or "").casefold()), None)
    if name is None:
        return wanted, ""
    fitted = wanted.model_copy(
        update={
            "failover_server": old,
            "network": wanted.network.model_copy(update={"adapter": before.network.adapter}),
            "servers": {**_but(wanted, name), name: before.servers[name]},
        }
    )
    waiting = [
        words
        for words, differs in (
            (f"[servers.{name}]", wanted.servers.get(name) != before.servers[name]),
            ("[failover_server]", new != old),
            ("network.adapter", wanted.network.adapter != before.network.adapter),
        )
        if differs
    ]
    if not waiting:
        return fitted, ""
    return fitted, f"{', '.join(waiting)} until the role of {name} is given back"


def _but(config: Config, name: str) -> dict[str, ServerSettings]:
    return {n: s for n, s in config.servers.items() if n.casefold() != name.casefold()}


def in_words(found: Iterable[Change], before: Config, after: Config) -> str:
    """What was changed: servers that came and went, other keys with both values."""
    added = [name for name in after.servers if name not in before.servers]
    removed = [name for name in before.servers if name not in after.servers]
    words = [f"{name} added" for name in added] + [f"{name} removed" for name in removed]
    gone = {("servers", name) for name in (*added, *removed)}
    words += [_bounded(str(each)) for each in found if each.key[:2] not in gone]
    more = len(words) - _MOST_SHOWN
    return "; ".join(words[:_MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _bounded(words: str) -> str:
    return words if len(words) <= _LONGEST_SHOWN else f"{words[: _LONGEST_SHOWN - 3]}..."


def counted_on(fleet: Fleet, before: Config, after: Config, answered: Collection[str]) -> Fleet:
    """The fleet under another config: who is new is unknown; other ping values count afresh.

    `answered`: the servers that have answered since this machine booted.
    """
    is_same_count = _counting(before.network) == _counting(after.network)
    servers = {}
    for name, server in after.servers.items():
        state = fleet.servers.get(name)
        if state is None or not is_same_primary(before.servers.get(name), server):
            servers[name] = ServerLiveness(answered_since_boot=name in answered)
        else:
            servers[name] = state if is_same_count else counted_afresh(state)
    return Fleet(servers, fleet.isolation)


def thresholds(config: Config) -> Thresholds:
    network = config.network
    return Thresholds(
        warning=network.warning_count,
        failover=network.failover_count,
        after_reboot=network.failover_count_after_reboot,
    )


def is_same_primary(before: ServerSettings | None, after: ServerSettings | None) -> bool:
    """Whether what was seen of a server still says something of it."""
    if before is None or after is None:
        return False
    return (before.address, before.management_address, before.assume_ip) == (
        after.address,
        after.management_address,
        after.assume_ip,
    )


def _counting(network: NetworkSettings) -> tuple[int, ...]:
    return (
        network.ping_interval_ms,
        network.ping_timeout_ms,
        network.warning_count,
        network.failover_count,
        network.failover_count_after_reboot,
    )
