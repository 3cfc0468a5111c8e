"""The acts of the drill: what is done to the machines, and what must come of it."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfxlab.drill_config import DETECTION_WINDOW_S, FAILOVER_COUNT, PING_INTERVAL_MS, SERVER
from ipfxlab.drill_figures import Figures, astray, losses, phases_of
from ipfxlab.drill_stage import CALLS_PER_S, Stage, expect
from ipfxlab.drill_timeline import HEADLINE
from ipfxlab.pinging import Pinging

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ipfxlab.drill_monitor import Happened
    from ipfxlab.phone import PhoneClient, Verification
    from ipfxlab.process import LabProcess

STAND_IN = "FAILOVER"
ANNOUNCEMENTS = 20


class Drill:
    """The acts in their order; each leaves in `figures` what it measured.

    `application`: the one on the Primary; `client`: who calls it all the time.
    """

    def __init__(self, stage: Stage, application: LabProcess, client: PhoneClient) -> None:
        self.stage = stage
        self.application = application
        self.client = client
        self.figures = Figures(DETECTION_WINDOW_S, stage.engine.name)

    def play(self) -> Figures:
        """Plays acts 1 to 4 and the encore; what was measured.

        Raises:
            Failed: something did not happen as it should; the message says what.
        """
        copied_s = self._copy_and_watch()
        self._fail()
        standing_in = self._return_while_standing_in()
        given_back = self._fail_back()
        ended_s = time.monotonic()
        self._return_without_guard(given_back)
        record = self.client.stop()
        calls = [call for call in record["calls"] if call["monotonic_s"] < ended_s]
        figures = self.figures
        figures.phases = phases_of(calls)
        figures.loss = losses(standing_in, given_back, calls)
        figures.copy_age_s = calls[figures.phases[0].rows - 1]["monotonic_s"] - copied_s
        if not figures.hot:
            figures.rows_in_safety_backup = self._rows_kept(given_back.calls_missing)
        figures.without_guard.count(astray(record, ended_s, STAND_IN))
        self._count_mail_and_time()
        return figures

    def _copy_and_watch(self) -> float:
        """Act 1; when the copy was begun, in seconds."""
        stage = self.stage
        self.client.wait_for_event("answered", host=SERVER)
        self.client.wait_for_voicemail(3)
        copied_s = time.monotonic()
        stage.engine.make_copy(stage)
        stage.start_monitor()
        stage.monitor.wait_for("server_answering")
        stage.monitor.wait_for("files_synced")
        self._follow_a_voicemail()
        self.figures.hot = stage.engine.see_it_followed(stage)
        stage.cli("status")
        return copied_s

    def _follow_a_voicemail(self) -> None:
        """One message, from the client's telephone to the Failover Server's disk."""
        stage, vm_dir = self.stage, self.stage.primary.vm_dir
        self.client.wait_for_voicemail()
        left_s = time.monotonic()
        newest = max(_recordings(vm_dir), key=lambda path: path.name).relative_to(vm_dir)
        copy = stage.standby.directory / "VM" / newest
        stage.wait_until(copy.exists, f"the voicemail {newest} is on the Failover Server")
        taken_s = time.monotonic() - left_s
        stage.say(f"a new voicemail, {newest}, is on the Failover Server {taken_s:.2f} s later")

    def _fail(self) -> None:
        """Act 2."""
        stage, figures = self.stage, self.figures
        headline(stage, "Act 2: the Primary's cable is pulled")
        pinging = Pinging(stage.lab.client, stage.primary.address)
        stage.pause(0.5, 1.5)
        stage.engine.fall_silent(stage, self.client)
        figures.outage_s, decided, standing = self._let_it_take_over()
        gap = pinging.stop().longest_gap
        if gap is None:
            raise Failed("the client's pings were never interrupted", "see the time line above")
        figures.takeover_overhead_ms = (gap.first_answer_ns / 1e9 - decided.at_s) * 1000
        figures.application_ready_ms = (standing.at_s - decided.at_s) * 1000
        stage.lab.mail.wait_for_mail("failover is near")
        stage.lab.mail.wait_for_mail("has taken over")
        stage.cli("status")

    def _let_it_take_over(self) -> tuple[float, Happened, Happened]:
        """Pulls the cable; the client's outage (s), the decision, and the end of the takeover."""
        stage, monitor = self.stage, self.stage.monitor
        since, calls = monitor.mark(), len(self.client.events)
        stage.lab.network.pull_cable(stage.primary.host)
        stage.say(
            f"the cable of {SERVER} is pulled; {FAILOVER_COUNT} unanswered pings in a row, one "
            f"each {PING_INTERVAL_MS} ms, make a failure"
        )
        self.client.go_on()
        monitor.wait_for("server_suspect", since=since)
        monitor.wait_for("warning_count_reached", since=since)
        decided = monitor.wait_for("server_failed", since=since)
        monitor.wait_for("address_taken", since=since)
        answered = self.client.wait_for_event("answered", since=calls, host=STAND_IN)
        standing = monitor.wait_for("stand_in_started", since=since)
        return float(answered["outage_s"]), decided, standing

    def _return_while_standing_in(self) -> Verification:
        """Act 3; what the stand-in knew."""
        stage = self.stage
        headline(stage, "Act 3: more calls; the Primary comes back while we hold its address")
        calls, since, guarded = (
            len(self.client.events),
            stage.monitor.mark(),
            len(stage.guard.lines),
        )
        self.client.wait_for_voicemail(3)
        standing_in = self.client.verify()
        if hot := self.figures.hot:
            hot.paths, hot.paths_elsewhere = standing_in.paths, standing_in.paths_elsewhere
        stage.lab.network.plug_cable(stage.primary.host)
        stage.say(f"the cable of {SERVER} is plugged in again; its guard asks before it speaks")
        stage.guard.wait_for_line("is used by", since=guarded)
        stage.monitor.wait_for("primary_returned", since=since)
        stage.lab.mail.wait_for_mail("has been reset")
        self.client.wait_for_voicemail(6)
        hosts = {event["host"] for event in self.client.events[calls:] if "host" in event}
        expect(hosts == {STAND_IN}, f"the client was answered by {' and '.join(sorted(hosts))}")
        stage.say(f"for the client nothing has changed: {STAND_IN} answers, nobody else has")
        return standing_in

    def _fail_back(self) -> Verification:
        """Act 4; what the Primary knows in the end."""
        stage = self.stage
        headline(stage, "Act 4: failback, as the manual has it")
        stage.operator(f"stops the application on {SERVER}: it still runs, on the old data")
        self.application.stop()
        calls, since = len(self.client.events), stage.monitor.mark()
        stage.cli("stop-failover", SERVER, "--yes")
        self._restart_primary()
        stage.cli("replicate-to-live", SERVER, "--yes")
        stage.operator(f"starts the application on {SERVER}")
        self.application = stage.primary.start_application()
        answered = self.client.wait_for_event("answered", since=calls, host=SERVER)
        self.figures.failback_outage_s = float(answered["outage_s"])
        # After a restart that took longer than the detection window it has been reset.
        stage.monitor.wait_for("server_answering", "server_reset", since=since)
        self.client.wait_for_voicemail(6)
        given_back = self.client.verify()
        expect(given_back.host == SERVER, f"the client is served by {given_back.host}")
        stage.engine.after_failback(stage)
        stage.cli("status")
        self.figures.status_after = self._status()
        return given_back

    def _restart_primary(self) -> None:
        stage = self.stage
        stage.operator(f"restarts {SERVER}; SSH and the guard start by themselves")
        stage.forget_guard()
        stage.lab.restart(stage.primary)
        stage.follow_guard()
        stage.primary.wait_for_address()

    def _status(self) -> str:
        document = json.loads(self.stage.cli("status", "--json")[-1])
        status = str(document["servers"][0]["status"])
        expect(status == "OK", f"after the failback the status of {SERVER} is {status}")
        return status

    def _return_without_guard(self, before: Verification) -> None:
        """Act 3 in its second variant: a Primary that speaks up at once."""
        stage, primary = self.stage, self.stage.primary
        headline(stage, "Encore: act 3 once more, without a guard on the Primary")
        stage.guard.stop()
        self.figures.without_guard.outage_s, _, _ = self._let_it_take_over()
        self.client.wait_for_voicemail(2)
        if self.figures.hot:
            missing = set(self.client.verify().calls_missing) - set(before.calls_missing)
            self.figures.hot.rows_lost_amid_calls = len(missing)
        since = stage.monitor.mark()
        stage.lab.network.plug_cable(primary.host)
        stage.say(
            f"the cable is plugged in again; {SERVER} has its address at once, and tells everybody "
            f"{ANNOUNCEMENTS} times"
        )
        for _ in range(ANNOUNCEMENTS):
            primary.host.announce(primary.address)
            stage.pause(0.02, 0.06)
        self.figures.without_guard.announcements = ANNOUNCEMENTS
        stage.monitor.wait_for("address_conflict", since=since)
        stage.lab.mail.wait_for_mail("uses the address")
        self.client.wait_for_voicemail(4)

    def _rows_kept(self, missing_keys: Sequence[str]) -> int:
        """How many of these rows are in the safety backup that the failback left on the Primary."""
        database = self.stage.primary.database
        backup = max(database.parent.glob(f"{database.name}.before-*"))
        with closing(sqlite3.connect(f"file:{backup}?mode=ro&immutable=1", uri=True)) as connection:
            known = {row[0] for row in connection.execute("SELECT key FROM calls")}
        return len(known.intersection(missing_keys))

    def _count_mail_and_time(self) -> None:
        figures = self.figures
        figures.mails = [mail.subject for mail in self.stage.lab.mail.mails]
        figures.without_guard.conflict_mails = sum(
            "uses the address" in subject for subject in figures.mails
        )
        figures.command_s = self.stage.command_s
        figures.duration_s = self.stage.timeline.elapsed_s


def begin(stage: Stage) -> Drill:
    """The beginning of act 1: the Primary does its work, and a client calls."""
    headline(stage, "Act 1: the copy is made and kept fresh, while the client calls")
    stage.say(f"{SERVER} starts its application, at {stage.primary.address}")
    application = stage.primary.start_application()
    stage.say(f"a client calls it {CALLS_PER_S:.0f} times a second, from now on all the time")
    return Drill(stage, application, stage.start_client())


def headline(stage: Stage, title: str) -> None:
    stage.timeline.tell(HEADLINE, title)


def check(figures: Figures) -> None:
    """Sees that nothing was lost but what a standby of its kind loses.

    Raises:
        Failed: something was.
    """
    loss, seen = figures.loss, figures.without_guard
    hosts = [phase.host for phase in figures.phases]
    expect(hosts == [SERVER, STAND_IN, SERVER], f"the client was answered by {', '.join(hosts)}")
    expect(loss.voicemail == 0, f"{loss.voicemail} voicemails are lost")
    expect(loss.rows_at_failback == 0, f"{loss.rows_at_failback} rows were lost at the failback")
    lost = loss.rows_to_window
    if figures.hot:
        expect(lost == 0, f"{lost} rows are lost, although all had followed")
        expect(figures.hot.paths_elsewhere == 0, "there are paths that were not converted")
    expect(
        figures.rows_in_safety_backup == lost,
        f"of {lost} rows that are lost, the safety backup has {figures.rows_in_safety_backup}",
    )
    expect(
        seen.calls_answered_by_stand_in > 9 * seen.calls_answered_by_primary,
        f"{seen.calls_answered_by_primary} calls went astray to the Primary",
    )


def _recordings(vm_dir: Path) -> list[Path]:
    return [path for folder in ("Mail", "Extn") for path in (vm_dir / folder).rglob("*.wav")]
