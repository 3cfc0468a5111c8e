"""hierarchyid, geometry and geography as columns of the simulated SQL Server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.results import MAX, Kind, SqlType

if TYPE_CHECKING:
    from tests.sqlserver.engine.client import Client

POINT = bytes.fromhex("E6100000010C8FC2F5285C7F47401B0DE02D90605EC0")


def test_they_go_to_bytes_and_back(client: Client) -> None:
    client.run("CREATE TABLE t (node hierarchyid PRIMARY KEY, at geography)")
    point = SqlType(Kind.VARBINARY, MAX), POINT
    client.run("INSERT t VALUES (CONVERT(hierarchyid, 0x5AC0), CONVERT(geography, @p))", p=point)
    found = client.run("SELECT CONVERT(varbinary(max), node), CONVERT(varbinary(max), at) FROM t")

    assert found == [(b"\x5a\xc0", POINT)]


def test_views_tell_what_they_are(client: Client) -> None:
    client.run("CREATE TABLE t (node hierarchyid, at geography)")
    of_columns = (
        "SELECT c.name, c.system_type_id, c.user_type_id, c.max_length, u.is_assembly_type "
        "FROM sys.columns c JOIN sys.types u ON u.user_type_id = c.user_type_id"
    )

    assert client.run(of_columns) == [("node", 240, 128, 892, 1), ("at", 240, 130, -1, 1)]


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("INSERT t (at) VALUES (0x00)", 206),
        ("INSERT t (at) VALUES (CONVERT(geography, 0x00))", 6522),
        ("SELECT 1 FROM t WHERE at = at", 403),
        ("CREATE TABLE u (at geometry PRIMARY KEY)", 1919),
        ("SELECT CONVERT(nvarchar(max), node) FROM t", 50001),
        ("INSERT t (node) VALUES (CONVERT(hierarchyid, '/1/'))", 50001),
    ],
)
def test_what_does_not_go_is_refused(client: Client, sql: str, number: int) -> None:
    client.run("CREATE TABLE t (node hierarchyid, at geography)")
    client.run("INSERT t (node) VALUES (CONVERT(hierarchyid, 0x58))")

    assert client.fails(sql)[0] == number
