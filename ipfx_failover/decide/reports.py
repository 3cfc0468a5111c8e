"""What is reported of a server whose liveness has changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide.decisions import Say
from ipfx_failover.decide.liveness import Change
from ipfx_failover.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.decide.decisions import Round
    from ipfx_failover.decide.liveness import ServerLiveness, Thresholds
    from ipfx_failover.events import Value


def report(
    name: str,
    state: ServerLiveness,
    changes: tuple[Change, ...],
    thresholds: Thresholds,
    round_: Round,
) -> Iterator[Say]:
    """What is said of a server after a round that changed something."""
    needed = state.needed(thresholds)
    standing_in = round_.is_stand_in(name)
    # Then somebody is at work on it: the log says what is seen, and nobody is alarmed.
    pending = round_.facts[name].failback_pending
    for change in changes:
        match change:
            case Change.ANSWERING:
                yield Say(EventKind.SERVER_ANSWERING, name)
            case Change.SUSPECT:
                follows = "" if pending else f"; failover after {needed} in a row"
                yield Say(EventKind.SERVER_SUSPECT, name, {"follows": follows})
            case Change.WARNING if not (standing_in or pending):
                data = {"misses": state.misses, "needed": needed}
                yield Say(EventKind.WARNING_COUNT_REACHED, name, data)
            case Change.FAILED:
                failure = _failure(state, round_.now_ns, pending=pending)
                yield Say(EventKind.SERVER_FAILED, name, failure)
            case Change.RESET:
                yield _reset(name, round_)
            case _:
                pass


def _failure(state: ServerLiveness, now_ns: int, *, pending: bool) -> Mapping[str, Value]:
    """`silent_s`: since its first probe that was not answered was sent."""
    first_ns = now_ns if state.first_miss_ns is None else state.first_miss_ns
    return {
        "misses": state.misses,
        "silent_s": round((now_ns - first_ns) / 1e9, 3),
        "detail": "; not taken over: failback is pending" if pending else "",
    }


def _reset(name: str, round_: Round) -> Say:
    facts = round_.facts[name]
    if facts.failback_pending:
        return Say(EventKind.SERVER_ANSWERING, name)
    if not round_.is_stand_in(name):
        return Say(EventKind.SERVER_RESET, name, {"advice": "Nothing; find out why it failed."})
    if facts.assume_ip:
        # It is its management address that answers; ARP may have told of it already.
        return Say(EventKind.PRIMARY_RETURNED, name, {"how": "it answers pings"})
    data = {
        "detail": "; the Failover Server still stands in for it",
        "advice": f"Give the role back: ipfx-failover stop-failover {name}, restart {name}, "
        f"ipfx-failover replicate-to-live {name}",
    }
    return Say(EventKind.SERVER_RESET, name, data)
