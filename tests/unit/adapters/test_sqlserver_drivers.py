"""Which ODBC driver is taken, and what it is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ipfx_failover.adapters.db.sqlserver.connecting import connection_string, login_words
from ipfx_failover.adapters.db.sqlserver.drivers import Driver, choose, installed, load
from ipfx_failover.adapters.db.sqlserver.server import refuse_unverified
from ipfx_failover.config.models import SqlServerSettings
from ipfx_failover.errors import Refused
from tests.sqlserver import drivers

MICROSOFT = Driver("ODBC Driver 18 for SQL Server")
FREE_TDS = Driver("FreeTDS")


def settings(**given: Any) -> SqlServerSettings:
    return SqlServerSettings.model_validate(given)


def string(driver: Driver, password: str = "x", **given: Any) -> str:  # noqa: S107 - of nothing
    how = settings(**given)
    return connection_string(
        driver,
        how,
        server="demo",
        port=1500,
        catalog="CTSERVER",
        login=login_words(how, "sa", password),
    )


def test_microsofts_newest_comes_first_and_free_tds_last() -> None:
    registered = ["FreeTDS", "ODBC Driver 17 for SQL Server", "ODBC Driver 18 for SQL Server"]
    found = [each.location for each in installed(registered) if "/" not in each.location]

    assert ["ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server", "FreeTDS"] == found


def test_what_pip_has_installed_is_found_without_being_registered() -> None:
    (found,) = installed([])

    assert drivers.microsoft().library == found.location
    assert "ODBC Driver 18 for SQL Server" == found.words


def test_no_connection_is_kept_that_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its catalog would be in use at the swap (5030)."""
    monkeypatch.setattr(load(), "pooling", True)

    assert load().pooling is False


def test_a_driver_may_be_named_by_the_path_of_its_library() -> None:
    library = drivers.free_tds().library

    assert Driver(library) == choose(library)
    assert choose(library).is_free_tds


@pytest.mark.parametrize("wanted", ["ODBC Driver 11 for SQL Server", "/nowhere/libmsodbcsql.so"])
def test_a_driver_that_is_not_there_is_named(wanted: str) -> None:
    with pytest.raises(Refused) as caught:
        choose(wanted)

    assert wanted in caught.value.message


def test_free_tds_is_refused_where_a_certificate_is_to_be_verified() -> None:
    with pytest.raises(Refused, match="does not verify"):
        refuse_unverified(FREE_TDS, settings())
    refuse_unverified(FREE_TDS, settings(trust_server_certificate=True))
    refuse_unverified(FREE_TDS, settings(encrypt=False))
    refuse_unverified(MICROSOFT, settings())


def test_encryption_is_on_and_verified_by_default() -> None:
    told = string(MICROSOFT)

    assert "Encrypt={yes};TrustServerCertificate={no};ConnectRetryCount={0}" in told
    assert "SERVER={tcp:demo,1500}" in told


def test_each_weakening_is_what_the_config_says() -> None:
    assert "TrustServerCertificate={yes}" in string(MICROSOFT, trust_server_certificate=True)
    assert "Encrypt={no}" in string(MICROSOFT, encrypt=False)
    assert "Encryption=off" in string(FREE_TDS, encrypt=False)
    assert "Encryption=require" in string(FREE_TDS)


@pytest.mark.parametrize(
    ("driver", "word"),
    [(MICROSOFT, "Trusted_Connection={Yes}"), (FREE_TDS, "Trusted_Connection=Yes")],
)
def test_a_login_of_windows_has_neither_user_nor_password(driver: Driver, word: str) -> None:
    told = string(driver, login="windows")

    assert word in told
    assert "UID" not in told
    assert "PWD" not in told


def test_nothing_in_a_password_ends_it() -> None:
    assert "PWD={a}};b}" in string(MICROSOFT, "a};b")
    assert "PWD={a;b}c}" in string(FREE_TDS, "a;b}c")


@pytest.mark.parametrize(
    ("stand_in", "message", "hint"),
    [
        (
            "raise ModuleNotFoundError('no pyodbc', name='pyodbc')",
            "a SQL Server needs the package pyodbc, which is not installed",
            f"{sys.executable} -m pip install 'ipfx-failover[sqlserver]'",
        ),
        (
            "raise ImportError('libodbc.so.2: cannot open shared object file')",
            "the package pyodbc cannot be loaded: libodbc.so.2: cannot open shared object file",
            "apt-get install unixodbc",
        ),
    ],
)
def test_what_is_missing_is_said_with_its_install_line(
    tmp_path: Path, stand_in: str, message: str, hint: str
) -> None:
    (tmp_path / "pyodbc.py").write_text(f"{stand_in}\n")
    script = (
        "from ipfx_failover.adapters.db.sqlserver import drivers\n"
        "from ipfx_failover.errors import Refused\n"
        "try:\n    drivers.load()\n"
        "except Refused as error:\n    print(error.message, error.hint, sep='|')\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[3]}"},
    )

    assert f"{message}|{hint}" == said.stdout.strip()
