"""Which names are wanted, and which are safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.config.models import MANUAL_INCLUSIONS
from ipfx_failover.files.names import Selection, is_own, printable, refusal
from tests.support.sync import Row

SAFE = ["Mail/1234/msg0001.wav", "Extn/über uns.wav", "Music/a b (1).vox", "..a/b..c", "a.b/c-d_e"]
HOSTILE = [
    ("../etc/passwd", "its name leads out of the directory"),
    ("Mail/../../x", "its name leads out of the directory"),
    ("Mail/..", "its name leads out of the directory"),
    ("./x", "its name leads out of the directory"),
    ("/etc/passwd", "its name leads out of the directory"),
    ("Mail//x", "its name leads out of the directory"),
    ("Mail/", "its name leads out of the directory"),
    ("", "its name leads out of the directory"),
    ("C:x", "its name starts like a drive"),
    ("c:/x", "its name starts like a drive"),
    ("Mail\\x", "its name has a backslash"),
    ("Mail/a\0b", "its name has a control character"),
    ("Mail/a\nb", "its name has a control character"),
    ("Mail/\x1b[2J", "its name has a control character"),
    ("Mail/a\x9bb", "its name has a control character"),
    ("Mail/gr\udcfc\udcdfe", "its name is not UTF-8"),
]
HOSTILE_ON_WINDOWS = [
    ("Mail/10:30.wav", "Windows does not allow its name"),
    ("Mail/x.wav:stream", "Windows does not allow its name"),
    ("Mail/what?.wav", "Windows does not allow its name"),
    ("Mail/x.wav.", "Windows cuts the dot or space off the end of its name"),
    ("Mail./x.wav", "Windows cuts the dot or space off the end of its name"),
    ("Mail/x ", "Windows cuts the dot or space off the end of its name"),
    ("Mail/NUL", "its name means a device on Windows"),
    ("Mail/con.wav", "its name means a device on Windows"),
    ("com1/x.wav", "its name means a device on Windows"),
    ("LPT9.tar.gz", "its name means a device on Windows"),
    ("aux .txt", "its name means a device on Windows"),
    ("com\xb9", "its name means a device on Windows"),
    ("CONIN$", "its name means a device on Windows"),
]


@pytest.mark.parametrize("path", SAFE)
def test_an_ordinary_name_is_safe_everywhere(path: str) -> None:
    reasons = [refusal(path, windows=windows) for windows in (False, True)]

    assert [None, None] == reasons


@pytest.mark.parametrize(("path", "reason"), HOSTILE)
@pytest.mark.parametrize("windows", [False, True])
def test_a_hostile_name_is_refused_everywhere(path: str, reason: str, *, windows: bool) -> None:
    assert reason == refusal(path, windows=windows)


@pytest.mark.parametrize(("path", "reason"), HOSTILE_ON_WINDOWS)
def test_what_windows_cannot_hold_is_refused_only_there(path: str, reason: str) -> None:
    assert (None, reason) == (refusal(path, windows=False), refusal(path, windows=True))


@pytest.mark.parametrize("path", ["console.wav", "Mail/com10", "null", "auxiliary/x", "com/x"])
def test_names_that_only_look_like_devices_are_safe_on_windows(path: str) -> None:
    assert refusal(path, windows=True) is None


@given(st.text(max_size=40))
def test_a_safe_path_stays_below_any_root(path: str) -> None:
    if refusal(path, windows=False) is None:
        parts = path.split("/")
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(parts)


@given(st.text(max_size=40))
def test_a_shown_name_cannot_control_a_terminal(path: str) -> None:
    shown = printable(path)

    assert not [
        character for character in shown if ord(character) < 32 or 127 <= ord(character) < 160
    ]


def test_the_manuals_table_selects_what_it_says() -> None:
    selection = Selection(MANUAL_INCLUSIONS)
    paths = {
        "Extn/100/greeting.wav": True,
        "Extn/100/GREETING.WAV": True,
        "Extn/100/greeting.txt": False,
        "Extn/greeting.vox": True,
        "Mail/1/anything": True,
        "Upload/Ext/x": True,
        "Upload/x": False,
        "Mailbox/x": False,
        "x.wav": False,
    }

    assert paths == {path: selection.includes_file(path) for path in paths}


def test_a_row_without_recursion_means_just_its_directory() -> None:
    selection = Selection([Row("Mail", recursive=False)])

    assert (True, False) == (
        selection.includes_file("Mail/x"),
        selection.includes_file("Mail/below/x"),
    )


@pytest.mark.parametrize(
    ("pattern", "name", "wanted"),
    [
        ("*.*", "no-dot", True),
        ("*.wav", ".wav", True),
        ("?.wav", "a.wav", True),
        ("?.wav", "ab.wav", False),
        ("[ab].wav", "a.wav", False),
        ("[ab].wav", "[AB].wav", True),
        ("a.wav", "a-wav", False),
        ("*.wav", "x.wav\n", False),
        ("*", "two\nlines", True),
    ],
)
def test_patterns_know_only_star_and_question_mark(
    pattern: str, name: str, *, wanted: bool
) -> None:
    selection = Selection([Row("Mail", (pattern,))])

    assert wanted == selection.includes_file(f"Mail/{name}")


def test_listing_starts_at_the_topmost_directories_only() -> None:
    selection = Selection(
        [Row("Mail", recursive=False), Row("Mail/a"), Row("Mail/a/b"), Row("Music"), Row("Music")]
    )

    assert (("Mail", False), ("Mail/a", True), ("Music", True)) == selection.starts


def test_the_whole_directory_may_be_selected() -> None:
    selection = Selection([Row("")])

    assert ((("", True),), True) == (selection.starts, selection.includes_file("any/where"))


@pytest.mark.parametrize(
    "path",
    [
        ".ipfx-failover",
        ".ipfx-failover-trash/2024/x.wav",
        "Mail/.ipfx-failover-tmp-1",
        ".IPFX-failover-trash/x",
        "DB/app.db",
        "db/app.db.bak",
    ],
)
def test_our_own_files_and_the_databases_are_never_selected(path: str) -> None:
    selection = Selection([Row("")])

    assert not selection.includes_file(path)


def test_a_directory_named_like_the_databases_further_down_is_ordinary() -> None:
    selection = Selection([Row("")])

    assert selection.includes_file("Mail/DB/x.wav")


def test_our_prefix_is_known_in_any_case() -> None:
    assert (True, False) == (is_own(".IPFX-Failover-x"), is_own("ipfx-failover"))
