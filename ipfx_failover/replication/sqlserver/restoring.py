"""A backup restored beside what is there, under names that nothing has yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipfx_failover.errors import Failed
from ipfx_failover.livehost import base_name
from ipfx_failover.replication.sqlserver import names
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.tsql import restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.replication.sqlserver.side import SqlServerSide

_FULL = 1


@dataclass(frozen=True, slots=True)
class Restoring:
    """What is restored, and as what.

    `path`: of the backup on the machine of `side`. `source`: the catalog that was backed up;
    `set_guid`: of its backup. `new`, `directory`: the catalog that is made, and where its files go.
    """

    side: SqlServerSide
    path: str
    source: str
    set_guid: str
    new: str
    directory: str

    def restore(self) -> None:
        """Restore it, all checksums checked.

        Raises:
            Failed: it is not the backup that was made.
            SqlRefused, Unreachable: so says the server; `new` may be there, half restored.
        """
        name = self.side.name
        with (
            told(f"restoring {base_name(self.path)} on {name}", name),
            self.side.server.open() as session,
        ):
            self._see_header(session.named_rows(restore.header(self.path)))
            text = restore.restore(self.new, self.path, self._moves(session))
            session.work(text, phase="restore")

    def _see_header(self, found: list[dict[str, Any]]) -> None:
        wanted = {
            "BackupSetGUID": self.set_guid.casefold(),
            "DatabaseName": self.source.casefold(),
            "BackupType": _FULL,
            "HasBackupChecksums": True,
            "IsDamaged": False,
        }
        told_of = [{key: _plain(row[key]) for key in wanted} for row in found]
        if told_of == [wanted]:
            return
        if len(told_of) != 1:
            raise self._another(f"it holds {len(found)} backups")
        wrong = next(key for key in wanted if told_of[0][key] != wanted[key])
        raise self._another(f"{wrong} is {told_of[0][wrong]}, not {wanted[wrong]}")

    def _another(self, reason: str) -> Failed:
        return Failed(
            f"{base_name(self.path)} on {self.side.name} is not the backup that was made: {reason}",
            "find out what else writes to that directory; then try again",
        )

    def _moves(self, session: SqlSession) -> list[tuple[str, str]]:
        return [self._move(row) for row in session.named_rows(restore.file_list(self.path))]

    def _move(self, row: Mapping[str, Any]) -> tuple[str, str]:
        catalog, run_id = names.current_of(self.new), names.run_of(self.new)
        file_id, kind = int(row["FileId"]), str(row["Type"])
        to = names.data_file(self.directory, catalog, run_id, file_id, kind.strip())
        return str(row["LogicalName"]), to


def _plain(value: object) -> object:
    return value if isinstance(value, int) else str(value).strip("{}").casefold()
