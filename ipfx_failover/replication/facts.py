"""What the steps of a replication found out, out of its journalled facts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ipfx_failover.errors import DoneWithExceptions
from ipfx_failover.replication.engine import Backup

if TYPE_CHECKING:
    from ipfx_failover.events import Value
    from ipfx_failover.workflow.ports import Values


def backup_of(values: Values) -> Backup:
    """The backup that an earlier step made, out of its facts."""
    return Backup(
        path=str(values["backup_path"]),
        size_bytes=int(values["backup_size_bytes"] or 0),
        sha256=str(values["backup_sha256"]),
        as_of=datetime.fromisoformat(str(values["backup_as_of"])),
        version=str(values["backup_version"]),
        mark=str(values.get("backup_mark") or ""),
    )


def sizes(facts: Values) -> dict[str, Value]:
    """How much a run moved, as far as it came to know."""
    known = {"size_bytes": "backup_size_bytes", "files": "files_copied"}
    return {name: int(facts[fact] or 0) for name, fact in known.items() if fact in facts}


def warnings_of(facts: Values) -> list[str]:
    """What the operator should know although all is done."""
    return str(facts.get("warnings") or "").splitlines()


def files_left_out(facts: Values) -> int:
    """How many files could not be brought to the live server."""
    return len(str(facts.get("files_failed") or "").splitlines())


def exceptions_of(name: str, facts: Values) -> DoneWithExceptions | None:
    """What a run for server `name` left out, by its facts; None when it left nothing out."""
    failed = str(facts.get("files_failed") or "").splitlines()
    withheld = str(facts.get("files_withheld") or "").splitlines()
    behind = str(facts.get("left_behind") or "").splitlines()
    hints = []
    if failed:
        hints.append(
            f"bring the rest: ipfx-failover sync-files {name} --to-live (a sync from live keeps "
            "what it replaces in the trash)"
        )
    if withheld:
        hints.append(f"delete on {name} what was meant to go, else it comes back here")
    if behind:
        hints.append(f"ipfx-failover replicate-from-live {name} removes what is left")
    if not hints:
        return None
    left = [*failed, *(f"{path}: deleted here, left on {name}" for path in withheld)]
    given_back = f"given back, and its files but for {len(left)}" if left else "replicated"
    return DoneWithExceptions(
        f"the database of {name} is {given_back}{_not_removed(len(behind))}",
        "; ".join(hints),
        (*left, *behind),
        was_interrupted=bool(facts.get("was_interrupted")),
    )


def _not_removed(number: int) -> str:
    if not number:
        return ""
    return f", but {number} leftover{' was' if number == 1 else 's were'} not removed"
