"""The SQL Server Browser is asked (MC-SQLR), against a simulated one."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.adapters import sql_browser
from ipfx_failover.errors import Failed, Unreachable
from ipfx_failover.survey.ports import SqlInstance
from tests.sqlserver.browser import Browser, Instance

_HERE = "127.0.0.1"
_TOLD = (
    "ServerName;DEMO;InstanceName;CTSERVER;IsClustered;No;Version;16.0.1000.6;tcp;1500;"
    "np;\\\\DEMO\\pipe\\MSSQL$CTSERVER\\sql\\query;;"
)


def response(text: str) -> bytes:
    raw = text.encode()
    return b"\x05" + len(raw).to_bytes(2, "little") + raw


def test_all_instances_are_told() -> None:
    there = [Instance("DEMO", "CTSERVER", "16.0.1", 1500), Instance("DEMO", "OTHER", "11.0", 1501)]
    with Browser(there, (_HERE, 0)) as browser:
        found = sql_browser.ask(_HERE, port=browser.port)

    assert (SqlInstance("CTSERVER", "16.0.1", 1500), SqlInstance("OTHER", "11.0", 1501)) == found


def test_an_instance_is_found_whatever_the_case() -> None:
    with Browser([Instance("DEMO", "CTSERVER", "16.0.1", 1500)], (_HERE, 0)) as browser:
        assert 1500 == sql_browser.find(_HERE, "ctserver", port=browser.port)


def test_an_instance_that_is_not_there_is_answered_with_those_that_are() -> None:
    with (
        Browser([Instance("DEMO", "CTSERVER", "16.0.1", 1500)], (_HERE, 0)) as browser,
        pytest.raises(Failed) as caught,
    ):
        sql_browser.find(_HERE, "CTSRV", port=browser.port)

    assert "there is no SQL Server instance CTSRV on 127.0.0.1; there are: CTSERVER" == (
        caught.value.message
    )


def test_a_port_that_nobody_listens_to_is_told_at_once() -> None:
    with pytest.raises(Unreachable, match="cannot be asked"):
        sql_browser.ask(_HERE, port=1)


def test_a_silent_browser_is_asked_again_and_then_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((_HERE, 0))
        port = silent.getsockname()[1]
        with pytest.raises(Unreachable) as caught:
            sql_browser.ask(_HERE, port=port, timeout_s=0.3)
        silent.settimeout(30)
        asked = [silent.recv(16) for _ in range(3)]

    assert f"the SQL Server Browser of 127.0.0.1 does not answer (UDP {port})" == (
        caught.value.message
    )
    assert [b"\x03"] * 3 == asked
    assert "HOST,PORT" in caught.value.hint


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"):
        sql_browser.ask("no-such-host.invalid")


def test_what_is_no_browsers_answer_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((_HERE, 0))

        def answer() -> None:
            _, sender = other.recvfrom(16)
            other.sendto(b"HTTP/1.0 400", sender)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Failed, match="no SQL Server Browser's answer"):
            sql_browser.ask(_HERE, port=other.getsockname()[1])
        thread.join()


def test_named_pipes_and_what_else_is_told_do_no_harm() -> None:
    assert [SqlInstance("CTSERVER", "16.0.1000.6", 1500)] == list(
        sql_browser.parse(response(_TOLD))
    )


def test_an_instance_without_tcp_has_no_port() -> None:
    told = "ServerName;D;InstanceName;I;IsClustered;No;Version;16.0;np;\\\\D\\pipe;;"

    assert [SqlInstance("I", "16.0", None)] == list(sql_browser.parse(response(told)))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x05\x00",
        b"\x04" + response(_TOLD)[1:],
        response(_TOLD)[:-1],
        response(_TOLD) + b"x",
        response(_TOLD[:-2]),
        response("InstanceName;;tcp;1;;"),
        response("InstanceName;I;tcp;;;"),
        response("InstanceName;I;tcp;70000;;"),
        response("ServerName;D;tcp;1;;"),
        response("InstanceName;I\x1b[2J;tcp;1;;"),
    ],
)
def test_malformed_answers_are_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"it|instance|value"):
        list(sql_browser.parse(answer))


@given(st.binary(max_size=300))
def test_no_answer_whatsoever_breaks_it(answer: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(sql_browser.parse(answer))
