"""What concerns all servers: that nobody watches, or what weakens the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.records import Concern
from ipfx_failover.report.wording import in_local_time, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ipfx_failover.config.outline import Outline
    from ipfx_failover.records import Condition, MonitorRecord, StandIn


def warnings(
    record: MonitorRecord | None, conditions: Iterable[Condition], *, runs: bool, answers: bool
) -> list[str]:
    """Why nobody is judged.

    `record`: what the monitor that ran last has written. `runs`: it is there; `answers`: it judges.
    """
    if answers:
        return [
            f"cut off from the network since {in_local_time(each.since)} ({each.text}): "
            "no server is judged, and none is taken over"
            for each in conditions
            if each.concern is Concern.ISOLATED
        ]
    if record is None:
        return ["no monitor has run yet: nobody watches the servers"]
    last = in_local_time(record.heartbeat_at)
    if runs:
        return [f"the monitor (process {record.pid}) has not judged a round since {last}"]
    return [f"no monitor is running: nobody watches the servers; the last probe was at {last}"]


def advice(
    outline: Outline,
    stand_in: StandIn | None,
    conditions: Iterable[Condition],
    *,
    is_untold: bool,
) -> Iterator[str]:
    """What is to be mended. `is_untold`: the store does not know of the stand-in."""
    if stand_in is not None:
        if is_untold:
            yield _of_untold_role(outline, stand_in)
        yield from _of_lost_role(outline, stand_in)
    yield from _of_config(outline, conditions)
    yield from (in_words(each) for each in conditions if _weakens_all(each))


def _of_untold_role(outline: Outline, stand_in: StandIn) -> str:
    """What is to be done when the store could not be told of the role that is performed."""
    return (
        f"the state store does not know yet of the stand-in for {stand_in.server}: "
        f"if that stays so, make room on the disk of {outline.state_dir}"
    )


def _of_lost_role(outline: Outline, stand_in: StandIn) -> Iterator[str]:
    """What is to be done about a role whose server somebody has taken out of the config."""
    name = stand_in.server
    known = {watched.name.casefold() for watched in outline.servers}
    if outline.problem is None and name.casefold() not in known:
        yield (
            f"the config does not name {name}, which is stood in for: put [servers.{name}] back, "
            f"then ipfx-failover stop-failover {name}"
        )


def _of_config(outline: Outline, conditions: Iterable[Condition]) -> Iterator[str]:
    """That it is broken, unless the monitor has told of it: that one is in use."""
    is_told = any(each.concern is Concern.CONFIG for each in conditions)
    if outline.warning is not None and not is_told:
        yield outline.warning


def _weakens_all(condition: Condition) -> bool:
    return condition.server is None and condition.concern is not Concern.ISOLATED
