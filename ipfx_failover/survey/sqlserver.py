"""What `server test` looks at on the two SQL Servers between which a catalog is copied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed
from ipfx_failover.files.names import OWN_PREFIX
from ipfx_failover.history.wording import size
from ipfx_failover.livehost import join
from ipfx_failover.replication.rows.schema import (
    read_foreign_keys,
    read_tables,
    torn,
    wanted_tables,
)
from ipfx_failover.replication.rows.switching import (
    UNSEEN,
    read_retention,
    sees_definitions,
)
from ipfx_failover.replication.sqlserver import fitness, names
from ipfx_failover.replication.sqlserver.plan import Places
from ipfx_failover.replication.sqlserver.preflight import Preflight, look_at
from ipfx_failover.replication.sqlserver.replaceable import see_replaceable
from ipfx_failover.replication.tsql import backup, tracking
from ipfx_failover.replication.tsql import server as asking
from ipfx_failover.survey import live
from ipfx_failover.survey.check import Check, attempt, failed, not_tried, ok, warning

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.sqlserver.side import SqlServerSide

STANDBY: Final = "Standby Connection"
VERSIONS: Final = "Versions"
CATALOG: Final = "Catalog"
WAY_BACK: Final = "Way back"
TRACKING: Final = "Change tracking"
FOLLOWED: Final = "Followed tables"
BACKUP_THERE: Final = "Backup there"
BACKUP_HERE: Final = "Backup here"
SPACE: Final = "Space"

_SMALL: Final = "model"
"""A catalog that each server has; its backup is about 3 MB."""


@dataclass(frozen=True, slots=True)
class SqlTrial:
    """The test of a live server's SQL Server and of ours."""

    server: ServerSettings
    live: SqlServerSide
    standby: SqlServerSide
    clock: Clock

    def connections(self) -> Generator[Check, None, Mapping[str, Check]]:
        """What needs no file of the live server.

        Returns:
            Those of the two connections that failed, by name.
        """
        there = attempt(live.DATABASE, lambda: _connection(live.DATABASE, self.live))
        here = attempt(STANDBY, lambda: _connection(STANDBY, self.standby))
        yield there
        if there.level == "ok":
            yield attempt(live.CLOCK, self._clock)
        yield here
        if lost := {each.name: each for each in (there, here) if each.level != "ok"}:
            return lost
        versions = attempt(VERSIONS, self._versions)
        yield versions
        if versions.level == "ok":
            yield attempt(CATALOG, self._catalog)
            yield attempt(WAY_BACK, self._way_back)
        if self.server.real_time != "off":
            yield attempt(TRACKING, self._tracking)
            yield attempt(FOLLOWED, self._followed)
        return lost

    def directories(self, lost: Mapping[str, Check]) -> Iterator[Check]:
        """Whether each SQL Server and we reach the same directories, and their room.

        Each failed login counts, where a policy locks an account after some: none is repeated.

        Args:
            lost: the connections that failed, as `connections` returns them.
        """
        at = Places.of(self.server)
        there = partial(_exchanged, BACKUP_THERE, self.live, at.live_directory)
        here = partial(_exchanged, BACKUP_HERE, self.standby, at.directory)
        for name, look, needed in (
            (BACKUP_THERE, there, {live.DATABASE}),
            (BACKUP_HERE, here, {STANDBY}),
            (SPACE, self._space, {live.DATABASE, STANDBY}),
        ):
            missing = [check for each, check in lost.items() if each in needed]
            yield not_tried(name, missing[0]) if missing else attempt(name, look)

    def _clock(self) -> Check:
        with self.live.server.open() as session:
            before = self.clock.now()
            ((there,),) = session.rows("SELECT SYSUTCDATETIME()")
            after = self.clock.now()
        theirs = there.replace(tzinfo=UTC)
        early_s, late_s = (theirs - after).total_seconds(), (theirs - before).total_seconds()
        return live.agreement(max(0.0, early_s) + min(0.0, late_s))

    def _versions(self) -> Check:
        source, target = self.live.instance(), self.standby.instance()
        if refusal := fitness.instance_refusal(source, target):
            return failed(VERSIONS, refusal)
        return ok(VERSIONS, f"{source} on both sides")

    def _catalog(self) -> Check:
        at = Places.of(self.server)
        Preflight(self.live, self.standby).see_that_it_fits(at.live, at.standby)
        see_replaceable(self.live, at.live, self.standby, at.standby, {"discards": True})
        look = look_at(self.live, at.live)
        return ok(
            CATALOG,
            f"{at.live} is {look.state}, {size(look.data_bytes)}; it may be copied to {at.standby}",
        )

    def _way_back(self) -> Check:
        with self.live.server.open() as session:
            ((may,),) = session.rows(asking.MAY_RESTORE)
        if may:
            return ok(WAY_BACK, f"the login may restore on {self.live.name}")
        return warning(
            WAY_BACK,
            f"the login of {self.live.name} may not restore a catalog: replicate-to-live would "
            "fail",
            "give it the role sysadmin there, or use a login that has it",
        )

    def _tracking(self) -> Check:
        catalog = Places.of(self.server).live
        with self.live.server.open(catalog) as session:
            ((is_tracked, has_snapshots),) = session.rows(tracking.tracking_state())
            kept, is_short = read_retention(session) if is_tracked else ("", False)
            sees = sees_definitions(session)
        if is_tracked and has_snapshots and is_short:
            return warning(
                TRACKING,
                f"is kept {kept}: after a longer outage the whole database is copied again",
                f"ALTER DATABASE [{catalog}] SET CHANGE_TRACKING (CHANGE_RETENTION = 7 DAYS)",
            )
        if is_tracked and has_snapshots and not sees:
            return warning(TRACKING, UNSEEN, f"in {catalog}: GRANT VIEW DEFINITION to its user")
        if is_tracked and has_snapshots:
            return ok(TRACKING, f"is on, kept {kept}, and so is snapshot isolation")
        lacking = "snapshot isolation" if is_tracked else "change tracking"
        return warning(
            TRACKING,
            f"{lacking} is off on {self.live.name}: no row is followed",
            f"ipfx-failover hot enable {self.server.name}",
        )

    def _followed(self) -> Check:
        catalog, database = Places.of(self.server).live, self.server.database
        named = database.configuration_tables if database else ()
        with self.live.server.open(catalog) as session:
            tables = read_tables(session)
            choice = wanted_tables(tables, self.server.real_time, named, catalog)
            keys = torn(choice, read_foreign_keys(session))
        left = "; ".join(f"{table}: {why}" for table, why in choice.left.items())
        if left and self.server.real_time == "configuration":
            table = f"[servers.{self.server.name}.database]"
            return warning(FOLLOWED, f"not {left}", f"correct configuration_tables in {table}")
        if keys:
            tables_too = "follow both tables; one without a primary key needs one"
            return warning(FOLLOWED, "; ".join(keys), tables_too)
        count = f"{len(choice.followed)} of {len(tables)}"
        if any(table.is_denied and table.shown in choice.left for table in tables.values()):
            return warning(
                FOLLOWED,
                f"{count}; not {left}",
                f"give the login these rights on {self.live.name}, or leave it at nightly copies",
            )
        return ok(FOLLOWED, f"{count}; not {left}" if left else count)

    def _space(self) -> Check:
        at = Places.of(self.server)
        title = names.backup_name(at.standby, "test")
        backup_file, arrives = join(at.live_directory, title), join(at.directory, title)
        flight = Preflight(self.live, self.standby)
        flight.see_room(at.live, backup_file, arrives, at.directory)
        return ok(SPACE, "enough on both sides for the backup, and here for the copy")


def _connection(name: str, side: SqlServerSide) -> Check:
    instance = side.instance()
    return ok(name, f"Successful ({instance}, {instance.version}, {instance.edition})")


def _exchanged(name: str, side: SqlServerSide, directory: str) -> Check:
    """Have the server write a small backup, read and remove it."""
    path = join(directory, f"{OWN_PREFIX}-test.bak")  # what stays there is written over
    side.host.make_directory(directory)
    try:
        with side.server.open() as session:
            text = backup.back_up(
                _SMALL, path, title="test", description="server test", compress=False
            )
            session.work(text, phase="test")
        found = side.host.stat(path)
        if found is None:
            raise Failed(
                f"{path} is not where the SQL Server of {side.name} has written it",
                "see that it is the same directory for both: is the share mounted?",
            )
        read_bytes = len(next(iter(side.host.read_file(path)), b""))
    finally:
        if side.host.stat(path) is not None:
            side.host.remove(path)
    if not read_bytes:
        raise Failed(f"{path} is empty", "look into that server's error log")
    return ok(name, f"its SQL Server writes to {directory}, and we read it")
