"""The store of an older version is taken up, with all that it knows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ipfx_failover.records import Authority
from ipfx_failover.state.creation import create_if_missing
from ipfx_failover.state.store import DATABASE, Store

OLD = Path(__file__).with_name("store_v1.sql").read_text("utf-8")
KNOWN = """
INSERT INTO servers (name, authority) VALUES ('DEMO', 'standby');
INSERT INTO outbox (created_at, subject, body, next_attempt_at)
VALUES ('2026-03-04T12:00:00+00:00', 'It failed', 'About it', '2026-03-04T12:00:00+00:00');
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as made:
        made.executescript(OLD + KNOWN)
    return tmp_path


def shape(path: Path) -> list[tuple[str, str]]:
    """Each table's columns, in any order."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type <> 'index'")
        return sorted(
            (table, column)
            for (table,) in tables.fetchall()
            for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        )


def test_an_older_store_gets_the_shape_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Store(old).close()
    create_if_missing(tmp_path / "new.db")

    assert shape(tmp_path / "new.db") == shape(old / DATABASE)


def test_what_an_older_store_knew_is_still_known(old: Path) -> None:
    with Store(old) as store:
        (waiting,) = store.rows("SELECT subject, channel FROM waiting")

        assert Authority.STANDBY is store.server("DEMO").authority
        assert ("It failed", "mail") == (waiting["subject"], waiting["channel"])


def test_two_that_open_an_older_store_upgrade_it_once(old: Path) -> None:
    with Store(old), Store(old) as second:
        assert 1 == second.mails_waiting()
