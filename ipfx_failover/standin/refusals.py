"""Why a role cannot be taken, as far as the store and the config tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.errors import Refused
from ipfx_failover.records import Authority, Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.records import Copy, StandIn
    from ipfx_failover.state.store import Store


class _Lack(NamedTuple):
    """What a server lacks to be stood in for, in words, and the command that makes it."""

    reason: str
    command: str


def taking_refusal(
    server: ServerSettings,
    stand_in: StandIn | None,
    copies: Mapping[tuple[str, str], Copy],
    *,
    is_standing: bool,
) -> Refused | None:
    """Why the server's role cannot be taken, whoever asks; `stand_in`: the role that we have."""
    same = stand_in is not None and stand_in.server.casefold() == server.name.casefold()
    if stand_in is not None and not same:
        return Refused(
            f"the Failover Server stands in for {stand_in.server}; one server at a time",
            f"give that role back first: ipfx-failover stop-failover {stand_in.server}",
        )
    if is_standing:
        return Refused(
            f"the Failover Server stands in for {server.name} already",
            "see: ipfx-failover status",
        )
    lack = _lack(server, copies)
    return None if lack is None else _without_copy(server.name, *lack)


def unusable(name: str, reason: str, authority: Authority) -> Refused:
    """There is no role to be performed without a copy; `authority`: before it was taken."""
    command = "replicate-from-live"
    if authority is Authority.LIVE:
        return _without_copy(name, reason, command)
    return Refused(
        _not_stood_in_for(name, reason),
        "restore it there; or give up what it had, once the role is given back: "
        f"ipfx-failover {command} {name} --discard-standby",
    )


def _without_copy(name: str, reason: str, command: str) -> Refused:
    return Refused(
        _not_stood_in_for(name, reason),
        f"copy it while it is alive: ipfx-failover {command} {name}",
    )


def _not_stood_in_for(name: str, reason: str) -> str:
    return f"{name} cannot be stood in for: {reason}"


def inhibition(store: Store, name: str) -> Refused | None:
    """The operator's word, as it is now: it may have come after the decision."""
    state = store.server(name)
    if state.mode is Mode.MONITORING and not state.failback_pending:
        return None
    why = "failback is pending" if state.failback_pending else f"it is {state.mode}"
    return Refused(
        f"{name} is not taken over by itself: {why}",
        f"by hand: ipfx-failover failover-now {name}; or: ipfx-failover resume {name}",
    )


def missing(server: ServerSettings, copies: Mapping[tuple[str, str], Copy]) -> str | None:
    """What a server lacks to be stood in for, in words; None if nothing."""
    lack = _lack(server, copies)
    return None if lack is None else lack.reason


def _lack(server: ServerSettings, copies: Mapping[tuple[str, str], Copy]) -> _Lack | None:
    name = server.name.casefold()
    if server.database is not None and (name, "database") not in copies:
        return _Lack("its database has never been replicated", "replicate-from-live")
    if server.files is not None and (name, "files") not in copies:
        return _Lack("its files have never been replicated", "sync-files")
    return None
