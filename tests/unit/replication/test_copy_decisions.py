"""What is decided about a copy: which number it goes on with, whose login, which table is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver.numbers import ahead, range_of
from ipfx_failover.replication.sqlserver.tables import Column, find_column, find_table
from ipfx_failover.replication.sqlserver.users import Principal, matched

TABLES = [("dbo", "Call"), ("dbo", "a.b"), ("log", "Call"), ("log", "only"), ("x", "n"), ("y", "n")]


@pytest.mark.parametrize(
    ("kind", "precision", "last", "step", "wanted"),
    [
        ("int", 10, 500, 1, 100_500),
        ("bigint", 19, 500, 5, 500_500),
        ("int", 10, -500, -1, -100_500),
        ("tinyint", 3, 55, 1, 75),
        ("smallint", 5, 32_000, 7, 32_070),
        ("decimal", 3, 900, 1, 909),
        ("int", 10, 2_147_483_647, 1, None),
        ("tinyint", 3, 250, 1, None),
    ],
)
def test_numbers_go_on_well_ahead_but_use_up_no_more_than_a_tenth(
    kind: str, precision: int, last: int, step: int, wanted: int | None
) -> None:
    assert wanted == ahead(last, step, *range_of(kind, precision))


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-1000, 1000).filter(bool),
)
def test_a_number_is_ahead_and_one_more_is_left(last: int, step: int) -> None:
    lowest, highest = range_of("int", 10)
    found = ahead(last, step, lowest, highest)

    assert found is None or lowest <= found + step <= highest
    assert found is None or (found - last) * step > 0


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("call", ("dbo", "Call")),
        ("LOG.call", ("log", "Call")),
        ("[log].[Call]", ("log", "Call")),
        ("only", ("log", "only")),
        ("a.b", ("dbo", "a.b")),
        ("dbo.a.b", ("dbo", "a.b")),
        ("[a.b]", ("dbo", "a.b")),
    ],
)
def test_a_table_is_found_as_people_write_it(written: str, wanted: tuple[str, str]) -> None:
    assert wanted == find_table(written, TABLES, "CT")


def test_a_table_in_two_schemas_must_be_told_apart() -> None:
    with pytest.raises(Failed, match="CT has several tables n") as caught:
        find_table("n", TABLES, "CT")

    assert "write one of: x.n, y.n" == caught.value.hint


def test_a_table_that_is_not_there_is_told_with_those_that_may_be_meant() -> None:
    with pytest.raises(Failed, match="CT has no table calls") as caught:
        find_table("calls", TABLES, "CT")

    assert "dbo.Call" in caught.value.hint


def test_names_that_differ_in_case_alone_are_found_as_written() -> None:
    both = [("dbo", "t"), ("dbo", "T")]

    assert ("dbo", "T") == find_table("T", both, "CT")


def test_a_column_is_found_as_people_write_it() -> None:
    column = Column("dbo", "Call", "Wav]File", "nvarchar", 80, is_computed=False)

    assert column == find_column("wav]file", [column])
    assert column == find_column("[Wav]]File]", [column])
    with pytest.raises(Failed, match=r"dbo\.Call has no column Wave"):
        find_column("Wave", [column])


def test_users_are_linked_by_name_and_kind_where_their_sid_is_unknown() -> None:
    users = [
        Principal("fine", "S", b"1"),
        Principal("App", "S", b"2"),
        Principal("gone", "S", b"3"),
        Principal("DOM\\x", "U", b"4"),
    ]
    logins = [
        Principal("other", "S", b"1"),
        Principal("app", "S", b"5"),
        Principal("gone", "U", b"6"),
        Principal("DOM\\x", "U", b"7"),
    ]

    assert ([("App", "app"), ("DOM\\x", "DOM\\x")], ["gone"]) == matched(users, logins)
