"""Paths are converted and come back as they were (in a simulated SQL Server, without a wire)."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfx_failover.replication.sqlserver.conversion import Conversion
from ipfx_failover.replication.tsql import converting
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.results import MAX, Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = ("dbo", "t", "p")
LIVE = "C:\\VM\\"
BACK_AND_FORTH = [
    (LIVE, "C:\\VM\\DEMO\\VM\\"),
    ("C:\\VM\\DEMO\\VM\\", LIVE),
    (LIVE, "D:\\standby\\"),
    ("\\\\live\\VM", "C:\\VM\\DEMO"),
    ("/srv/vm/", "/srv/vm/demo/"),
]
VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", "C:\\VM", LIVE, "c:\\vm\\x", "C:\\VM\\DEMO\\VM\\y", "C:\\VMX\\z"]),
    st.builds(
        lambda start, rest: start + rest,
        st.sampled_from([start for start, _ in BACK_AND_FORTH]),
        st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=8),
    ),
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with TemporaryDirectory() as directory:
        server = SimulatedServer(Path(directory))
        server.create("S", {})
        with Client(server, "S") as made:
            yield made


def filled(client: Client, kind: str, values: list[str | None]) -> None:
    """A table t, whose rows keep their order."""
    client.run(f"IF OBJECT_ID('t') IS NOT NULL DROP TABLE t; CREATE TABLE t (k int, p {kind})")
    for number, value in enumerate(values):
        row = {"k": (SqlType(Kind.INT), number), "p": (SqlType(Kind.NVARCHAR, MAX), value)}
        client.run("INSERT t VALUES (@k, @p)", **row)


def found(client: Client) -> list[Any]:
    return [value for (value,) in client.run("SELECT p FROM t ORDER BY k")]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(BACK_AND_FORTH), st.lists(VALUES, min_size=1, max_size=6))
def test_what_is_converted_comes_back_as_it_was(
    client: Client, pair: tuple[str, str], values: list[str | None]
) -> None:
    way = Conversion(*PLACE, *pair)
    filled(client, "nvarchar(200)", values)
    before = found(client)
    # What begins as converted ones do cannot be told from them: the product warns of it.
    ambiguous = client.value(converting.how_many_begin([way.back()]))
    client.run(converting.convert([way]))
    if not ambiguous or pair[1].startswith(pair[0]):
        client.run(converting.convert([way.back()]))

        assert [_folded(each, pair[0]) for each in before] == [
            _folded(each, pair[0]) for each in found(client)
        ]


def _folded(value: str | None, beginning: str) -> str | None:
    """A beginning that is replaced comes back as it is written in the config."""
    if value is None or not value.casefold().startswith(beginning.casefold()):
        return value
    return beginning + value[len(beginning) :]


@pytest.mark.parametrize(
    "kind",
    ["char(30)", "varchar(30)", "nchar(30)", "nvarchar(30)", "varchar(max)", "text", "ntext"],
)
def test_every_type_that_holds_paths_is_converted(client: Client, kind: str) -> None:
    way = Conversion(*PLACE, LIVE, "C:\\VM\\DEMO\\VM\\")
    filled(client, kind, ["C:\\VM\\a", "D:\\b", None, LIVE])
    client.run(converting.convert([way]))
    stripped = [None if each is None else each.rstrip(" ") for each in found(client)]

    assert ["C:\\VM\\DEMO\\VM\\a", "D:\\b", None, "C:\\VM\\DEMO\\VM\\"] == stripped


def test_a_long_value_is_not_cut(client: Client) -> None:
    way = Conversion(*PLACE, LIVE, "D:\\")
    filled(client, "varchar(8000)", [LIVE + "x" * 7000])
    client.run(converting.convert([way]))

    assert ["D:\\" + "x" * 7000] == found(client)


def test_only_what_gets_too_long_is_counted(client: Client) -> None:
    way = Conversion(*PLACE, LIVE, "C:\\VM\\DEMO\\VM\\")
    filled(client, "nvarchar(20)", [f"{LIVE}12345678", f"{LIVE}123456", "y" * 20, None])

    assert 1 == client.value(converting.how_many_too_long([way], 20))


def test_blanks_at_the_end_do_not_count(client: Client) -> None:
    way = Conversion(*PLACE, LIVE, "C:\\VM\\DEMO\\VM\\")
    filled(client, "char(20)", [f"{LIVE}1"])

    assert 0 == client.value(converting.how_many_too_long([way], 20))
