"""What is printed fits on a terminal of 80 columns; a script has one line for each."""

from __future__ import annotations

import io
import sys

import pytest

from ipfx_failover.cli.layout import table, wrapped
from ipfx_failover.cli.output import Output, report_error
from ipfx_failover.errors import Refused

NAME = "AUCKLAND-HEADQUARTERS-CALL-CENTRE-NORTH-WING-1"
ROWS = (
    ("SERVER", "ADDRESS", "STATUS", "FILES OF"),
    (NAME, "192.168.111.101", "REPLICATING", "11:59:30"),
    ("B", "10.0.0.1", "OK", "-"),
)
STEP = f"  see that nobody uses /var/lib/ipfx-failover/servers/{NAME}/VM/DB/{NAME}_CTSERVER.db here"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_table_that_fits_is_one_line_a_row() -> None:
    assert [
        f"{'SERVER':<46}  ADDRESS          STATUS       FILES OF",
        f"{NAME}  192.168.111.101  REPLICATING  11:59:30",
        f"{'B':<46}  10.0.0.1         OK           -",
    ] == [*table(ROWS, 100)]


def test_columns_that_do_not_fit_stand_below_their_rows() -> None:
    assert [
        f"{'SERVER':<46}  ADDRESS          STATUS",
        f"{NAME}  192.168.111.101  REPLICATING",
        "    files of: 11:59:30",
        f"{'B':<46}  10.0.0.1         OK",
        "    files of: -",
    ] == [*table(ROWS, 80)]


def test_a_long_line_keeps_its_indent_and_its_words() -> None:
    lines = wrapped(STEP, 80)

    assert STEP.split() == " ".join(lines).split()
    assert ["  see that nobody uses", "    here"] == [lines[0], lines[-1]]


@pytest.mark.parametrize(("stream", "expected"), [(Terminal(), 3), (io.StringIO(), 1)])
def test_on_a_terminal_alone_a_line_is_broken(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, expected: int
) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
        stream.truncate(0)
        stream.seek(0)
        getattr(Output(), {"stdout": "line", "stderr": "progress"}[name])(STEP)

        assert expected == stream.getvalue().count("\n")


def test_what_may_be_copied_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    Output().as_it_is(STEP)

    assert f"{STEP}\n" == stream.getvalue()


def test_the_command_of_a_hint_stands_whole_on_its_own_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    command = "ipfx-failover replicate-from-live AUCKLAND-CALL-CENTRE --discard-standby"
    report_error(Refused("the copy is out of date", f"bring it up: {command}"), as_json=False)

    assert [
        "error: the copy is out of date",
        "  hint: bring it up:",
        f"    {command}",
    ] == stream.getvalue().splitlines()
