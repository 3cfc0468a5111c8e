"""A SQL Server, through pyodbc and an ODBC driver."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover.adapters import sql_browser
from ipfx_failover.adapters.db.sqlserver import drivers, refusals
from ipfx_failover.adapters.db.sqlserver.connecting import connection_string, login_words
from ipfx_failover.adapters.db.sqlserver.helper import Helper
from ipfx_failover.adapters.db.sqlserver.stall import Stall
from ipfx_failover.errors import Failed, Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from ipfx_failover.adapters.db.sqlserver.drivers import Driver
    from ipfx_failover.adapters.db.sqlserver.session import OdbcSession
    from ipfx_failover.clock import Clock
    from ipfx_failover.config.data_source import DataSource
    from ipfx_failover.config.models import SqlServerSettings
    from ipfx_failover.progress import Report

# What indexed views and computed columns need (error 1934), whatever the driver's own defaults;
# and no text is cut (FreeTDS's configuration file says 64 KiB).
_SETTINGS: Final = (
    "SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ARITHABORT ON; "
    "SET CONCAT_NULL_YIELDS_NULL ON; SET QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF; "
    "SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT {lock_timeout_ms}"
)


@dataclass(frozen=True, slots=True)
class OdbcServer:
    """Implements SqlServer. `password` is asked for at each login, and may raise Refused.

    `table`: the config's, where what is wrong is put right; "": it is not in the config yet.
    """

    name: str
    table: str
    source: DataSource
    user: str
    password: Callable[[], str]
    settings: SqlServerSettings
    clock: Clock
    report: Report

    def open(self, catalog: str = "master") -> OdbcSession:
        drivers.load()
        driver = drivers.choose(self.settings.driver)
        refuse_unverified(driver, self.settings)
        helper = Helper(f"SQL Server {self.name}")
        try:
            connection = self._connected(helper, driver, catalog)
        except (Failed, Unreachable) as error:
            helper.end()
            error.hint += f"; see [{self.table}]" if self.table else ""
            raise
        except BaseException:
            helper.end()
            raise
        return self._session(connection, helper)

    def _session(self, connection: Any, helper: Helper) -> OdbcSession:
        from ipfx_failover.adapters.db.sqlserver.session import Manner, OdbcSession

        def watch(number: int) -> Stall:
            return Stall(self, number, self.clock, self.settings.stall_timeout_s)

        manner = Manner(
            name=self.name,
            statement_timeout_s=self.settings.statement_timeout_s,
            watch=watch,
            report=self.report,
        )
        return OdbcSession(connection, helper, manner)

    def _connected(self, helper: Helper, driver: Driver, catalog: str) -> Any:
        import pyodbc

        from ipfx_failover.adapters.db.sqlserver.session import GRACE_S

        server, port = self._where(driver)
        string = connection_string(
            driver,
            self.settings,
            server=server,
            port=port,
            catalog=catalog,
            login=login_words(self.settings, self.user, self._secret()),
        )
        begun = helper.begin(partial(_connect, string, self.settings))
        try:
            return begun.result(self.settings.connect_timeout_s + GRACE_S)
        except TimeoutError:
            raise Unreachable(
                f"{self._whose}: it takes a connection and does not go on with it",
                "see whether it is overloaded, and what its error log says",
            ) from None
        except pyodbc.Error as error:
            is_windows = self.settings.login == "windows"
            known = refusals.not_connected(error, self._whose, self._account, is_windows=is_windows)
            if known is None:
                raise
            raise known from None
        finally:
            if not begun.done():
                begun.add_done_callback(_close)

    @property
    def _whose(self) -> str:
        return f"{self.name} ({self.source})"

    @property
    def _account(self) -> str:
        return self.user if self.settings.login == "sql" else "this Windows account"

    def _secret(self) -> str:
        return self.password() if self.settings.login == "sql" else ""

    def _where(self, driver: Driver) -> tuple[str, int | None]:
        """Host and port. Drivers say little about why they do not get there, and take long.

        On Windows Microsoft's own driver knows more ways than TCP, and finds them itself.
        """
        source = self.source
        if os.name == "nt" and not driver.is_free_tds and source.port in {None, 1433}:
            return str(source), None
        host = "localhost" if source.is_this_machine else source.host
        try:
            return host, _port(host, source, self.settings.connect_timeout_s)
        except (Failed, Unreachable) as error:
            raise type(error)(f"{self._whose}: {error.message}", error.hint) from None


def refuse_unverified(driver: Driver, settings: SqlServerSettings) -> None:
    """FreeTDS verifies certificates only by its own configuration file, if at all.

    Raises:
        Refused: they are to be verified, and this driver does not.
    """
    if driver.is_free_tds and settings.encrypt and not settings.trust_server_certificate:
        raise Refused(
            "FreeTDS does not verify the server's certificate",
            "install Microsoft's driver (pip install mssql-python-odbc), or set "
            "trust_server_certificate = true",
        )


def _connect(string: str, settings: SqlServerSettings) -> Any:
    import pyodbc

    connection = pyodbc.connect(string, autocommit=True, timeout=settings.connect_timeout_s)
    try:
        # Else what is varchar there would go through the code page of this process's locale.
        connection.setdecoding(pyodbc.SQL_CHAR, encoding="utf-16le", ctype=pyodbc.SQL_WCHAR)
        lock_timeout_ms = settings.statement_timeout_s * 500
        connection.execute(_SETTINGS.format(lock_timeout_ms=lock_timeout_ms)).close()
    except BaseException:
        connection.close()
        raise
    return connection


def _close(late: Future[Any]) -> None:
    """Close a connection for which nobody waits any more."""
    if late.exception() is None:
        late.result().close()


def _port(host: str, source: DataSource, timeout_s: float) -> int:
    """A port where somebody listens.

    Raises: as `sql_browser.find`, and as `_knock`.
    """
    port = source.port or sql_browser.find(host, str(source.instance), timeout_s=timeout_s)
    _knock(host, port, timeout_s)
    return port


def _knock(host: str, port: int, timeout_s: float) -> None:
    """See whether somebody listens there.

    Raises:
        Unreachable: nobody does, or it is not to be found out.
    """
    where = f"port {port} of {host}"
    try:
        with suppress(ConnectionResetError):
            socket.create_connection((host, port), timeout_s).close()
    except socket.gaierror:
        raise sql_browser.unknown_host(host) from None
    except ConnectionRefusedError:
        raise Unreachable(
            f"{where} refuses the connection",
            "see whether its SQL Server runs with TCP/IP switched on, and correct data_source",
        ) from None
    except TimeoutError:
        raise Unreachable(
            f"{where} does not answer within {timeout_s:g} s",
            "see whether it is up and firewalls let the port through, and correct data_source",
        ) from None
    except OSError as error:
        raise Unreachable(
            f"{where} cannot be reached: {error.strerror}", "see to this machine's network"
        ) from None
