"""The steps that only SQL Server has. Each may run again after a kill."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError, tolerated
from ipfx_failover.events import one_line
from ipfx_failover.livehost import join, parent
from ipfx_failover.replication.facts import backup_of, warnings_of
from ipfx_failover.replication.sqlserver import conversions, names
from ipfx_failover.replication.sqlserver.failback import prepare_for_live, read_replaced
from ipfx_failover.replication.sqlserver.preflight import Preflight, data_directory
from ipfx_failover.replication.sqlserver.prepare import prepare
from ipfx_failover.replication.sqlserver.read_only import (
    READ_ONLY,
    WAS_READ_ONLY,
    MakeReadOnly,
    is_read_only,
)
from ipfx_failover.replication.sqlserver.replaceable import see_replaceable
from ipfx_failover.replication.sqlserver.restoring import Restoring
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.sqlserver.watermark import Watermark
from ipfx_failover.workflow.ports import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfx_failover.config.models import DatabaseSettings
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.state.journal import Parameter
    from ipfx_failover.workflow.ports import Effect, StepKind, Values

PREFLIGHT = "preflight"
RESTORE = "restore beside"
PREPARE = "prepare the copy"
PREPARE_FOR_LIVE = "prepare for live"
CATCH_UP = "catch up"
KEEP = "keep the backup"


@dataclass(frozen=True, slots=True)
class SqlServerWork:
    """What these steps work with: both servers, `live` and `standby`, and the database's table.

    `look_ahead`: sees which history of rows the live catalog has. `catch_up`: brings a new copy to
    where it is (hot), or returns why it does not.
    """

    sides: Mapping[str, SqlServerSide]
    settings: DatabaseSettings
    look_ahead: Callable[[], object]
    catch_up: Callable[[str], str]

    def side(self, values: Values) -> SqlServerSide:
        return self.sides[str(values["side"])]


@dataclass(frozen=True, slots=True)
class LookBefore:
    """Remove what killed runs left, and see that nothing stands against this one."""

    work: SqlServerWork

    def describe(self, values: Values) -> str:
        return f"look at {values['database']}, at both servers, and for room"

    def do(self, values: Values) -> Outcome:
        source, target = self.work.side(values), self.work.sides[str(values["target_side"])]
        database, current = str(values["database"]), str(values["current"])
        backup, arrives = str(values["backup"]), str(values["arrives"])
        preflight = Preflight(source, target)
        preflight.see_that_it_fits(database, current)
        if target.is_copy:
            see_replaceable(source, database, target, current, values)
            self.work.look_ahead()
        self._see_paths(source, database)
        directory = str(values["directory"] or data_directory(target, current))
        target.sweep_catalogs(current)
        with tolerated():  # what a failback left
            source.sweep_catalogs(database)
        for side, place, catalog in (
            (source, parent(backup), str(values["title"])),
            (target, parent(arrives), str(values["title"])),
            (target, directory, current),
        ):
            with tolerated():  # what cannot be removed takes room, which is seen next
                side.sweep_files(place, catalog)
        preflight.see_room(database, backup, arrives, directory)
        preflight.see_exchange(backup, arrives)
        return Outcome(
            facts={
                "had_current": target.exists(current),
                WAS_READ_ONLY: is_read_only(target, current),
                "data_directory": directory,
            }
        )

    def _see_paths(self, source: SqlServerSide, database: str) -> None:
        with source.server.open(database) as session:
            if source.is_copy:
                conversions.check_lengths(session, conversions.way_back(session))
            else:
                conversions.resolved(session, database, self.work.settings.path_conversions)

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - nothing was changed
        return ()


@dataclass(frozen=True, slots=True)
class RestoreBeside:
    """Restore what was carried as a catalog of its own."""

    work: SqlServerWork

    def describe(self, values: Values) -> str:
        return f"restore the backup beside what is there on {self.work.side(values).name}"

    def do(self, values: Values) -> Outcome:
        side, new = self.work.side(values), str(values["new"])
        side.drop(new)  # a killed run may have begun
        Restoring(
            side=side,
            path=str(values["path"]),
            source=str(values["database"]),
            set_guid=backup_of(values).version,
            new=new,
            directory=str(values["data_directory"]),
        ).restore()
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:
        # What cannot be removed now, the next run's first step removes.
        side, directory = self.work.side(values), str(values["data_directory"])
        with suppress(FailoverError):
            side.drop(str(values["new"]))
            side.sweep_files(directory, names.current_of(str(values["new"])))
        return ()


@dataclass(frozen=True, slots=True)
class PrepareCopy:
    """Make a copy of ours of what was restored: triggers off, paths converted, and so on."""

    work: SqlServerWork

    def describe(self, values: Values) -> str:  # noqa: ARG002 - there is one way
        return "turn off triggers, convert paths, link logins"

    def do(self, values: Values) -> Outcome:
        side, new = self.work.side(values), str(values["new"])
        with told(f"preparing {new} on {side.name}", side.name), side.server.open(new) as session:
            warnings = prepare(
                session,
                new,
                settings=self.work.settings,
                mark=Watermark.of_text(backup_of(values).mark),
                run_id=names.run_of(new),
            )
        return Outcome(facts={"warnings": "\n".join(map(one_line, warnings))})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - it goes as a whole
        return ()


@dataclass(frozen=True, slots=True)
class PrepareForLive:
    """Make a live catalog of what was restored: paths back, triggers and constraints on."""

    work: SqlServerWork

    def describe(self, values: Values) -> str:  # noqa: ARG002 - there is one way
        return "convert paths back, turn on triggers, check constraints"

    def do(self, values: Values) -> Outcome:
        side, new = self.work.side(values), str(values["new"])
        with told(f"preparing {new} on {side.name}", side.name), side.server.open(new) as session:
            current = str(values["current"]) if values["had_current"] else None
            live = read_replaced(session, current) if current else None
            warnings = prepare_for_live(session, new, live=live)
        return Outcome(facts={"warnings": "\n".join(map(one_line, warnings))})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - it goes as a whole
        return ()


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Replay into the new copy what was changed since its backup (hot).

    Before the swap, for which a takeover waits; what comes meanwhile is replayed then. Where it
    cannot be, the copy is a warm one, with a warning.
    """

    work: SqlServerWork

    def describe(self, values: Values) -> str:  # noqa: ARG002 - there is one way
        return "replay what was changed since the backup"

    def do(self, values: Values) -> Outcome:
        warnings = [*warnings_of(values), self.work.catch_up(str(values["new"]))]
        return Outcome(facts={"warnings": "\n".join(map(one_line, filter(None, warnings)))})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - it goes as a whole
        return ()


@dataclass(frozen=True, slots=True)
class KeepBackup:
    """Keep the night's backup here, and the ones before for as many nights as are wanted.

    Behind the swap nothing fails any more: what cannot be kept or removed is left to the next run.
    """

    work: SqlServerWork

    def describe(self, values: Values) -> str:
        return f"keep the backup here, {values['keep']} in all"

    def do(self, values: Values) -> Outcome:
        facts: dict[str, Parameter] = {}
        with tolerated():
            facts |= self._keep(values)
        with tolerated():
            self._thin_out(values)
        return Outcome(facts=facts)

    def _keep(self, values: Values) -> Values:
        side, arrived = self.work.side(values), str(values["path"])
        if not values["keep"] or side.host.stat(arrived) is None:
            return {}
        name = names.kept_backup_name(str(values["current"]), backup_of(values).as_of)
        kept = join(parent(arrived), name)
        side.host.flush_file(arrived)
        side.host.rename(arrived, kept)
        return {"kept_backup": kept}

    def _thin_out(self, values: Values) -> None:
        host, directory = self.work.side(values).host, parent(str(values["path"]))
        found = [entry.name for entry in host.list_directory(directory)]
        kept_names = names.kept_backups(str(values["current"]), found)
        for name in kept_names[: max(0, len(kept_names) - int(values["keep"] or 0))]:
            host.remove(join(directory, name))

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - never undone
        return ()


def kinds(work: SqlServerWork) -> dict[str, StepKind]:
    return {
        PREFLIGHT: LookBefore(work),
        READ_ONLY: MakeReadOnly(work.sides),
        RESTORE: RestoreBeside(work),
        PREPARE: PrepareCopy(work),
        PREPARE_FOR_LIVE: PrepareForLive(work),
        CATCH_UP: CatchUp(work),
        KEEP: KeepBackup(work),
    }
