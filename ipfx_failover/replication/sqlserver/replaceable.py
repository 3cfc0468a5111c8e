"""Whether the catalog that a new copy is to replace may go: nobody else's, nor the newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.side import mark_of
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.tsql import server as asking

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.replication.sqlserver.watermark import Watermark
    from ipfx_failover.workflow.ports import Values


def see_replaceable(
    source: SqlServerSide, database: str, target: SqlServerSide, current: str, facts: Values
) -> None:
    """See that no rows are lost for good when a copy of `database` replaces `current`.

    `facts`: what the state store knows (`refusals.known_of_copy`).

    Raises:
        Refused: it is no copy of ours, or may have rows that the live server lacks.
    """
    if not target.exists(current):
        return
    with (
        told(f"looking into {current} on {target.name}", target.name),
        target.server.open(current) as copy,
    ):
        if record.run_of(copy) is None:
            if copy.rows(asking.ANY_TABLE):
                raise _not_ours(current, target.name)
            return  # made by hand, so that its directory is used
        is_taken, mark = record.is_taken(copy), record.mark(copy)
    if facts["discards"] or facts["was_given_back"]:
        return
    if is_taken and not facts["has_stood_in"]:
        raise _not_without_word(
            source.name,
            f"the copy of {source.name} has stood in, of which the state store knows nothing",
        )
    # One that has stood in was discarded since: else authority forbids it.
    if is_taken or mark is None:
        return
    if not mark.is_of_the_same_live_as(_live_mark(source, database)):
        raise _not_without_word(
            source.name,
            f"the live catalog of {source.name} was itself restored from a backup: the copy may "
            "have newer rows",
        )


def _live_mark(source: SqlServerSide, database: str) -> Watermark:
    with (
        told(f"looking into {database} on {source.name}", source.name),
        source.server.open(database) as live,
    ):
        return mark_of(live)


def _not_ours(catalog: str, where: str) -> Refused:
    return Refused(
        f"{catalog} on {where} is no copy that was made by ipfx-failover",
        "rename or drop it there, or call the server otherwise in the config",
    )


def _not_without_word(server: str, reason: str) -> Refused:
    return Refused(
        f"{reason}; it is replaced with --discard-standby only",
        f"look at it; to give it to the Primary: ipfx-failover replicate-to-live {server} "
        f"--overwrite; else: ipfx-failover replicate-from-live {server} --discard-standby, which "
        "keeps a backup of it",
    )
