"""The report: one file that needs nothing else, and believes no name."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ipfx_failover.history.page import page
from tests.unit.history.past import history

EVIL = "<script>alert(1)</script>\"'&"


class Reader(HTMLParser):
    """What tags and texts a page has; complains of tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_tag_is_closed_and_each_section_is_there() -> None:
    read = Reader(page(history()))

    assert [] == read.open
    assert 2 == read.tags.count("svg")
    assert [
        "Availability",
        "Time line",
        "Failovers",
        "Pings to DEMO",
        "Replications: 2, 1 failed",
        "File syncs that changed something",
    ] == re.findall(r"<h2>(.*?)</h2>", page(history()))


def test_it_has_the_figures() -> None:
    text = " ".join(Reader(page(history())).texts)

    for figure in ("83.33 %", "60 %", "31.4 s", "48 min", "given back", "3 MiB", "1 min 1 s"):
        assert figure in text
    assert "no <route>" in text


def test_a_name_is_never_markup() -> None:
    read = Reader(page(history(EVIL)))

    assert "script" not in read.tags
    assert [] == [name for name, _ in read.attributes if name.startswith("on")]
    assert any(EVIL in text for text in read.texts)


def test_it_needs_no_network() -> None:
    text = page(history())

    assert "default-src 'none'" in text
    assert [] == re.findall(r"https?://|\ssrc=|\shref=|url\(|@import", text)


def test_it_is_for_paper_darkness_and_phones() -> None:
    text = page(history())

    for wanted in ("@media print", "prefers-color-scheme: dark", 'name="viewport"'):
        assert wanted in text


def test_the_time_line_shows_what_was_not_known() -> None:
    bands = re.findall(r'<rect class="(\w+)" x="([\d.]+)" .*?width="([\d.]+)"', page(history()))
    states = [kind for kind, _, _ in bands if kind != "lost"]

    assert ["up", "down", "standin", "up", "unknown", "unknown"] == states
