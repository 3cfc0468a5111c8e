"""The Windows service as commands of sc.exe. Pure."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.installing import MARK, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "ipfx-failover"
SYSTEM: Final = "LocalSystem"
DESCRIPTION: Final = (
    f"Watches the Primary Servers and stands in for one that fails. {MARK} service install."
)
_TITLE: Final = "IPFX Failover Server"
_PRIVILEGE: Final = "SeChangeNotifyPrivilege"
"""Which every process keeps. What the monitor does takes an administrator, and no privilege."""
# Like the unit's RestartSec=1, but with a pause when it fails again and again: each is logged.
_FAILURES: Final = ("reset=", "600", "actions=", "restart/1000/restart/1000/restart/30000")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the service is to be.

    `account`: as Windows names it. `is_confined`: nothing but our own program runs in it.
    `environment`: `NAME=value`, beside what every service has.
    """

    argv: tuple[str, ...]
    account: str = SYSTEM
    is_confined: bool = True
    environment: tuple[str, ...] = ()

    @property
    def command_line(self) -> str:
        return subprocess.list2cmdline(self.argv)

    @property
    def privileges(self) -> tuple[str, ...]:
        """Those that it is confined to; none: it keeps all of its account."""
        return (_PRIVILEGE,) if self.is_confined else ()


def installation(wanted: Wanted, key: str, *, is_there: bool) -> Iterator[Run]:
    """What makes the service, or changes the one that is there, whose registry key is `key`."""
    what = ("binPath=", wanted.command_line, "start=", "auto", "obj=", wanted.account)
    yield _sc("config" if is_there else "create", *what, "DisplayName=", _TITLE)
    yield _sc("description", DESCRIPTION)
    yield _sc("failure", *_FAILURES)
    if wanted.environment:
        value = ("/v", "Environment", "/t", "REG_MULTI_SZ", "/d", "\\0".join(wanted.environment))
        yield Run(("reg", "add", rf"HKLM\{key}\{NAME}", *value, "/f"))
    # When the system has come up, as the unit waits for network-online.target.
    yield _sc("config", "start=", "delayed-auto", optional=True)
    # An end with an error is a failure, too, and not a crash alone.
    yield _sc("failureflag", "1", optional=True)
    # So that rights can be given to it alone, as NT SERVICE\ipfx-failover.
    yield _sc("sidtype", "unrestricted", optional=True)
    if wanted.account.endswith("$"):
        yield _sc("managedaccount", "true", optional=True)
    if wanted.privileges:
        yield _sc("privs", "/".join(wanted.privileges), optional=True)


def removal(*, is_running: bool) -> Iterator[Run]:
    if is_running:
        yield _sc("stop")
    yield _sc("delete")


def control(verb: str) -> Run:
    """`start` or `stop`."""
    return _sc(verb)


# With its suffix: PowerShell has another `sc`.
def _sc(verb: str, *words: str, optional: bool = False) -> Run:
    return Run(("sc.exe", verb, NAME, *words), optional=optional)
