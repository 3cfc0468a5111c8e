"""A large backup on its way: it goes on where a lost connection left it, and is compared."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.adapters.mounted_host import MountedHost
from ipfx_failover.adapters.transfer import Transfer
from ipfx_failover.errors import Failed, Unreachable, UsageError
from ipfx_failover.replication.engine import Backup
from tests.fakes.clock import FakeClock
from tests.fakes.livehost import FakeLiveHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ipfx_failover.progress import Progress

THERE = "/VM/DB/a.bak"
CONTENT = bytes(range(256)) * 40
PIECE = 1000


class LossyHost(FakeLiveHost):
    """Its connection is lost after each piece, `losses` times; `asked`: from which byte on."""

    losses = 0
    hash_there: str | None = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[int] = []

    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        self.asked.append(start_byte)
        content = self.files[path]
        for at in range(start_byte, len(content), PIECE):
            yield content[at : at + PIECE]
            self._lose()

    def continue_file(self, path: str, start_byte: int, chunks: Iterable[bytes]) -> None:
        self.asked.append(start_byte)
        for chunk in chunks:
            for at in range(0, len(chunk), PIECE):
                piece = chunk[at : at + PIECE]
                super().continue_file(path, start_byte, [piece])
                start_byte += len(piece)
                self._lose()

    def sha256_there(self, path: str) -> str | None:
        return super().sha256_there(path) if self.hash_there == "" else self.hash_there

    def _lose(self) -> None:
        if self.losses:
            self.losses -= 1
            raise Unreachable("the connection is lost", "hint")


class Way:
    """Between a live server and a directory here."""

    def __init__(self, directory: Path) -> None:
        self.here = directory / "a.bak"
        self.there = LossyHost()
        self.there.make_directory("/VM/DB")
        self.clock = FakeClock()
        self.reports: list[Progress] = []
        self.transfer = Transfer(
            self.there, self.there, LocalHost(), self.clock, self.reports.append
        )

    def fetch(self) -> None:
        self.there.place(THERE, CONTENT)
        backup = Backup(THERE, len(CONTENT), "", self.clock.now(), "guid")
        self.transfer("standby", backup, str(self.here), str(self.here.parent))

    def send(self) -> None:
        self.here.write_bytes(CONTENT)
        backup = Backup(str(self.here), len(CONTENT), "", self.clock.now(), "guid")
        self.transfer("live", backup, THERE, "/VM/DB")


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(tmp_path)


def test_a_copy_from_live_goes_on_where_it_stopped(way: Way) -> None:
    way.there.losses = 3
    way.fetch()

    assert CONTENT == way.here.read_bytes()
    assert [0, PIECE, 2 * PIECE, 3 * PIECE] == way.there.asked
    assert (len(CONTENT), len(CONTENT)) == (way.reports[-1].done, way.reports[-1].total)


def test_a_copy_to_live_goes_on_where_it_stopped(way: Way) -> None:
    way.there.losses = 3
    way.send()

    assert CONTENT == way.there.files[THERE]
    assert [0, PIECE, 2 * PIECE, 3 * PIECE] == way.there.asked


def test_a_server_that_stays_away_is_given_up(way: Way) -> None:
    way.there.losses = 10**9
    way.there.files[THERE] = b""
    began_ns = way.clock.monotonic_ns()
    with pytest.raises(Unreachable):
        Transfer(Gone(), way.there, LocalHost(), way.clock, way.reports.append)(
            "standby",
            Backup(THERE, 1, "", way.clock.now(), "guid"),
            str(way.here),
            str(way.here.parent),
        )

    assert 111.0 == (way.clock.monotonic_ns() - began_ns) / 1e9


class Gone(FakeLiveHost):
    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        raise Unreachable(f"{path} from {start_byte}: nobody answers", "hint")


def test_what_arrives_damaged_is_not_kept(way: Way) -> None:
    way.there.hash_there = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(Failed, match="did not arrive on this machine as it was sent"):
        way.fetch()

    assert not way.here.exists()


def test_what_arrives_damaged_there_is_not_kept_either(way: Way) -> None:
    way.there.hash_there = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(Failed, match="as it was sent"):
        way.send()

    assert THERE not in way.there.files


def test_a_server_that_cannot_hash_leaves_it_to_the_checksums_of_restore(way: Way) -> None:
    way.there.hash_there = None
    way.fetch()

    assert CONTENT == way.here.read_bytes()


def test_a_mounted_directory_is_known_by_the_servers_own_paths(tmp_path: Path) -> None:
    (tmp_path / "DB").mkdir()
    host = MountedHost("DEMO", "C:\\VM", tmp_path)
    host.write_file("C:\\VM\\DB\\a.bak", [b"one"])

    assert b"one" == (tmp_path / "DB" / "a.bak").read_bytes()
    assert ["a.bak"] == [entry.name for entry in host.list_directory("C:\\VM\\DB")]

    with pytest.raises(UsageError, match="is not below"):
        host.stat("D:\\Backup\\a.bak")
    with pytest.raises(UsageError, match="is not below"):
        host.stat("C:\\VM\\..\\other")
