"""A live catalog with change tracking, and a copy of it, on two simulated servers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from ipfx_failover.replication.rows.follower import Ends, Follower
from ipfx_failover.replication.rows.marks import live_mark
from ipfx_failover.replication.rows.schema import wanted_tables
from ipfx_failover.replication.rows.switching import carry_out, read_setup, to_enable
from ipfx_failover.replication.sqlserver.prepare import prepare
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.odbc import odbc_server
from tests.support.sql_copies import move, quoted, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ipfx_failover.config.models import DatabaseSettings
    from tests.sqlserver.drivers import Driver

RUN = "20261122T010000000"
_NUMBERS = count(1)


@dataclass
class Machines:
    """The Primary's SQL Server, and ours."""

    live: SimulatedServer
    standby: SimulatedServer
    ends: Ends
    directory: Path


def machines(driver: Driver, directory: Path) -> Iterator[Machines]:
    live, standby = SimulatedServer(directory / "live"), SimulatedServer(directory / "standby")
    profile = WireProfile(live.profile.version)
    with Listener(live, profile) as here, Listener(standby, profile) as there:
        ends = Ends(
            server="DEMOSERVER",
            live=odbc_server(driver, here.port, encrypt=False),
            catalog="",
            standby=odbc_server(driver, there.port, encrypt=False, name="the Failover Server"),
            copy="",
            wanted=partial(wanted_tables, real_time="all", named=(), catalog="live"),
        )
        yield Machines(live, standby, ends, directory)


class HotCopy:
    """A live catalog with these tables, and a copy that rows are added to. Its block closes it."""

    def __init__(self, at: Machines, tables: Sequence[str], **given: Any) -> None:
        number = next(_NUMBERS)
        self.at = at
        self.catalog, self.copy = f"CT{number}", f"DEMO_CT{number}"
        at.live.create(self.catalog, {})
        self.on_live = Client(at.live, self.catalog)
        self.on_live.run("; ".join(tables))
        self.ends = replace(at.ends, catalog=self.catalog, copy=self.copy)
        with self.ends.live.open(self.catalog) as session:
            statements = to_enable(self.catalog, read_setup(session, self.ends))
            carry_out(session, "DEMOSERVER", statements)
        self.database: DatabaseSettings = settings(**given)
        self.make_copy(self.copy)
        self.on_copy = Client(at.standby, self.copy)
        self.follower = Follower(self.ends)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.follower.close()
        self.on_live.__exit__()
        self.on_copy.__exit__()

    def make_copy(self, name: str, *meanwhile: str) -> None:
        """Back up and restore as `name`; the live server carries statements out meanwhile."""
        with self.ends.live.open(self.catalog) as session:
            mark = live_mark(session)
        for statement in meanwhile:
            self.on_live.run(statement)
        move(self.at.live, self.catalog, self.at.standby, name, self.at.directory)
        with Client(self.at.standby, "master") as client:
            client.run(f"ALTER DATABASE {quoted(name)} SET MULTI_USER")
        with self.ends.standby.open(name) as session:
            prepare(session, name, settings=self.database, mark=mark, run_id=RUN)

    def contents(self, table: str, columns: str = "*") -> tuple[list[Any], list[Any]]:
        """What is in a table on the live server, and in the copy."""
        query = f"SELECT {columns} FROM {table}"  # noqa: S608
        return sorted(self.on_live.run(query), key=repr), sorted(self.on_copy.run(query), key=repr)
