"""replicate-to-live of a hot copy, whose connections are cut: nothing is lost on either side."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Unreachable
from tests.sqlserver.engine.faults import Fault, Faults
from tests.support.sqlserver_pair import CATALOG, COPY, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sqlserver.engine.server import SimulatedServer

DONE, UNREACHABLE = 0, 4
SIDES = pytest.mark.parametrize("side", ["live", "standby"])
MESSAGES = pytest.mark.parametrize("message", ["prelogin", "login", "batch", "rpc", "piece"])
ROLLED_BACK = ["Failback of DEMOSERVER failed", "Failback of DEMOSERVER was rolled back"]


@pytest.fixture
def hot(in_memory: Pair) -> Pair:
    """A stand-in has recorded a call in a copy that had followed its live catalog."""
    pair = in_memory
    pair.go_hot()
    pair.replicated()
    pair.has_stood_in("two")
    return pair


def stood_in_again(pair: Pair) -> None:
    """The live catalog lacks again what the copy has."""
    if not pair.is_ahead:
        pair.run_live("DELETE FROM calls WHERE text = N'two'")
        pair.has_stood_in()


def is_whole(pair: Pair, before: object) -> bool:
    """Whether the live catalog is the one before; else it is the new one, and all of it."""
    live = pair.live.catalog(CATALOG)
    if pair.is_ahead:
        return before == pair.content(pair.live, CATALOG)
    return (
        ["one", "two"] == pair.live_calls
        and [r"C:\VM\Mail\1.wav", r"C:\VM\Mail\two.wav"] == pair.paths(pair.live, CATALOG)
        and live.is_tracking
        and live.tables["dbo.calls"].tracking is not None
        and "READ_ONLY" not in live.options
    )


def cut_at_each(pair: Pair, server: SimulatedServer, rules: Iterable[Fault]) -> int:
    """Give back once for each rule, until one does not come to pass. How many did."""
    copy = pair.content(pair.standby, COPY)
    for number, rule in enumerate(rules):
        stood_in_again(pair)
        before = pair.content(pair.live, CATALOG)
        faults = Faults([rule])
        faults.attach(server)
        with suppress(Unreachable):
            pair.given_back()
        pair.no_faults()

        assert [] == pair.strays() == pair.unfinished, rule
        assert copy == pair.content(pair.standby, COPY), rule
        assert is_whole(pair, before), rule
        if not faults.fired:
            assert not pair.is_ahead
            return number
    raise AssertionError


@SIDES
def test_at_whatever_statement_the_connection_is_cut_nothing_is_lost_on_either_side(
    hot: Pair, side: str
) -> None:
    """The first one of a session, which is always the same, does not count."""
    rules = (Fault(statement="^(?!SET ANSI_NULLS)", nth=nth, cut=True) for nth in count(1))

    assert 10 < cut_at_each(hot, getattr(hot, side), rules)


@SIDES
@MESSAGES
def test_at_whatever_message_the_connection_is_cut_nothing_is_lost_on_either_side(
    hot: Pair, side: str, message: str
) -> None:
    """Every third one of its kind."""
    rules = (Fault(message=message, nth=nth, cut=True) for nth in count(1, step=3))

    assert 3 < cut_at_each(hot, getattr(hot, side), rules)


@SIDES
@MESSAGES
def test_a_connection_that_is_cut_is_told_by_the_code_and_once_by_mail(
    hot: Pair, side: str, message: str
) -> None:
    """At every message whose number is a power of four."""
    was_told = False
    for nth in (4**power for power in count()):
        stood_in_again(hot)
        before, mails = hot.content(hot.live, CATALOG), len(hot.subjects())
        faults = Faults([Fault(message=message, nth=nth, cut=True)])
        faults.attach(getattr(hot, side))
        ended = hot.run("replicate-to-live", "DEMOSERVER", "--yes")
        hot.no_faults()
        has_failed = hot.is_ahead
        told = ROLLED_BACK if has_failed and not was_told else []

        assert (UNREACHABLE if has_failed else DONE) == ended.code, (nth, ended)
        assert ("see whether its SQL Server runs" in ended.err) == has_failed, (nth, ended)
        assert told == sorted(hot.subjects()[mails:]), nth
        assert is_whole(hot, before), nth
        if not faults.fired:
            break
        was_told = has_failed
