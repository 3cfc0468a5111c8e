"""What a replication leaves in the log: how it ended, how long it took, how much it moved."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed
from ipfx_failover.replication.workflow import FROM_LIVE, Replication
from tests.support.replication import DEMO, Copies, set_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.events import Value


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    with closing(Copies(tmp_path)) as made:
        yield made


def ending(copies: Copies) -> dict[str, Value]:
    (event,) = [
        each for each in copies.events("replicated", "replication_failed") if "outcome" in each.data
    ]
    wanted = ("direction", "outcome", "duration_s", "size_bytes")
    return {name: event.data[name] for name in wanted if name in event.data}


def test_a_replication_takes_as_long_as_from_its_start_to_its_end(copies: Copies) -> None:
    copies.carrying = lambda: copies.clock.advance(90.5)
    facts = copies.replicator().from_live()

    assert ending(copies) == {
        "direction": "from-live",
        "outcome": "done",
        "duration_s": 90.5,
        "size_bytes": facts["backup_size_bytes"],
    }
    assert "bytes in 90.5 s" in copies.events("replicated")[0].text


def test_a_replication_that_failed_tells_how_long_and_how_large_it_was(copies: Copies) -> None:
    def lost() -> None:
        copies.clock.advance(7)
        raise Failed("the network is slow", "wait")

    copies.carrying = lost
    with pytest.raises(Failed):
        copies.replicator().from_live()
    told = ending(copies)

    assert 0 < int(told.pop("size_bytes"))
    assert told == {"direction": "from-live", "outcome": "failed", "duration_s": 7.0}


def test_one_that_failed_before_its_backup_knows_no_size(copies: Copies) -> None:
    copies.live.unlink()
    with pytest.raises(Failed):
        copies.replicator().from_live()

    assert ending(copies) == {"direction": "from-live", "outcome": "failed", "duration_s": 0.0}


@pytest.mark.parametrize(
    ("is_daily", "what"), [(True, "Daily Replication"), (False, "Replication")]
)
def test_the_mail_says_whether_it_was_the_daily_replication_that_failed(
    copies: Copies, *, is_daily: bool, what: str
) -> None:
    copies.live.unlink()
    with pytest.raises(Failed):
        replace(copies.replicator(), is_daily=is_daily).from_live()

    assert copies.subjects == [f"{what} of DEMO failed", f"{what} of DEMO was rolled back"]


def test_a_failback_that_fails_is_mailed_as_one_though_the_nights_before_failed_too(
    copies: Copies,
) -> None:
    copies.replicator().from_live()

    def lost() -> None:
        raise Failed("the network is slow", "wait")

    copies.carrying = lost
    with pytest.raises(Failed):
        replace(copies.replicator(), is_daily=True).from_live()
    before = len(copies.subjects)
    copies.is_ahead()
    with pytest.raises(Failed):
        copies.replicator().to_live(application_answers=False)

    assert copies.subjects[before:] == [
        "Failback of DEMO failed",
        "Failback of DEMO was rolled back",
    ]


def test_what_a_replication_warned_of_is_in_the_log(copies: Copies) -> None:
    made = copies.replicator()
    facts = {**made.from_live(), "warnings": "the user x has no login\nno owner"}
    with copies.store.transaction() as tx:
        for effect in Replication(made.ports, copies.clock, FROM_LIVE).finished(DEMO, facts):
            effect(tx)
    (warned,) = copies.events("replication_warned")
    told = [event.data.get("warnings") for event in copies.events("replicated")]

    assert "Replicated from-live, but: the user x has no login; no owner" == warned.text
    assert ["", "the user x has no login; no owner"] == told


def test_a_failback_is_told_in_the_same_way(copies: Copies) -> None:
    copies.replicator().from_live()
    set_text(copies.standby, "recorded")
    copies.is_ahead()
    copies.carrying = lambda: copies.clock.advance(3)
    copies.replicator().to_live(application_answers=False)
    last = copies.events("replicated")[-1].data

    assert ("to-live", "done", 3.0) == (last["direction"], last["outcome"], last["duration_s"])


@pytest.mark.parametrize(
    ("hint", "advice"),
    [
        ("make room there", "Make room there. Then: ipfx-failover replicate-from-live DEMO"),
        ("say ipfx-failover this --way", "Say ipfx-failover this --way."),
    ],
)
def test_both_mails_of_a_failure_advise_what_its_error_does(
    copies: Copies, hint: str, advice: str
) -> None:
    def refuse() -> None:
        raise Failed("it cannot be", hint)

    copies.carrying = refuse
    with pytest.raises(Failed):
        copies.replicator().from_live()
    told = copies.events("replication_failed", "replication_rolled_back")

    assert [advice, f"Nothing is lost. {advice}"] == [
        each.fill(str(each.spec.next_step)) for each in told
    ]
