"""The monitor misses a copy long before it is needed (simulated SQL Servers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.wiring.copy_in_use import copy_obstacles
from ipfx_failover.wiring.site import open_site
from tests.sqlserver.engine.client import Client
from tests.support.processes import eventually
from tests.support.sqlserver_pair import COPY

if TYPE_CHECKING:
    from tests.support.sqlserver_pair import Pair

SUBJECT = "The copy of DEMOSERVER could not be taken over"


def on_standby(pair: Pair, statement: str) -> None:
    with Client(pair.standby) as client:
        client.run(statement)


def obstacle(pair: Pair) -> str | None:
    site = open_site(pair.config_path)
    return copy_obstacles(site, site.config.servers.values())["DEMOSERVER"]


def test_a_copy_that_is_taken_offline_is_told_until_it_is_online(pair: Pair) -> None:
    pair.configure({"network": {"failover_count": 1000, "failover_count_after_reboot": 1000}})
    pair.replicated()
    on_standby(pair, f"ALTER DATABASE {COPY} SET OFFLINE WITH ROLLBACK IMMEDIATE")
    with pair.monitored():
        eventually(lambda: bool(pair.events("copy_lost")), "it is told")
        eventually(lambda: any(SUBJECT in each for each in pair.subjects()), "it is mailed")
        status = " ".join(pair.run("status").out.split())
        pair.configure({"network": {"warning_count": 4}})
        eventually(lambda: bool(pair.events("config_changed")), "another one watches")
        on_standby(pair, f"ALTER DATABASE {COPY} SET ONLINE")
        eventually(lambda: bool(pair.events("copy_found")), "it is over")
    (lost,) = pair.events("copy_lost")

    assert f"its copy could not be taken over: its catalog {COPY} on the Failover" in status
    assert "is OFFLINE" in str(lost.data["reason"])
    assert 1 == len(pair.events("copy_found"))


def test_a_copy_is_missed_where_it_was_dropped_and_where_its_server_is_silent(pair: Pair) -> None:
    pair.replicated()
    there = obstacle(pair)
    on_standby(pair, f"DROP DATABASE {COPY}")
    dropped = obstacle(pair)
    pair.configure({"failover_server": {"data_source": "127.0.0.1,9"}})
    silent = obstacle(pair)

    assert there is None
    assert f"there is no catalog {COPY} on the Failover Server" == dropped
    assert silent is not None
    assert "127.0.0.1,9" in silent
