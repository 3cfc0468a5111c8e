"""How checks are printed, and the exit code that they end with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.cli.checks import tell
from ipfx_failover.cli.output import Output
from ipfx_failover.errors import ExitCode, Failed, InDoubt, Unreachable
from ipfx_failover.survey.check import Check, failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = ok("Ping", "10.0.0.1 answers")
WARNING = warning("Clock", "is 90 s ahead", "use NTP")
UNREACHABLE = failed("Login", Unreachable("nobody answers", "switch it on"))
FAILED = failed("Space", Failed("no room", "make some"))


@pytest.mark.parametrize(
    ("checks", "code", "verdict"),
    [
        ([OK], ExitCode.DONE, "Test Successful"),
        ([OK, WARNING, WARNING], ExitCode.EXCEPTIONS, "2 warnings"),
        ([WARNING, UNREACHABLE, OK], ExitCode.UNREACHABLE, "1 failed, 1 warning"),
        ([FAILED, UNREACHABLE], ExitCode.FAILED, "2 failed"),
        ([failed("X", InDoubt("a", "b")), FAILED], ExitCode.IN_DOUBT, "2 failed"),
    ],
)
def test_the_gravest_decides_and_the_last_line_counts(
    capsys: pytest.CaptureFixture[str], checks: list[Check], code: ExitCode, verdict: str
) -> None:
    ended = tell(checks, Output(), "DEMO")

    assert code is ended
    assert f"DEMO: {verdict}" == capsys.readouterr().out.splitlines()[-1]


def test_each_check_is_printed_when_it_is_found_with_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = []

    def found() -> Iterator[Check]:
        yield OK
        seen.append(capsys.readouterr().out)
        yield WARNING

    tell(found(), Output(), "DEMO")

    assert ["  ok       Ping: 10.0.0.1 answers\n"] == seen
    assert [
        "  warning  Clock: is 90 s ahead",
        "           -> use NTP",
    ] == capsys.readouterr().out.splitlines()[:2]


def test_the_document_has_all_checks_and_is_not_ok_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell([OK, WARNING], Output(as_json=True), "DEMO", server="DEMO")
    document = json.loads(capsys.readouterr().out)

    assert (False, "DEMO", 2) == (document["ok"], document["server"], len(document["checks"]))
    assert {
        "name": "Clock",
        "level": "warning",
        "message": "is 90 s ahead",
        "hint": "use NTP",
        "exit_code": 6,
    } == document["checks"][1]
