"""The screen on a terminal that knows only ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.screen.view import ICONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.driver import Driver

_LINES = {**dict.fromkeys("─━", "-"), **dict.fromkeys("│┃", "|")}
_CORNERS = dict.fromkeys(map(chr, range(0x2500, 0x2580)), "+")
_SCROLL_BARS = dict.fromkeys(map(chr, range(0x2580, 0x25A0)), "#")
_ICONS = {icon.sign: icon.plain for icon in ICONS.values()}
_TABLE = str.maketrans(_CORNERS | _LINES | _SCROLL_BARS | _ICONS)


def speaks_unicode(encoding: str | None, environ: Mapping[str, str]) -> bool:
    """Whether a terminal shows more than ASCII.

    The stream's encoding alone does not tell: Python makes it UTF-8 under the C locale too
    (PEP 540).
    """
    named = (environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((value for value in named if value), "")
    utf_8 = (encoding or "").lower().replace("-", "") == "utf8"
    return utf_8 and locale not in {"C", "POSIX"}


def in_ascii(text: str) -> str:
    """The text, as long as before, in ASCII."""
    return text.translate(_TABLE).encode("ascii", "replace").decode("ascii")


def ascii_driver(driver: type[Driver]) -> type[Driver]:
    """The same driver, which writes ASCII only."""

    def write(self: Driver, data: str) -> None:
        driver.write(self, in_ascii(data))

    return type("AsciiDriver", (driver,), {"write": write})
