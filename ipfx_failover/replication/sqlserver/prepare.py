"""What is done to a restored copy before it is put in the old one's place.

Manual, the log of "Database replication": triggers off, profile paths converted, Reports DB
details updated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver import conversions, record, users
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.transaction import transaction
from ipfx_failover.replication.tsql import converting, preparing, tracking
from ipfx_failover.replication.tsql import users as user_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.config.models import DatabaseSettings
    from ipfx_failover.replication.sqlserver.conversion import Conversion
    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.replication.sqlserver.watermark import Watermark


def prepare(
    session: SqlSession,
    catalog: str,
    *,
    settings: DatabaseSettings,
    mark: Watermark,
    run_id: str,
) -> list[str]:
    """Make the standby's copy of a catalog that was just restored. Returns warnings.

    It may be repeated. `mark`: where the live catalog was before it was backed up.

    Raises:
        Failed: the copy is older than its mark, or its paths cannot be converted.
        SqlRefused, Unreachable: so says the server.
    """
    session.run(preparing.use(catalog))
    if record.run_of(session) != run_id:
        _see_that_it_has_come_to(session, catalog, mark)
        switches = record.as_switches(session.rows(preparing.switched_on()))
        # First of all: a DDL trigger may forbid, or note down, what comes next.
        session.run(preparing.switch_off_database_triggers())
        begun = record.as_beginnings(session.rows(tracking.tracked_tables()))
        record.begin(session, switches, run_id, begun)
    session.run(preparing.standby_options(catalog))
    _end_tracking(session, catalog)
    switch_off(session)
    warnings = _convert(session, catalog, settings, mark, run_id)
    for number, statement in enumerate(settings.after_restore, start=1):
        _run_after_restore(session, number, statement)
        session.run(preparing.use(catalog))  # it may have gone elsewhere
    without = users.link(session)
    give_to_administrator(session, catalog)
    return [*warnings, *without_login(without)]


def switch_off(session: SqlSession) -> None:
    """Switch off in the copy in use what the live server has on."""
    session.run(preparing.switch_off_database_triggers())
    for statement in preparing.switch_off(record.switches(session)):
        session.run(statement)


def give_to_administrator(session: SqlSession, catalog: str) -> None:
    """To `sa`: else a login of the live server owns it, which may not be here."""
    ((owner,),) = session.rows(user_texts.administrator())
    session.run(user_texts.give_to(catalog, str(owner)))


def without_login(names: Sequence[str]) -> list[str]:
    return [f"the user {each} has no login of that name" for each in names]


def _see_that_it_has_come_to(session: SqlSession, catalog: str, mark: Watermark) -> None:
    """A version below the mark's would mean rows that nobody applies."""
    if mark.version is None:
        return
    version = session.rows(tracking.live_mark())[0][0]
    if version is None or int(version) < mark.version:
        raise Failed(
            f"the restored {catalog} has come to version {version} of change tracking, its live "
            f"server had come to {mark.version} before the backup",
            "replicate again; if it stays so, the backup is not of the catalog that is live",
        )


def _end_tracking(session: SqlSession, catalog: str) -> None:
    """Nobody reads the copy's changes; and primary keys could not be dropped (3735)."""
    ((is_tracked, _),) = session.rows(tracking.tracking_state())
    if not is_tracked:
        return
    for schema, table, *_ in session.rows(tracking.tracked_tables()):
        session.run(tracking.untrack_table(str(schema), str(table)))
    session.run(tracking.disable_tracking(catalog))


def _convert(
    session: SqlSession, catalog: str, settings: DatabaseSettings, mark: Watermark, run_id: str
) -> list[str]:
    """Convert the paths, and write the watermark that says so, in one transaction."""
    if record.is_converted(session, run_id):
        return []
    found: list[Conversion] = conversions.resolved(session, catalog, settings.path_conversions)
    warnings = conversions.ambiguous(session, found)
    with transaction(session):
        conversions.convert(session, found)
        for each in found:
            session.run(converting.remember(each))
        session.run(tracking.write_watermark(mark, run_id))
    return warnings


def _run_after_restore(session: SqlSession, number: int, statement: str) -> None:
    try:
        session.work(statement, phase="after restore")
    except SqlRefused as error:
        hint = f"correct statement {number} of after_restore in the config"
        raise SqlRefused(error.message, hint, error.numbers) from error
    ((still_open,),) = session.rows("SELECT @@TRANCOUNT")
    if still_open:
        raise Failed(
            f"statement {number} of after_restore leaves a transaction open: it would be undone",
            f"end statement {number} of after_restore in the config with COMMIT",
        )
