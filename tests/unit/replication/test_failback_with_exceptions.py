"""A failback whose files do not all go: the database is given back, and the rest is listed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed, Interrupted
from ipfx_failover.files.listing import Skipped
from ipfx_failover.records import Authority
from ipfx_failover.replication.facts import exceptions_of
from tests.support.replication import DEMO, NOTHING_SYNCED, Copies, set_text, text_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.files.values import SyncResult

WITHHELD = replace(
    NOTHING_SYNCED,
    withheld="2 of 4 files would be deleted",
    withheld_deletions=("Mail/1", "Mail/2"),
)
FAILED = replace(NOTHING_SYNCED, copied=3, failed=(Skipped("Mail/3", "cannot be written"),))


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    with closing(Copies(tmp_path)) as made:
        made.replicator().from_live()
        set_text(made.standby, "recorded")
        made.is_ahead()
        yield made


@pytest.mark.parametrize("synced", [WITHHELD, FAILED], ids=["withheld", "failed"])
def test_the_database_is_given_back_and_the_live_side_counts_again(
    copies: Copies, synced: SyncResult
) -> None:
    copies.synced = synced
    copies.replicator().to_live(application_answers=False)
    state = copies.store.server(DEMO)

    assert text_in(copies.live) == "recorded"
    assert (state.authority, state.failback_pending) == (Authority.LIVE, False)
    assert copies.events("replicated")[-1].data["outcome"] == "exceptions"
    assert "its files but for" in copies.events("replicated")[-1].text


def test_withheld_deletions_are_listed_with_what_becomes_of_them(copies: Copies) -> None:
    copies.synced = WITHHELD
    facts = copies.replicator().to_live(application_answers=False)
    left = exceptions_of(DEMO, facts)

    assert left is not None
    assert left.exit_code == 6
    assert left.message == "the database of DEMO is given back, and its files but for 2"
    assert left.hint.startswith("delete on DEMO what was meant to go")
    assert left.details == (
        "Mail/1: deleted here, left on DEMO",
        "Mail/2: deleted here, left on DEMO",
    )


def test_files_that_could_not_be_brought_are_listed_with_how_to_bring_them(
    copies: Copies,
) -> None:
    copies.synced = FAILED
    facts = copies.replicator().to_live(application_answers=False)
    left = exceptions_of(DEMO, facts)

    assert left is not None
    assert left.details == ("Mail/3: cannot be written",)
    assert "ipfx-failover sync-files DEMO --to-live" in left.hint
    assert copies.events("failback_completed")[0].text.endswith("recorded, but for 1 of its files")


def test_a_failback_that_left_nothing_out_has_no_exceptions(copies: Copies) -> None:
    facts = copies.replicator().to_live(application_answers=False)

    assert exceptions_of(DEMO, facts) is None
    assert copies.events("replicated")[-1].data["outcome"] == "done"


def test_what_cannot_be_removed_is_listed_with_where_it_is_and_who_removes_it(
    copies: Copies,
) -> None:
    copies.dropping[".previous"] = Failed("it is in use (3702)", "try again")
    facts = copies.replicator().to_live(application_answers=False)
    left = exceptions_of(DEMO, facts)

    previous = copies.live.parent / "DEMO_CTSERVER.run-1.previous"
    assert left is not None
    assert (6, False) == (left.exit_code, left.was_interrupted)
    assert "the database of DEMO is replicated, but 1 leftover was not removed" == left.message
    assert "ipfx-failover replicate-from-live DEMO removes what is left" == left.hint
    assert (f"{previous} on the Failover Server: it is in use (3702)",) == left.details
    assert previous.exists()
    assert copies.events("replicated")[-1].data["outcome"] == "exceptions"


@pytest.mark.parametrize(
    ("direction", "at", "count"),
    [
        ("to live", ".previous", 1),
        ("from live", ".previous", 2),
        ("from live", ".bak", 1),
    ],
)
def test_an_interrupt_while_tidying_up_undoes_nothing_and_is_told(
    copies: Copies, direction: str, at: str, count: int
) -> None:
    """What is on the live server is waited for last."""
    copies.dropping[at] = Interrupted("interrupted (SIGINT)", "again")
    replicator = copies.replicator()
    if direction == "from live":
        with copies.store.transaction() as tx:
            tx.set_authority(DEMO, Authority.LIVE)
        facts = replicator.from_live()
    else:
        facts = replicator.to_live(application_answers=False)
    left = exceptions_of(DEMO, facts)

    assert left is not None
    assert left.was_interrupted
    assert count == len(left.details)
    assert {"it was interrupted"} == {each.rpartition(": ")[2] for each in left.details}


def test_the_next_replication_from_live_removes_what_a_failback_left_there(
    copies: Copies,
) -> None:
    database = copies.server.database
    assert database is not None
    with_vm_dir = database.model_copy(update={"vm_dir": str(copies.directory / "VM")})
    copies.server = copies.server.model_copy(update={"database": with_vm_dir})
    copies.dropping[".previous"] = Failed("it is in use", "try again")
    copies.replicator().to_live(application_answers=False)
    copies.dropping.clear()
    copies.replicator().from_live()

    assert [] == [each for each in copies.live.parent.rglob("*") if ".run-" in each.name]
