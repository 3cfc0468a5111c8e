"""What has arrived on a channel: ours keeps what paramiko's own buffer promises its channel."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from paramiko.buffered_pipe import BufferedPipe, PipeTimeout

from ipfx_failover.adapters.ssh.arriving import Arriving
from tests.support.processes import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

GENEROUS_S = 20.0


@pytest.fixture(params=[Arriving, BufferedPipe])
def arriving(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], Any]], threading.Thread]]:
    """Begins work in a thread of its own, which has ended when the test ends."""
    threads = []

    def begin(work: Callable[[], Any]) -> threading.Thread:
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield begin
    for each in threads:
        each.join(GENEROUS_S)

        assert not each.is_alive()


def read_all(arriving: Any, nbytes: int) -> bytes:
    read = b""
    while piece := arriving.read(nbytes, GENEROUS_S):
        read += piece
    return read


@pytest.mark.parametrize("nbytes", [1, 3, 4, 1000])
def test_what_was_fed_is_read_in_its_order_to_the_end(arriving: Any, nbytes: int) -> None:
    for each in (b"abcd", b"e", b"fghijkl"):
        arriving.feed(each)
    arriving.close()

    assert read_all(arriving, nbytes) == b"abcdefghijkl"


def test_it_tells_how_much_is_there(arriving: Any) -> None:
    arriving.feed(b"abcd")
    arriving.feed(b"ef")
    arriving.read(3, GENEROUS_S)

    assert (len(arriving), arriving.read_ready()) == (3, True)


def test_an_empty_one_is_not_ready(arriving: Any) -> None:
    assert (len(arriving), arriving.read_ready()) == (0, False)


def test_who_reads_waits_for_what_comes(arriving: Any, beside: Any) -> None:
    found: list[bytes] = []
    reader = beside(lambda: found.append(arriving.read(10, GENEROUS_S)))
    arriving.feed(b"abc")
    reader.join(GENEROUS_S)

    assert found == [b"abc"]


def test_who_waits_is_told_of_the_end(arriving: Any, beside: Any) -> None:
    found: list[bytes] = []
    reader = beside(lambda: found.append(arriving.read(10, GENEROUS_S)))
    arriving.close()
    reader.join(GENEROUS_S)

    assert found == [b""]


def test_nothing_within_the_time_is_a_timeout(arriving: Any) -> None:
    with pytest.raises(PipeTimeout):
        arriving.read(10, 0.01)


def test_more_is_waited_for_where_it_is_sure_to_come(beside: Any) -> None:
    arriving = Arriving()
    arriving.gather_s, arriving.enough_bytes = GENEROUS_S, 8
    lengths: list[int] = []

    def read() -> None:
        arriving.read(1, GENEROUS_S)
        lengths.append(len(arriving))

    reader = beside(read)
    eventually(lambda: bool(arriving._changed._waiters), "the reader waits")  # type: ignore[attr-defined]  # noqa: SLF001
    for _ in range(4):
        arriving.feed(b"ab")
    reader.join(GENEROUS_S)

    assert lengths == [7]


def test_what_is_there_is_given_when_no_more_comes(beside: Any) -> None:
    arriving, found = Arriving(), []
    arriving.enough_bytes = 1000
    reader = beside(lambda: found.append(arriving.read(10)))
    eventually(lambda: bool(arriving._changed._waiters), "the reader waits")  # type: ignore[attr-defined]  # noqa: SLF001
    arriving.feed(b"abc")
    reader.join(GENEROUS_S)

    assert found == [b"abc"]


def test_nobody_waits_for_more_behind_the_end(beside: Any) -> None:
    arriving, found = Arriving(), []
    arriving.gather_s, arriving.enough_bytes = 10 * GENEROUS_S, 1000
    reader = beside(lambda: found.append(arriving.read(10, GENEROUS_S)))
    arriving.feed(b"abc")
    arriving.close()
    reader.join(GENEROUS_S)

    assert found == [b"abc"]
