"""What the main screen looks like.

A picture is the text of the screen, and below it which columns of which line are styled how. To
take them anew: PICTURES=new pytest tests/unit/screen/test_screen_pictures.py
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ipfx_failover.errors import InDoubt
from ipfx_failover.screen.values import Seen
from man import picture
from tests.support.screen import LOG, REPORT, SERVER, STANDING_IN, Shown, on_screen

PICTURES = Path(__file__).parent / "pictures"
NOBODY_WATCHES = replace(
    REPORT,
    monitor=replace(REPORT.monitor, running=False),
    warnings=("no monitor is running: nobody watches; the last probe was at 2026-03-04 11:00:00",),
    servers=(
        replace(
            SERVER,
            status="UNKNOWN",
            notes=("the copy is out of date: ipfx-failover replicate-from-live DEMOSERVER",),
        ),
    ),
)
EVERY_STATUS = replace(
    REPORT,
    servers=tuple(
        replace(SERVER, name=f"{status}-{number}", status=status)
        for number, status in enumerate(
            ("OK", "SUSPENDED", "STOPPED", "SUSPECT", "FAILURE", "REPLICATING", "UNKNOWN")
        )
    ),
)
SEEN = {
    "standing-in": Seen(STANDING_IN, log=LOG),
    "nobody-watches": Seen(NOBODY_WATCHES, log=LOG),
    "every-status": Seen(EVERY_STATUS),
    "damaged": Seen(None, InDoubt("the state store is damaged", "ipfx-failover state reset")),
    "no-right-to-the-log": Seen(REPORT, log=None),
}


TAKEN = [
    *((name, (80, 24)) for name in SEEN),
    *((name, (120, 40)) for name in ("standing-in", "nobody-watches")),
    ("standing-in", (60, 16)),
]


@pytest.mark.parametrize("colours", ["colour", "no-colour"])
@pytest.mark.parametrize(("name", "size"), TAKEN)
def test_the_main_screen_looks_as_in_its_picture(
    name: str, size: tuple[int, int], colours: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if colours == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    taken = _picture(SEEN[name], size)
    file = PICTURES / f"{name}-{size[0]}x{size[1]}-{colours}.txt"
    if os.environ.get("PICTURES") == "new":
        file.write_text(taken, "utf-8")

    assert file.read_text("utf-8") == taken


def test_without_colour_no_cell_of_any_picture_has_one() -> None:
    for file in PICTURES.glob("*-no-colour.txt"):
        assert "color(" not in file.read_text("utf-8")


def test_there_is_no_picture_that_nobody_looks_at() -> None:
    names = {f"{name}-{size[0]}x{size[1]}" for name, size in TAKEN}

    assert {f"{name}-{how}.txt" for name in names for how in ("colour", "no-colour")} == {
        file.name for file in PICTURES.iterdir()
    }


def _picture(seen: Seen, size: tuple[int, int]) -> str:
    taken = []

    async def take(shown: Shown) -> None:
        await shown.until("FAILOVER -" if seen.report is not None else "error:")
        before = ""
        while before != (before := shown.picture):
            await shown.pilot.pause(0.1)
        taken.append(before)

    on_screen(take, seen, size=size)
    return taken[0]


def test_the_picture_in_the_readme_is_of_this_screen() -> None:
    assert picture.FILE.read_text("utf-8") == picture.picture(), "python -m man.picture"
