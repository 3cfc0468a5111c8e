"""What is remembered of both sides."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed
from ipfx_failover.files.manifest import Manifest
from ipfx_failover.files.values import Direction, Known
from tests.support.sync import stamp

if TYPE_CHECKING:
    from pathlib import Path

LIVE, STANDBY = stamp(1), stamp(1, 0.5)


def opened(file: Path, live: str = "P:/vm", standby: str = "/vm") -> Manifest:
    return Manifest(file, live=live, standby=standby)


def test_entries_survive_and_are_seen_from_either_direction(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "files" / "P.db")) as manifest:
        manifest.record(Direction.FROM_LIVE, [("Mail/ä", Known(LIVE, STANDBY, settled=False))])

    with closing(opened(tmp_path / "files" / "P.db")) as manifest:
        seen = [manifest.load(direction) for direction in Direction]

    assert [
        {"Mail/ä": Known(LIVE, STANDBY, settled=False)},
        {"Mail/ä": Known(STANDBY, LIVE, settled=False)},
    ] == seen


def test_what_was_recorded_in_one_direction_is_known_in_the_other(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "P.db")) as manifest:
        manifest.record(Direction.TO_LIVE, [("a", Known(STANDBY, LIVE))])

        assert {"a": Known(LIVE, STANDBY)} == manifest.load(Direction.FROM_LIVE)


def test_a_new_entry_replaces_the_old_and_a_forgotten_one_is_gone(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "P.db")) as manifest:
        manifest.record(Direction.FROM_LIVE, [("a", Known(LIVE, LIVE)), ("b", Known(LIVE, LIVE))])
        manifest.record(Direction.FROM_LIVE, [("a", Known(LIVE, STANDBY))])
        manifest.forget(["b", "never known"])

        assert {"a": Known(LIVE, STANDBY)} == manifest.load(Direction.FROM_LIVE)


@pytest.mark.parametrize("other", [{"live": "P:/other"}, {"standby": "/other"}])
def test_a_manifest_of_other_trees_is_begun_anew(tmp_path: Path, other: dict[str, str]) -> None:
    with closing(opened(tmp_path / "P.db")) as manifest:
        manifest.record(Direction.FROM_LIVE, [("a", Known(LIVE, LIVE))])

    with closing(opened(tmp_path / "P.db", **other)) as manifest:
        assert {} == manifest.load(Direction.FROM_LIVE)


@pytest.mark.parametrize(
    "damage", [b"not a database at all" * 100, b"SQLite format 3\0" + b"x" * 4096]
)
def test_a_damaged_manifest_is_kept_aside_and_begun_anew(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "P.db"
    file.write_bytes(damage)

    with closing(opened(file)) as manifest:
        assert ({}, True) == (manifest.load(Direction.FROM_LIVE), manifest.was_damaged)
    assert damage == (tmp_path / "P.db.damaged").read_bytes()


def test_a_place_that_cannot_be_written_is_a_clear_failure(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file, not a directory")

    with pytest.raises(Failed, match="cannot be opened"):
        opened(tmp_path / "files" / "P.db")
