"""What commands print, and how they ask."""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import UTC, datetime

import pytest

from ipfx_failover.cli.output import Output, as_error, report_error, write
from ipfx_failover.errors import Busy, ExitCode, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.state.log import Logged

QUESTION = "DEMO will be taken over."
LOGGED = Logged(
    7,
    Event(EventKind.SERVER_FAILED, datetime(2026, 3, 4, 12, tzinfo=UTC), "DEMO", {"misses": 15}),
)


class Terminal(io.StringIO):
    """Standard input with somebody in front of it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", " YES \n"])
def test_a_yes_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    Output().confirm(QUESTION, yes=False)

    shown = capsys.readouterr()
    assert (f"{QUESTION}\nContinue? [y/N] ", "") == (shown.err, shown.out)


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yesterday\n"])
def test_anything_else_is_a_no(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    with pytest.raises(Refused, match="declined; nothing was done"):
        Output().confirm(QUESTION, yes=False)


@pytest.mark.parametrize("output", [Output(), Output(as_json=True)])
def test_without_a_terminal_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: Output
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    with pytest.raises(Refused) as refused:
        output.confirm(QUESTION, yes=False)
    assert QUESTION in refused.value.message
    assert "--yes" in refused.value.hint
    assert ("", "") == capsys.readouterr()


def test_a_document_is_wanted_from_a_terminal_too_without_a_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))

    with pytest.raises(Refused):
        Output(as_json=True).confirm(QUESTION, yes=False)


def test_with_yes_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    Output().confirm(QUESTION, yes=True)

    assert ("", "") == capsys.readouterr()


def test_a_reader_that_has_gone_away_aborts_nothing_and_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        assert not write(stream, "one")
        write(stream, "two")


def test_what_an_encoding_does_not_have_is_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="")
    write(stream, "DÉMO has failed")

    assert b"D?MO has failed\n" == raw.getvalue()


def test_an_error_is_one_line_and_its_hint_another(capsys: pytest.CaptureFixture[str]) -> None:
    code = report_error(Busy("monitor is in use", "wait for it"), as_json=False)

    shown = capsys.readouterr()
    assert ExitCode.BUSY is code
    assert ("", "error: monitor is in use\n  hint: wait for it\n") == (shown.out, shown.err)


def test_an_error_is_one_document_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    report_error(Busy("monitor is in use", "wait for it"), as_json=True)

    shown = capsys.readouterr()
    assert {
        "schema_version": 1,
        "ok": False,
        "error": {"kind": "busy", "message": "monitor is in use", "hint": "wait for it"},
    } == json.loads(shown.out)
    assert "" == shown.err


def test_what_an_error_lists_stands_before_it_or_in_its_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Listed(Refused):
        details = ("one", "two")

    report_error(Listed("two problems", "correct them"), as_json=False)

    assert ["one", "two", "error: two problems"] == capsys.readouterr().err.splitlines()[:3]
    assert ["one", "two"] == as_error(Listed("two problems", "correct them"))["details"]


def test_with_json_there_is_nothing_but_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.line("a line")
    output.progress("something goes on")
    output.document(name="DEMO")

    assert ('{"schema_version": 1, "ok": true, "name": "DEMO"}\n', "") == capsys.readouterr()


def test_an_event_is_a_line_with_its_time_and_server(capsys: pytest.CaptureFixture[str]) -> None:
    Output().event(LOGGED)

    line = capsys.readouterr().out
    assert line.endswith(".000 Server: DEMO: FAILURE: 15 pings in a row failed\n")


def test_an_event_is_a_document_with_its_place_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(as_json=True).event(LOGGED)

    shown = json.loads(capsys.readouterr().out)
    assert (7, "server_failed", "error", "DEMO") == (
        *(shown["cursor"], shown["kind"]),
        *(shown["level"], shown["server"]),
    )
