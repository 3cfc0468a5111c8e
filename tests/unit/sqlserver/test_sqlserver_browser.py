"""The browser of the simulated SQL Server answers as [MC-SQLR] says."""

from __future__ import annotations

import socket

import pytest

from tests.sqlserver.browser import Browser, Instance

ONE = Instance("DEMO", "MSSQLSERVER", "16.0.4085.0", 1433)
OTHER = Instance("DEMO", "CT", "16.0.4085.0", 50123)
ONE_TOLD = "ServerName;DEMO;InstanceName;MSSQLSERVER;IsClustered;No;Version;16.0.4085.0;tcp;1433;;"
OTHER_TOLD = "ServerName;DEMO;InstanceName;CT;IsClustered;No;Version;16.0.4085.0;tcp;50123;;"


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (b"\x02", ONE_TOLD + OTHER_TOLD),
        (b"\x03", ONE_TOLD + OTHER_TOLD),
        (b"\x04ct\0", OTHER_TOLD),
        (b"\x04nobody\0", None),
        (b"", None),
        (b"\x03more", None),
    ],
)
def test_it_tells_of_its_instances(request_: bytes, told: str | None) -> None:
    with (
        Browser([ONE, OTHER], ("127.0.0.1", 0)) as browser,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.connect(("127.0.0.1", browser.port))
        client.settimeout(30)
        client.send(request_)
        client.send(b"\x03")
        first = client.recv(4096)

    expected = told or ONE_TOLD + OTHER_TOLD

    assert first == b"\x05" + len(expected).to_bytes(2, "little") + expected.encode()
