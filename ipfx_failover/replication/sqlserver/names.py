"""How the catalogs and files of a run are called, and which of them a killed run has left.

Physical names always carry the run and the file's number, because renaming a catalog leaves them:
so no restore ever meets a file that is there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ipfx_failover.livehost import join

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_ENDINGS = {"D": "ndf", "L": "ldf"}
_RUN = r"\d{8}T\d{9}"


def new(catalog: str, run_id: str) -> str:
    """The catalog that a run restores, beside `catalog`."""
    return f"{catalog}__new_{run_id}"


def run_of(new_catalog: str) -> str:
    """The run that restored a catalog."""
    return new_catalog.rpartition("__new_")[2]


def current_of(new_catalog: str) -> str:
    """The catalog that it is to replace."""
    return new_catalog.rpartition("__new_")[0]


def previous(catalog: str, run_id: str) -> str:
    """The catalog that a run has replaced, until it is dropped."""
    return f"{catalog}__old_{run_id}"


def stray_catalogs(catalog: str, names: Iterable[str]) -> list[str]:
    """Those that killed runs left. Without a `catalog`, its predecessor is all that there is."""
    known = list(names)
    kinds = "new|old" if any(name.casefold() == catalog.casefold() for name in known) else "new"
    pattern = re.compile(rf"{re.escape(catalog)}__({kinds})_{_RUN}", re.IGNORECASE)
    return [name for name in known if pattern.fullmatch(name)]


def backup_name(catalog: str, run_id: str) -> str:
    """The backup file of a run; its title in msdb, too, without the ending."""
    return f"{catalog}.run-{run_id}.bak"


def safety_name(catalog: str, run_id: str) -> str:
    """The backup of a live catalog that a failback is about to replace."""
    return f"{catalog}.before-{run_id}.bak"


def is_safety_name(catalog: str, name: str) -> bool:
    """Whether it is that of a `safety_name`, or its title in msdb."""
    return name.startswith(f"{catalog}.before-")


def kept_backup_name(catalog: str, as_of: datetime) -> str:
    """A backup that is kept: its time in UTC, so that names sort as times do.

    To the millisecond: a small catalog is copied more than once a second.
    """
    return f"{catalog}.{as_of:%Y%m%dT%H%M%S}{as_of.microsecond // 1000:03}Z.bak"


def kept_backups(catalog: str, names: Iterable[str]) -> list[str]:
    """Those among `names`, the oldest first."""
    pattern = re.compile(rf"{re.escape(catalog)}\.{_RUN}Z\.bak")
    return sorted(name for name in names if pattern.fullmatch(name))


def data_file(directory: str, catalog: str, run_id: str, file_id: int, kind: str) -> str:
    """Where a restored file goes. `kind`: as RESTORE FILELISTONLY has it (D rows, L log, S, F).

    FILESTREAM containers (S) and full-text catalogs (F) are directories: without an ending.
    """
    ending = "mdf" if file_id == 1 else _ENDINGS.get(kind)
    name = f"{catalog}.{run_id}_{file_id}"
    return join(directory, f"{name}.{ending}" if ending else name)


def is_of_a_run(file_name: str) -> bool:
    """Whether a data file was made by one of our restores."""
    return re.search(rf"\.{_RUN}_\d+(\.(mdf|ndf|ldf))?$", file_name) is not None


def stray_files(catalog: str, names: Iterable[str]) -> list[str]:
    """What a run may have left in its directory: backups on their way, and data files.

    Among the data files are those of the catalog in use: see which of them are nobody's.
    """
    data = rf"{_RUN}_\d+\.(mdf|ndf|ldf)"
    pattern = re.compile(rf"{re.escape(catalog)}\.(run-{_RUN}\.bak|{data})", re.IGNORECASE)
    return [name for name in names if pattern.fullmatch(name)]
