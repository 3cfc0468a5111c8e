"""Which SQL Servers can be played."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.sqlserver.engine.server import ServerProfile

_TDS_7_3, _TDS_7_4 = 0x730B0003, 0x74000004


@dataclass(frozen=True, slots=True)
class Profile:
    """A server, and the newest TDS that it speaks."""

    server: ServerProfile
    tds_version: int

    def named(self, name: str, language: str) -> Profile:
        """The same, as SERVER or SERVER\\INSTANCE, telling its messages in a language."""
        return replace(self, server=replace(self.server, server_name=name, language=language))


PROFILES = {
    "2008r2": Profile(
        ServerProfile((10, 50, 6000), "Standard Edition (64-bit)", level="SP3"), _TDS_7_3
    ),
    "2012express": Profile(
        ServerProfile((11, 0, 7001), "Express Edition (64-bit)", level="SP4"), _TDS_7_4
    ),
    "2022": Profile(ServerProfile(), _TDS_7_4),
}
