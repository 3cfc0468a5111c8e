"""PURE: BACKUP, after the manual ("Database replication"), made safe.

COPY_ONLY leaves the differential chain of others alone; CHECKSUM lets RESTORE see any damage.
"""

from __future__ import annotations

from ipfx_failover.replication.tsql.text import name, text


def back_up(catalog: str, path: str, *, title: str, description: str, compress: bool) -> str:
    """A full backup to a new file; `title` finds it again in msdb (`SET_GUID`)."""
    options = [
        "COPY_ONLY",
        "FORMAT",
        "INIT",
        "CHECKSUM",
        *(["COMPRESSION"] if compress else []),
        "STATS = 1",
        f"NAME = {text(title)}",
        f"DESCRIPTION = {text(description)}",
    ]
    return f"BACKUP DATABASE {name(catalog)} TO DISK = {text(path)} WITH {', '.join(options)}"


SET_GUID = (
    "SELECT TOP (1) backup_set_uuid FROM msdb.dbo.backupset WHERE database_name = ? AND name = ? "
    "ORDER BY backup_set_id DESC"
)
"""What the server remembers of a backup: RESTORE HEADERONLY must tell the same."""
