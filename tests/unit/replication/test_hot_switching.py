"""What `hot disable` switches off on a live server, and what it leaves on."""

from __future__ import annotations

from ipfx_failover.replication.rows.decisions import Tracked
from ipfx_failover.replication.rows.schema import Choice, ForeignKey, torn
from ipfx_failover.replication.rows.switching import Setup, left_on, read_tracked, to_disable
from ipfx_failover.replication.sqlserver.watermark import Beginning
from ipfx_failover.replication.tsql import tables, tracking
from ipfx_failover.replication.tsql.tables import Table
from tests.fakes.sql_server import ScriptedServer
from tests.support.golden import check_golden

CALLS = Table("dbo", "calls", (), ("id",))
KEPT = Tracked(Beginning(0, "7 then"), 0)
OFF = "ALTER DATABASE [CT] SET CHANGE_TRACKING = OFF"
NO_SNAPSHOTS = "ALTER DATABASE [CT] SET ALLOW_SNAPSHOT_ISOLATION OFF"


def setup(*tracked: str, has_snapshots: bool = True) -> Setup:
    """Rows of `calls` are followed; these tables of dbo are tracked."""
    found = {("dbo", each): KEPT for each in tracked}
    choice = Choice((CALLS,), {})
    return Setup(has_snapshots, "7 days", is_short=False, choice=choice, tracked=found)


def test_snapshots_stay_on_for_others_may_read_them() -> None:
    ours = setup("calls")

    assert ["ALTER TABLE [dbo].[calls] DISABLE CHANGE_TRACKING", OFF] == to_disable("CT", ours)
    assert [NO_SNAPSHOTS] == left_on("CT", ours)


def test_what_is_tracked_for_others_stays_tracked() -> None:
    theirs = setup("calls", "theirs", has_snapshots=False)

    assert ["ALTER TABLE [dbo].[calls] DISABLE CHANGE_TRACKING"] == to_disable("CT", theirs)
    assert ["ALTER TABLE [dbo].[theirs] DISABLE CHANGE_TRACKING", OFF] == left_on("CT", theirs)


def test_a_foreign_key_of_which_one_end_is_not_followed_is_told_with_both_tables() -> None:
    calls, logs, more = (("dbo", name) for name in ("calls", "logs", "more"))
    keys = [
        ForeignKey("within", calls, calls),
        ForeignKey("out", calls, logs),
        ForeignKey("in", logs, calls),
        ForeignKey("elsewhere", logs, more),
    ]
    found = [words.partition(" is followed")[0] for words in torn(Choice((CALLS,), {}), keys)]

    assert [
        "out: dbo.calls refers to dbo.logs, and only calls",
        "in: dbo.logs refers to dbo.calls, and only calls",
    ] == found


def test_foreign_keys_are_asked_for_so() -> None:
    check_golden("foreign-keys", [tables.foreign_keys()])


def test_a_history_whose_lowest_version_the_server_does_not_tell_is_none() -> None:
    told = [("dbo", "calls", 3, "7 then", 5), ("dbo", "logs", 3, "8 then", None)]
    live = ScriptedServer("DEMOSERVER", {tracking.tracked_tables(): told})
    with live.open() as session:
        found = read_tracked(session)

    assert {("dbo", "calls"): Tracked(Beginning(3, "7 then"), 5)} == found
