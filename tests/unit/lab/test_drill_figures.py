"""The drill's arithmetic: what was lost, when, and who answered."""

from __future__ import annotations

from typing import Any

from ipfxlab.drill_figures import Astray, Figures, Hot, Loss, Phase, astray, losses, phases_of
from ipfxlab.phone import Verification


def call(number: int, host: str, *, voicemail: bool = False) -> dict[str, Any]:
    key = f"call-{number:06d}"
    name = f"Mail/100/{key}.wav" if voicemail else ""
    return {"key": key, "host": host, "monotonic_s": float(number), "voicemail": name}


def knows(*, rows: tuple[int, ...] = (), voicemail: tuple[int, ...] = ()) -> Verification:
    """What a server said, by the numbers of the calls that it lacks."""
    return Verification(
        host="",
        calls_acknowledged=0,
        calls_missing=[call(number, "")["key"] for number in rows],
        voicemail_acknowledged=0,
        voicemail_missing=[call(number, "", voicemail=True)["voicemail"] for number in voicemail],
        calls_known=0,
        voicemail_known=0,
    )


def test_a_phase_ends_where_another_host_begins_to_answer() -> None:
    calls = [call(1, "A"), call(2, "A", voicemail=True), call(3, "B"), call(4, "A")]

    assert [Phase("A", 2, 1), Phase("B", 1, 0), Phase("A", 1, 0)] == phases_of(calls)


def test_what_the_stand_in_never_had_is_lost_to_the_warm_window() -> None:
    loss = losses(knows(rows=(3, 4)), knows(rows=(3, 4)), [])

    assert Loss(rows_to_window=2) == loss


def test_what_is_missing_only_in_the_end_was_lost_at_the_failback() -> None:
    loss = losses(knows(rows=(3,)), knows(rows=(3, 7)), [])

    assert Loss(rows_to_window=1, rows_at_failback=1) == loss


def test_a_voicemail_that_comes_back_with_the_primarys_disk_is_late_and_not_lost() -> None:
    loss = losses(knows(voicemail=(5, 6)), knows(voicemail=(6,)), [])

    assert Loss(voicemail=1, voicemail_late=1) == loss


def test_a_voicemail_whose_call_is_lost_is_told() -> None:
    calls = [call(3, "A"), call(4, "A", voicemail=True)]

    loss = losses(knows(rows=(3, 4)), knows(rows=(3, 4)), calls)

    assert Loss(rows_to_window=2, voicemail_without_row=1) == loss


def test_calls_go_astray_from_the_stand_ins_first_answer_on() -> None:
    calls = [call(1, "B"), call(2, "A"), call(5, "B"), call(6, "A"), call(8, "B")]
    record = {"calls": calls, "unanswered": ["call-000003", "call-000004", "call-000007"]}

    assert Astray(stand_in=2, primary=1, nobody=1) == astray(record, 2.0, "B")


def test_the_json_object_has_what_is_promised() -> None:
    figures = Figures(3.2, phases=[Phase("A", 1, 1), Phase("B", 2, 1), Phase("A", 3, 1)])
    promised = (
        "detection_window_s, outage_s, takeover_overhead_ms, rows_lost_to_warm_window, "
        "voicemail_lost, rows_lost_at_failback, mails, status_after"
    )

    assert set(promised.split(", ")) <= set(figures.as_json())


def test_rows_that_a_hot_copy_lacks_are_not_counted_as_lost_to_the_warm_window() -> None:
    phases = [Phase("A", 1, 1), Phase("B", 2, 1), Phase("A", 3, 1)]
    told = Figures(3.2, "sqlserver", Hot(), phases=phases, loss=Loss(rows_to_window=2)).as_json()

    assert (0, 2) == (told["rows_lost_to_warm_window"], told["rows_lost_to_hot_window"])
    assert told["simulated"]
