"""Connection strings, in the words of each driver."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.adapters.db.sqlserver.drivers import Driver
    from ipfx_failover.config.models import SqlServerSettings

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]+")
PROGRAM: Final = "ipfx-failover"
"""What the server's own lists call our sessions."""


def connection_string(
    driver: Driver,
    settings: SqlServerSettings,
    *,
    server: str,
    port: int | None,
    catalog: str,
    login: Mapping[str, str],
) -> str:
    """For a driver. `server`: as the driver takes it; `login`: see `login_words`.

    Raises:
        Refused: the driver cannot be told one of the values.
    """
    words = {"DRIVER": driver.location, "DATABASE": catalog, "APP": PROGRAM, **login}
    if driver.is_free_tds:
        words |= {"SERVER": server, "TDS_Version": "7.4", "ClientCharset": "UTF-8"}
        words |= {"PORT": str(port)} if port is not None else {}
        words["Encryption"] = "require" if settings.encrypt else "off"
    else:
        words["SERVER"] = server if port is None else f"tcp:{server},{port}"
        words["Encrypt"] = _yes_no(settings.encrypt)
        words["TrustServerCertificate"] = _yes_no(settings.trust_server_certificate)
        # By default it connects again by itself, and a SINGLE_USER catalog is somebody else's.
        words["ConnectRetryCount"] = "0"
        words["MARS_Connection"] = "no"
    quoted = _quoted_for_free_tds if driver.is_free_tds else _quoted
    return ";".join(f"{key}={quoted(value)}" for key, value in words.items())


def login_words(settings: SqlServerSettings, user: str, password: str) -> dict[str, str]:
    if settings.login == "windows":
        return {"Trusted_Connection": "Yes"}
    return {"UID": user, "PWD": password}


def _yes_no(flag: bool) -> str:  # noqa: FBT001 - a value, not an option
    return "yes" if flag else "no"


def _quoted(value: str) -> str:
    """In braces, in which everything means itself."""
    return "{" + value.replace("}", "}}") + "}"


def _quoted_for_free_tds(value: str) -> str:
    """As FreeTDS 1.3.17 reads it: numbers bare; within braces nothing but their end, `};`."""
    if _PLAIN.fullmatch(value):
        return value
    if "};" in value:
        raise Refused(
            "FreeTDS takes no password, user ID or catalog with }; in it",
            "install Microsoft's driver (pip install mssql-python-odbc), or choose another one",
        )
    return "{" + value + "}"
