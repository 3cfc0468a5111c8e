"""What Auto Populate makes of what a browser and an instance tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

import pytest

from ipfx_failover.errors import Failed
from ipfx_failover.survey.populate_sqlserver import catalogs, data_sources
from ipfx_failover.survey.ports import SqlInstance

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.session import SqlServer


@dataclass
class Telling:
    """A server with these catalogs."""

    told: list[tuple[str, str]]
    name: str = "DEMOSERVER"

    def open(self) -> Telling:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def rows(self, sql: str) -> list[tuple[str, str]]:
        assert "sys.databases" in sql
        return self.told


def found(*told: tuple[str, str]) -> list[str]:
    return catalogs(cast("SqlServer", Telling([*told])), "CTSERVER")


def test_the_ordinary_instance_comes_first_and_each_is_called_as_config_has_it() -> None:
    told = [
        SqlInstance("MSSQLSERVER", "16", 1433),
        SqlInstance("AAA", "16", 1501),
        SqlInstance("CtServer", "16", 1500),
        SqlInstance("PIPES", "16", None),
    ]

    assert ["DEMO\\CtServer", "DEMO\\AAA", "DEMO"] == data_sources("DEMO", told)


def test_an_unnamed_instance_on_another_port_is_called_by_it() -> None:
    assert ["DEMO,1500"] == data_sources("DEMO", [SqlInstance("MSSQLSERVER", "16", 1500)])


def test_instances_without_tcp_are_none() -> None:
    with pytest.raises(Failed, match="takes TCP connections"):
        data_sources("DEMO", [SqlInstance("PIPES", "16", None)])


def test_the_wanted_catalog_comes_first_and_the_systems_never() -> None:
    told = [(name, "ONLINE") for name in ("master", "tempdb", "model", "msdb", "Alpha", "ctserver")]

    assert ["ctserver", "Alpha"] == found(*told, ("Broken", "SUSPECT"))


def test_no_catalog_is_an_error() -> None:
    with pytest.raises(Failed, match="no catalog"):
        found(("master", "ONLINE"))
