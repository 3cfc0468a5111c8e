"""Where a SQL Server is."""

from __future__ import annotations

import pytest

from ipfx_failover.config.data_source import DataSource


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DEMOSERVER\\CTSERVER", DataSource("DEMOSERVER", "CTSERVER")),
        ("192.168.11.1,1500", DataSource("192.168.11.1", None, 1500)),
        ("tcp:db.example.com, 1500", DataSource("db.example.com", None, 1500)),
        ("DEMOSERVER\\CTSERVER,1500", DataSource("DEMOSERVER", None, 1500)),
        ("DEMOSERVER", DataSource("DEMOSERVER", None, 1433)),
        ("DEMOSERVER\\MSSQLSERVER", DataSource("DEMOSERVER", None, 1433)),
        ("(local)\\CTSERVER", DataSource("(local)", "CTSERVER")),
        (".", DataSource(".", None, 1433)),
    ],
)
def test_each_form_is_understood(text: str, found: DataSource) -> None:
    assert found == DataSource.parse(text)


@pytest.mark.parametrize(
    "text", ["", "\\CTSERVER", "a b", "a\\", "a\\b\\c", "a,", "a,x", "a,0", "a,70000", "a;PWD=x"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        DataSource.parse(text)


@pytest.mark.parametrize("text", ["HOST\\INST", "HOST,1500", "HOST"])
def test_it_is_written_as_it_was_read(text: str) -> None:
    assert text == str(DataSource.parse(text))
