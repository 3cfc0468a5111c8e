"""Connection strings, in the words of each driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.adapters.db.sqlserver.drivers import Driver
    from ipfx_failover.config.models import SqlServerSettings

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
    """For a driver. `server`: as the driver takes it; `login`: see `login_words`."""
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
    return ";".join(f"{key}={_quoted(value)}" for key, value in words.items())


def login_words(settings: SqlServerSettings, user: str, password: str) -> dict[str, str]:
    if settings.login == "windows":
        return {"Trusted_Connection": "Yes"}
    return {"UID": user, "PWD": password}


def _yes_no(flag: bool) -> str:  # noqa: FBT001 - a value, not an option
    return "yes" if flag else "no"


def _quoted(value: str) -> str:
    """In braces whatever may mean something in a connection string."""
    if value.isascii() and value.replace("-", "").replace("_", "").isalnum():
        return value
    return "{" + value.replace("}", "}}") + "}"
