"""Which ODBC driver is used, and whether there is one at all."""

from __future__ import annotations

import importlib.util
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover.errors import MissingPackage, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MICROSOFT: Final = re.compile(r"ODBC Driver (\d+) for SQL Server")
_PACKAGE: Final = "mssql_python_odbc"
_SHARED_LIBRARY: Final = re.compile(r"\.so(\.|$)|\.dylib$|\.dll$")
_INSTALL: Final = (
    "install Microsoft's (apt-get install msodbcsql18 from its repository, or "
    "pip install mssql-python-odbc), or FreeTDS (apt-get install tdsodbc)"
)


@dataclass(frozen=True, slots=True)
class Driver:
    """An ODBC driver. `location`: its registered name, or the path of its library."""

    location: str

    @property
    def is_free_tds(self) -> bool:
        name = Path(self.location).name.casefold()
        return "freetds" in name or "tdsodbc" in name

    @property
    def words(self) -> str:
        """What people call it."""
        if self.is_free_tds:
            return "FreeTDS"
        version = re.search(r"msodbcsql-?(\d+)", self.location)
        return f"ODBC Driver {version[1]} for SQL Server" if version else self.location


def load() -> Any:
    """The module pyodbc, without its pooling.

    Raises:
        Refused: it, or what it needs, is not installed.
    """
    try:
        import pyodbc
    except ModuleNotFoundError:
        raise MissingPackage("a SQL Server", "pyodbc", extra="sqlserver") from None
    except ImportError as error:  # as: libodbc.so.2: cannot open shared object file
        raise Refused(
            f"the package pyodbc cannot be loaded: {str(error).splitlines()[0]}",
            "apt-get install unixodbc",
        ) from None
    # A pooled connection keeps its catalog in use after it was closed (error 5030 at the swap).
    pyodbc.pooling = False
    return pyodbc


def choose(wanted: str | None) -> Driver:
    """The driver that the config names, or the best one that is installed.

    Raises:
        Refused: it is not installed, or none is.
    """
    registered = load().drivers()
    if wanted is not None:
        return _wanted(wanted, registered)
    best = next(iter(installed(registered)), None)
    if best is None:
        raise Refused("no ODBC driver for SQL Server is installed", _INSTALL)
    return best


def _wanted(wanted: str, registered: list[str]) -> Driver:
    if _SHARED_LIBRARY.search(wanted):
        if not Path(wanted).is_file():
            raise Refused(f"there is no ODBC driver {wanted}", "correct driver in the config")
        return Driver(wanted)
    for each in registered:
        if each.casefold() == wanted.casefold():
            return Driver(each)
    listed = ", ".join(registered) or "none"
    raise Refused(
        f"the ODBC driver {wanted} is not installed; there are: {listed}",
        f"leave driver out of the config, or {_INSTALL}",
    )


def installed(registered: Iterable[str]) -> Iterator[Driver]:
    """Those that we know, the best one first: Microsoft's newest, then FreeTDS.

    Microsoft's is also found where pip put it, which registers nothing.
    """
    versions = {int(found[1]): each for each in registered if (found := _MICROSOFT.fullmatch(each))}
    if 18 in versions:
        yield Driver(versions.pop(18))
    yield from _packaged()
    for version in sorted(versions, reverse=True):
        yield Driver(versions[version])
    for each in registered:
        if Driver(each).is_free_tds:
            yield Driver(each)


def _packaged() -> Iterator[Driver]:
    found = importlib.util.find_spec(_PACKAGE)
    for place in (found and found.submodule_search_locations) or ():
        libraries = Path(place) / "libs" / "linux" / _family() / platform.machine() / "lib"
        for each in sorted(libraries.glob("libmsodbcsql-*.so*"), reverse=True):
            yield Driver(str(each))


def _family() -> str:
    """The directory of this Linux in the package."""
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return "debian_ubuntu"
    likes = f"{told.get('ID', '')} {told.get('ID_LIKE', '')}".split()
    if "suse" in likes:
        return "suse"
    return "rhel" if {"rhel", "fedora", "centos"} & set(likes) else "debian_ubuntu"
