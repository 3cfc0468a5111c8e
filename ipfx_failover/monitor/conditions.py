"""What keeps the monitor from what is expected of it, in words, for whoever asks for the status.

Pure: a judged round and what is known become conditions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ipfx_failover.decide import fleet as fleets
from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.events import EventKind
from ipfx_failover.records import Concern, Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from ipfx_failover.decide.decisions import Round
    from ipfx_failover.decide.fleet import Fleet
    from ipfx_failover.decide.liveness import Thresholds
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.monitor.prober import ProbeRound
    from ipfx_failover.monitor.view import View
    from ipfx_failover.net import Address

_NO_REFERENCE = "no reference target: only our own cable shows whether our network works"
_NAME_ONE = "set reference_targets in [network], such as the gateway's address"


def conditions(
    view: View,
    fleet: Fleet,
    seen: ProbeRound,
    round_: Round,
    *,
    thresholds: Thresholds,
    refusals: Mapping[str, FailoverError],
    last_answers: Mapping[Address, int] | None,
    now: datetime,
) -> list[Condition]:
    """What holds after a round; all of it since `now`.

    `refusals`: by server, how the takeover that was ordered last failed. `last_answers`: None while
    it is too early to say who never answers.
    """
    if fleet.isolation is not None:
        return [Condition(Concern.ISOLATED, None, fleet.isolation, "", now)]
    found = [
        Condition(Concern.NOT_PINGED, name, seen.refused[at], "", now)
        for name, at in (view.probed_at.items() if seen.refused else ())
        if at in seen.refused
    ]
    for name, state in fleet.servers.items():
        if state.liveness not in {Liveness.SUSPECT, Liveness.FAILED}:
            continue
        if (why := fleets.why_not_taken(name, fleet, round_, thresholds)) is not None:
            found.append(Condition(Concern.NOT_TAKEN, name, why.reason, why.advice, now))
        elif state.liveness is Liveness.FAILED and (refused := refusals.get(name)):
            found.append(Condition(Concern.NOT_TAKEN, name, refused.message, refused.hint, now))
    if last_answers is not None:
        found += _without_reference(view, last_answers, now)
    return [*found, *_lost(view, now), *_unsynced(view, now)]


def _lost(view: View, now: datetime) -> Iterator[Condition]:
    for told in view.troubles:
        if told.kind is EventKind.COPY_LOST:
            advice = str(told.data["advice"])
            yield Condition(Concern.COPY, told.server, str(told.data["reason"]), advice, now)


def _unsynced(view: View, now: datetime) -> Iterator[Condition]:
    """One for all servers whose file sync fails, so that it stands above the table."""
    failed = [told for told in view.troubles if told.kind is EventKind.FILE_SYNC_FAILED]
    if failed:
        text = "; ".join(
            f"the files of {told.server} are not in sync: {told.data['reason']}" for told in failed
        )
        first = failed[0].server
        yield Condition(
            Concern.FILES, None, text, f"ipfx-failover sync-files {first} --dry-run", now
        )


def _without_reference(
    view: View, last_answers: Mapping[Address, int], now: datetime
) -> Iterator[Condition]:
    """The servers for which nobody else shows that our network works (design: evidence).

    One that never answered does not count.
    """
    answering = {address for address in view.reference_addresses if address in last_answers}
    if len(answering) > 1:
        return
    servers = view.config.servers
    alone = [n for n in view.probed_at if all(at == servers[n].address for at in answering)]
    if len(alone) == len(view.probed_at):
        if alone:
            yield Condition(Concern.NO_REFERENCE, None, _NO_REFERENCE, _NAME_ONE, now)
        return
    for name in alone:
        yield Condition(Concern.NO_REFERENCE, name, _NO_REFERENCE, _NAME_ONE, now)


def lasting(found: Iterable[Condition], before: Iterable[Condition]) -> tuple[Condition, ...]:
    """What was found, each since it began to hold."""
    since = {(each.concern, each.server): each.since for each in before}
    return tuple(
        replace(each, since=since.get((each.concern, each.server), each.since)) for each in found
    )
