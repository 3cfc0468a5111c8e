"""PURE: whether a catalog of one server can live on another, and come back.

Every rule here is a restore that would fail at its end, or one that could never be undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ipfx_failover.errors import Failed, Refused
from ipfx_failover.history.wording import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.errors import FailoverError
    from ipfx_failover.replication.sqlserver.session import Row

_EXPRESS, _LARGE = 4, 3
_OLDEST = (10, 0)
_R2 = (10, 50)
_GIB = 1 << 30
_NAMES = {
    (10, 0): "2008",
    (10, 50): "2008 R2",
    (11, 0): "2012",
    (12, 0): "2014",
    (13, 0): "2016",
    (14, 0): "2017",
    (15, 0): "2019",
    (16, 0): "2022",
}


@dataclass(frozen=True, slots=True)
class Instance:
    """A SQL Server, as far as it matters. `engine`: SERVERPROPERTY('EngineEdition')."""

    name: str
    version: str
    edition: str
    engine: int

    @classmethod
    def of_row(cls, name: str, row: Row) -> Self:
        """From the row of `tsql.server.SERVER`."""
        version, edition, engine = row
        return cls(name, str(version), str(edition), int(engine))

    @property
    def release(self) -> tuple[int, int]:
        """What must be the same on both sides; 2008 (10.0) and 2008 R2 (10.50) are two."""
        major, minor, *_ = self.version.split(".")
        return int(major), int(minor)

    @property
    def is_express(self) -> bool:
        return self.engine == _EXPRESS

    @property
    def has_all_features(self) -> bool:
        """Enterprise, Developer or Evaluation."""
        return self.engine == _LARGE

    @property
    def largest_bytes(self) -> int | None:
        """How large the data of a catalog may become (1827); None: as it likes."""
        if not self.is_express:
            return None
        return (10 if self.release >= _R2 else 4) * _GIB

    def __str__(self) -> str:
        return f"SQL Server {_NAMES.get(self.release, self.version)}"


@dataclass(frozen=True, slots=True)
class CatalogLook:
    """A catalog, as its server describes it. Sizes are of its files, `used_bytes` of its pages."""

    name: str
    state: str
    is_read_only: bool
    is_encrypted: bool
    data_bytes: int
    log_bytes: int
    used_bytes: int
    features: tuple[str, ...]


def instance_refusal(source: Instance, target: Instance) -> Refused | None:
    """Why no catalog of one may be restored on the other: never up, for it could not come back."""
    for each in (source, target):
        if each.release < _OLDEST:
            return Refused(
                f"{each.name} is SQL Server {each.version}: older than 2008",
                "use SQL Server 2008 or later on both machines",
            )
    if source.release != target.release:
        return Refused(
            f"{source.name} has {source}, {target.name} has {target}: a copy could not come back",
            "install the same version of SQL Server on both machines (editions may differ)",
        )
    return None


def catalog_refusal(look: CatalogLook, source: Instance, target: Instance) -> FailoverError | None:
    """Why this catalog cannot be backed up now, or not be restored there."""
    if look.state != "ONLINE":
        return Failed(
            f"{look.name} on {source.name} is {look.state}",
            f"bring it online on {source.name}, then try again",
        )
    if look.is_read_only:
        return Refused(
            f"{look.name} on {source.name} is read-only: nothing would change there",
            f"ALTER DATABASE [{look.name}] SET READ_WRITE on {source.name}, then try again",
        )
    limit = target.largest_bytes
    if limit is not None and look.data_bytes > limit:
        return Refused(
            f"{look.name} has {size(look.data_bytes)} of data files, and {target.name} "
            f"({target.edition}) takes {size(limit)} (1827)",
            f"install another edition of SQL Server on {target.name}",
        )
    if look.features and not target.has_all_features:
        features = ", ".join(look.features)
        return Refused(
            f"{look.name} uses {features}, which {target.name} ({target.edition}) lacks (909)",
            f"install the edition of {source.name} on {target.name}, or stop using it",
        )
    return None


def bytes_of_backup(look: CatalogLook, *, compressed: bool) -> int:
    """Room for a backup file; for a compressed one what SQL Server sets aside at first (1/3)."""
    pages = int(look.used_bytes * 1.1)
    return pages // 3 if compressed else pages


def bytes_of_copy(look: CatalogLook) -> int:
    """Room for the restored files, which are as large as the ones that were backed up."""
    return look.data_bytes + look.log_bytes


def total(rows: Sequence[Row], *, of_log: bool) -> int:
    """The sizes of `tsql.server.FILES` added up."""
    return sum(int(size_bytes or 0) for kind, _, size_bytes in rows if (kind == 1) is of_log)
