"""Paths as the live server writes them."""

from __future__ import annotations

import pytest

from ipfx_failover.adapters.ssh.paths import sftp_path
from ipfx_failover.errors import UsageError
from ipfx_failover.livehost import (
    RunResult,
    base_name,
    is_windows_path,
    join,
    parent,
    temporary_beside,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/vm/app.db", b"/var/vm/app.db"),
        ("/var/ü", "/var/ü".encode()),
        ("/var/\udcfc", b"/var/\xfc"),
        ("/var/back\\slash", b"/var/back\\slash"),
        ("C:\\VM\\Extn", b"/C:/VM/Extn"),
        ("c:/VM/Extn", b"/c:/VM/Extn"),
        ("D:\\", b"/D:/"),
    ],
)
def test_a_path_is_named_as_opensshs_sftp_names_it(path: str, expected: bytes) -> None:
    assert expected == sftp_path(path)


@pytest.mark.parametrize("path", ["VM", "", "C:VM", "\\\\server\\share", "\\VM"])
def test_a_path_that_sftp_cannot_name_is_an_error_with_a_hint(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        sftp_path(path)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("path", "windows"),
    [("C:\\VM", True), ("c:/VM", True), ("\\\\s\\x", True), ("/C:/VM", False), ("C:VM", False)],
)
def test_windows_paths_are_known_by_their_start(path: str, *, windows: bool) -> None:
    assert windows == is_windows_path(path)


@pytest.mark.parametrize(
    ("path", "joined", "above", "name"),
    [
        ("/var/vm", "/var/vm/DB/x.db", "/var", "vm"),
        ("C:\\VM", "C:\\VM\\DB\\x.db", "C:\\", "VM"),
    ],
)
def test_paths_are_taken_apart_and_put_together_in_their_own_style(
    path: str, joined: str, above: str, name: str
) -> None:
    assert (joined, above, name) == (join(path, "DB", "x.db"), parent(path), base_name(path))


def test_the_last_error_line_stands_for_a_failed_program() -> None:
    told = RunResult(1, b"", b"first\n  last \n\n")
    silent = RunResult(3, b"", b"\n")

    assert ("last", "exit status 3") == (told.last_error_line, silent.last_error_line)


@pytest.mark.parametrize("path", ["/vm/app.db", "C:\\VM\\app.db"])
def test_what_is_on_its_way_is_beside_and_has_the_name_in_its_own(path: str) -> None:
    temporary = temporary_beside(path)

    assert parent(path) == parent(temporary)
    assert base_name(temporary).endswith("-app.db")
    assert temporary != temporary_beside(path)


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127])
def test_a_name_that_leaves_no_room_does_without(name: str) -> None:
    assert len(base_name(temporary_beside(f"/vm/{name}")).encode()) < 255
