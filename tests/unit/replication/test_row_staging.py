"""Rows that wait to be applied: in which pieces they are sent, and which are too big."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication.rows.decisions import Unfit
from ipfx_failover.replication.rows.staging import Staging
from ipfx_failover.replication.tsql.tables import Column, Table
from tests.fakes.sql_server import ScriptedServer, ScriptedSession

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 2**20
FILES = Table(
    "dbo",
    "files",
    (
        Column("id", "int", 4, 10, 0, None, is_identity=False, is_computed=False),
        Column("content", "varbinary", -1, 0, 0, None, is_identity=False, is_computed=False),
    ),
    ("id",),
)


class Taking(ScriptedSession):
    """Takes every batch. `lengths`: of those that have rows in them, in characters."""

    def __init__(self) -> None:
        super().__init__(ScriptedServer("the Failover Server"))
        self.lengths: list[int] = []

    def run(self, sql: str, *_: object) -> int:
        if "INSERT" in sql:
            self.lengths.append(len(sql))
        return -1


def rows(count: int, each_bytes: int) -> list[tuple[int, int, bytes]]:
    return [(0, number, bytes(each_bytes)) for number in range(count)]


def test_a_row_above_60_mb_is_left_and_named_by_its_key() -> None:
    session = Taking()
    with pytest.raises(Unfit) as refused:
        Staging("DEMOSERVER", session, ()).put(FILES, [rows(1, 60_000_001)], is_whole=False)

    assert "the row id = 0 is too big" == refused.value.why
    assert [] == session.lengths


def test_a_row_that_is_just_small_enough_waits() -> None:
    staging = Staging("DEMOSERVER", Taking(), ())
    staging.put(FILES, [rows(1, 60_000_000)], is_whole=False)

    assert 1 == staging.rows


def test_of_large_rows_no_more_is_held_than_one_statement_takes() -> None:
    session = Taking()

    def pages() -> Iterator[list[tuple[int, int, bytes]]]:
        for at in range(4):
            assert 10 * at == len(session.lengths)  # what was read before is sent
            yield rows(10, MIB)

    Staging("DEMOSERVER", session, ()).put(FILES, pages(), is_whole=False)

    assert 40 == len(session.lengths)
    assert max(session.lengths) < 3 * MIB  # two characters a byte
