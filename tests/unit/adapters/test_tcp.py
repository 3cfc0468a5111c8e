from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

GENEROUS_S = 60.0


@pytest.fixture
def port() -> Iterator[int]:
    """A port that answers at loopback."""
    with socket.create_server((tcp.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken, and that nobody listens on."""
    with socket.socket() as bound:
        bound.bind((tcp.LOOPBACK, 0))
        yield bound.getsockname()[1]


def test_a_port_that_listens_answers(port: int) -> None:
    assert tcp.answering([tcp.LOOPBACK], port, GENEROUS_S) == tcp.LOOPBACK


def test_a_closed_port_does_not() -> None:
    with closed_port() as port:
        assert tcp.answering([tcp.LOOPBACK], port, GENEROUS_S) is None


def test_no_address_is_no_answer() -> None:
    assert tcp.answering([], 100, GENEROUS_S) is None


def test_an_address_that_refuses_does_not_hide_one_that_answers(port: int) -> None:
    assert tcp.answering(["127.0.0.2", tcp.LOOPBACK], port, GENEROUS_S) == tcp.LOOPBACK


def test_an_address_that_cannot_be_tried_does_not_hide_one_that_answers(port: int) -> None:
    assert tcp.answering(["255.255.255.255", tcp.LOOPBACK], port, GENEROUS_S) == tcp.LOOPBACK


def test_one_that_says_nothing_at_all_is_given_up_after_the_timeout() -> None:
    with socket.socket() as full:
        full.bind((tcp.LOOPBACK, 0))
        full.listen(0)
        port = full.getsockname()[1]
        with contextlib.ExitStack() as waiting:
            for _ in range(8):  # more than its queue takes: the rest is silently dropped
                client = waiting.enter_context(socket.socket())
                client.settimeout(0.0)
                client.connect_ex((tcp.LOOPBACK, port))

            assert tcp.answering([tcp.LOOPBACK], port, 0.1) is None


def test_our_addresses_are_loopback_first_then_the_preferred_one() -> None:
    every = tcp.own_addresses()

    assert every[0] == tcp.LOOPBACK
    assert set(every) == set(tcp.own_addresses(first=every[-1]))
    assert every[-1] in tcp.own_addresses(first=every[-1])[:2]


def test_an_address_that_is_not_ours_is_not_asked() -> None:
    assert "192.0.2.1" not in tcp.own_addresses(first="192.0.2.1")


def test_whoever_listens_is_named(port: int) -> None:
    assert (os.getpid(), psutil.Process().name()) == tcp.listener(port)


def test_nobody_is_named_where_nobody_listens() -> None:
    with closed_port() as port:
        assert tcp.listener(port) is None
