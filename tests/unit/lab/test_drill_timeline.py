"""The drill's narration: in the order of what happened, plain unless on a terminal."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

from ipfxlab.drill_timeline import CLIENT, HEADLINE, MAIL, Timeline, wants_colour

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO) -> list[str]:
    """The lines without their times."""
    return [line.split(" s  ", 1)[-1] for line in stream.getvalue().splitlines() if line]


def test_lines_stand_in_the_order_of_what_they_tell() -> None:
    stream = io.StringIO()
    with Timeline(stream) as timeline:
        now_s = time.monotonic()
        timeline.tell(MAIL, "a mail came", now_s + 0.003)
        timeline.tell(HEADLINE, "Act 2", now_s + 0.001)
        timeline.tell(CLIENT, "silence", now_s + 0.002)

    assert ["Act 2", "client    silence", "mail      a mail came"] == told(stream)


def test_what_a_source_has_told_at_the_end_is_still_printed() -> None:
    stream = io.StringIO()
    now_s = time.monotonic()
    news = [[(now_s, "one"), (now_s + 0.001, "two")]]
    with Timeline(stream) as timeline:
        timeline.follow(CLIENT, lambda: news.pop(0) if news else [])

    assert ["client    one", "client    two"] == told(stream)


def test_a_page_comes_after_all_that_was_told_before() -> None:
    stream = io.StringIO()
    with Timeline(stream) as timeline:
        timeline.tell(CLIENT, "calls")
        timeline.page(["the end"])

    assert ["client    calls", "the end"] == told(stream)


def test_a_reader_that_went_away_ends_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    with Timeline(Broken()) as timeline:
        timeline.page(["nobody reads this"])


def test_colour_is_for_terminals_whose_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())

    monkeypatch.setenv("NO_COLOR", "1")

    assert not wants_colour(Terminal())
