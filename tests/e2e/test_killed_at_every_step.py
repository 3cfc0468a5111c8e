"""kill -9 at every step of every piece of work: the same command goes on, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Authority
from ipfx_failover.replication import steps as replicating
from ipfx_failover.standin import address_steps
from ipfx_failover.standin import steps as standing
from tests.support.killed import Moment

if TYPE_CHECKING:
    from pathlib import Path

    from ipfxlab.lab import Primary

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

TAKE_OVER = (
    standing.CLAIM,
    address_steps.TAKE_ADDRESS,
    address_steps.VERIFY_ADDRESS,
    standing.EVICT,
    standing.START_APPLICATION,
)
STAND_DOWN = (
    standing.END_UPKEEP,
    standing.STOP_APPLICATION,
    standing.RELEASE_ADDRESS,
    standing.GIVE_UP,
)
DISCARD = (standing.END_UPKEEP, standing.STOP_APPLICATION, standing.SET_ASIDE, standing.GIVE_UP)
FROM_LIVE = (
    replicating.MAKE_ROOM,
    replicating.BACK_UP,
    replicating.CARRY,
    replicating.VERIFY,
    replicating.CLOSE_DOWN,
    replicating.SWAP,
    replicating.TIDY,
)
TO_LIVE = (
    replicating.MAKE_ROOM,
    replicating.CLOSE_DOWN,
    replicating.BACK_UP,
    replicating.BACK_UP,
    replicating.CARRY,
    replicating.VERIFY,
    replicating.SYNC_FILES,
    replicating.CLOSE_DOWN,
    replicating.SWAP,
    replicating.TIDY,
)
BEFORE_DONE = (Moment.BEGUN, Moment.ACTED)
VOICEMAIL = "Mail/100/three.wav"


def every(steps: tuple[str, ...], *, since: str | None = None) -> pytest.MarkDecorator:
    """Each step, or each from the first of kind `since` on: begun, acted, and the last one done.

    A step that is done is where the next one begins.
    """
    first, last = steps.index(since) if since else 0, len(steps) - 1
    moments = [(n, moment) for n in range(first, len(steps)) for moment in BEFORE_DONE]
    points = [
        pytest.param(position, moment, id=f"{position} {steps[position]}, {moment}")
        for position, moment in [*moments, (last, Moment.DONE)]
    ]
    return pytest.mark.parametrize(("position", "moment"), points)


def databases(primary: Primary) -> list[str]:
    """The names of the files beside the Primary's database, and its own."""
    return names(primary.database.parent)


def names(directory: Path) -> list[str]:
    """What lies in a directory, without what SQLite keeps beside a database in use."""
    found = [path.name for path in directory.iterdir()]
    return sorted(name for name in found if not name.endswith(("-wal", "-shm")))


@every(TAKE_OVER)
def test_the_next_monitor_goes_on_with_a_takeover(
    ready: FailoverServer, office: Office, position: int, moment: Moment
) -> None:
    office.pull_cable(office.primary.host)
    ready.killed_at("take over", position, moment, TAKE_OVER)
    ready.monitor()
    ready.wait_for_event("stand_in_started")

    assert ready.kinds("takeover_failed") == []
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert office.served_by(office.primary.address) == "FAILOVER"
    assert len(ready.applications) == 1
    assert ready.rows() == ["one", "two"]
    assert ready.is_ahead
    assert ready.unfinished == []


@pytest.mark.parametrize("assume_ip", [True, False])
@pytest.mark.parametrize("moment", [Moment.DONE])
def test_a_takeover_that_nobody_has_seen_yet_is_undone_when_the_primary_is_back(
    ready: FailoverServer, office: Office, moment: Moment, *, assume_ip: bool
) -> None:
    ready.configure_server(assume_ip=assume_ip)
    office.pull_cable(office.primary.host)
    ready.killed_at("take over", 0, moment, TAKE_OVER)
    office.plug_cable(office.primary.host)
    ready.watching_monitor()
    ready.wait_until_finished()
    ready.wait_for_rounds()

    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert ready.kinds("address_taken", "stand_in_started") == []
    assert ready.applications == []
    assert ready.stand_in is None
    assert not ready.is_ahead


@every(STAND_DOWN)
def test_the_same_command_goes_on_with_giving_a_role_back(
    ready: FailoverServer, office: Office, position: int, moment: Moment
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    assert office.ask(office.primary.address, "CALL three 100") is not None
    ready.killed_at("stand down", position, moment, STAND_DOWN)
    ready.run("stop-failover", "DEMOSERVER", "--yes")

    assert office.owners(office.primary.address) == []
    assert ready.applications == []
    assert ready.rows() == ["one", "two", "three"]
    assert ready.is_ahead
    assert ready.server().failback_pending
    assert ready.stand_in is None
    assert ready.kinds("stand_in_stopped") == ["stand_in_stopped"]
    assert ready.unfinished == []


@every(DISCARD, since=standing.SET_ASIDE)
def test_the_next_monitor_goes_on_with_giving_a_role_back_by_itself(
    ready: FailoverServer, office: Office, position: int, moment: Moment
) -> None:
    ready.configure_server(assume_ip=False, auto_stop_failover=True)
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes")
    assert office.ask("192.168.11.2", "CALL three 100") is not None
    ready.killed_at("discard", position, moment, DISCARD)
    office.plug_cable(office.primary.host)
    ready.monitor()
    stopped = ready.wait_for_event("auto_stopped")
    ready.wait_until_finished()

    assert ready.kept(str(stopped.data["kept"])) == ["one", "two", "three"]
    assert ready.applications == []
    assert not ready.is_ahead
    assert ready.server().stale
    assert ready.kinds("auto_stopped") == ["auto_stopped"]


def is_replicated(failover: FailoverServer, office: Office, *more: str) -> None:
    """The copy has these calls, too, and nothing else is left anywhere."""
    assert failover.rows() == ["one", "two", *more]
    assert names(failover.database.parent) == [failover.database.name]
    assert databases(office.primary) == [office.primary.database.name]
    assert failover.server().authority is Authority.LIVE
    assert failover.unfinished == []


@pytest.mark.parametrize("moment", BEFORE_DONE)
def test_a_replication_that_is_killed_one_step_later_each_time_ends_with_a_fresh_copy(
    ready: FailoverServer, office: Office, moment: Moment
) -> None:
    office.add_calls(office.primary, "three")
    for position in range(FROM_LIVE.index(replicating.SWAP)):
        ready.killed_at("from live", position, moment, FROM_LIVE)

        assert ready.rows() == ["one", "two"]

    ready.replicate()
    is_replicated(ready, office, "three")


@every(FROM_LIVE, since=replicating.SWAP)
def test_a_replication_that_is_killed_at_the_exchange_or_behind_it_is_followed_by_a_fresh_one(
    ready: FailoverServer, office: Office, position: int, moment: Moment
) -> None:
    office.add_calls(office.primary, "three")
    ready.killed_at("from live", position, moment, FROM_LIVE)

    assert ready.rows() in (["one", "two"], ["one", "two", "three"])

    office.add_calls(office.primary, "four")
    ready.replicate()
    is_replicated(ready, office, "three", "four")


@pytest.mark.parametrize("moment", Moment)
def test_a_primary_that_dies_during_the_swap_is_taken_over_with_a_whole_copy(
    ready: FailoverServer, office: Office, moment: Moment
) -> None:
    office.add_calls(office.primary, "three")
    ready.killed_at("from live", FROM_LIVE.index(replicating.SWAP), moment, FROM_LIVE)
    office.pull_cable(office.primary.host)
    ready.monitor()
    ready.wait_for_event("stand_in_started")
    known = office.ask(office.primary.address, "LIST")

    assert known is not None
    assert known[0]["calls"] in (["one", "two"], ["one", "two", "three"])
    assert names(ready.database.parent) == [ready.database.name]


def is_given_back(failover: FailoverServer, office: Office) -> None:
    """All that was recorded is on the Primary, once, and nothing else is left anywhere."""
    safety = [name for name in databases(office.primary) if ".before-" in name]

    assert office.rows(office.primary) == ["one", "two", "three"]
    assert (office.primary.vm_dir / VOICEMAIL).read_bytes() == b"recorded"
    assert databases(office.primary) == sorted([office.primary.database.name, *safety])
    assert len(safety) == 1
    assert names(failover.database.parent) == [failover.database.name]
    assert failover.server().authority is Authority.LIVE
    assert not failover.server().failback_pending
    assert failover.unfinished == []


@pytest.mark.parametrize("moment", BEFORE_DONE)
def test_a_failback_that_is_killed_one_step_later_each_time_brings_everything_to_live(
    ready: FailoverServer, office: Office, moment: Moment
) -> None:
    ready.with_files()
    ready.has_stood_in("three", voicemail=VOICEMAIL)
    for position in range(TO_LIVE.index(replicating.SWAP)):
        ready.killed_at("to live", position, moment, TO_LIVE)

        assert office.rows(office.primary) == ["one", "two"]
        assert ready.rows() == ["one", "two", "three"]
        assert ready.is_ahead

    ready.run("replicate-to-live", "DEMOSERVER", "--yes")
    is_given_back(ready, office)


@every(TO_LIVE, since=replicating.SWAP)
def test_a_failback_that_is_killed_at_the_exchange_or_behind_it_is_finished(
    ready: FailoverServer, office: Office, position: int, moment: Moment
) -> None:
    ready.with_files()
    ready.has_stood_in("three", voicemail=VOICEMAIL)
    ready.killed_at("to live", position, moment, TO_LIVE)

    assert office.rows(office.primary) in (["one", "two"], ["one", "two", "three"])
    assert ready.rows() == ["one", "two", "three"]
    assert ready.is_ahead

    ready.run("replicate-to-live", "DEMOSERVER", "--yes")
    is_given_back(ready, office)


@pytest.mark.parametrize("moment", [Moment.ACTED, Moment.DONE])
def test_what_the_primary_records_after_the_swap_stays_when_a_killed_failback_is_finished(
    ready: FailoverServer, office: Office, moment: Moment
) -> None:
    ready.with_files()
    ready.has_stood_in("three", voicemail=VOICEMAIL)
    ready.killed_at("to live", TO_LIVE.index(replicating.SWAP), moment, TO_LIVE)
    office.add_calls(office.primary, "four")
    ready.run("replicate-to-live", "DEMOSERVER", "--yes")

    assert office.rows(office.primary) == ["one", "two", "three", "four"]
    assert not ready.is_ahead
