"""The wire of the simulated SQL Server: both ODBC drivers understand it, and it them."""

from __future__ import annotations

import ssl
import threading
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyodbc
import pytest

from tests.sqlserver import drivers
from tests.sqlserver.results import (
    MAX,
    Column,
    DatabaseChanged,
    Done,
    Kind,
    Login,
    LoginRefusedError,
    Message,
    OpenTransaction,
    Prepared,
    ResultSet,
    ReturnStatus,
    SqlType,
    Welcome,
)
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.results import Parameter, Result

GUID = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")
DAYS = date(2021, 7, 30).toordinal() - 1
TICKS_A_DAY = 864_000_000_000
VALUES: list[tuple[SqlType, Any, Any]] = [
    (SqlType(Kind.BIT), 1, True),
    (SqlType(Kind.TINYINT), 200, 200),
    (SqlType(Kind.SMALLINT), -5, -5),
    (SqlType(Kind.INT), -70_000, -70_000),
    (SqlType(Kind.BIGINT), 2**40, 2**40),
    (SqlType(Kind.REAL), 1.5, 1.5),
    (SqlType(Kind.FLOAT), -2.25, -2.25),
    (SqlType(Kind.DECIMAL, precision=20, scale=4), Decimal("-123.4567"), Decimal("-123.4567")),
    (SqlType(Kind.NUMERIC, precision=38, scale=0), Decimal(10**37), Decimal(10**37)),
    (SqlType(Kind.MONEY), Decimal("-12.3456"), Decimal("-12.3456")),
    (SqlType(Kind.SMALLMONEY), Decimal("7.5"), Decimal("7.5")),
    (SqlType(Kind.DATE), DAYS, date(2021, 7, 30)),
    (SqlType(Kind.TIME, scale=7), 36_000_000_120, time(1, 0, 0, 12)),
    (
        SqlType(Kind.DATETIME2, scale=3),
        DAYS * TICKS_A_DAY + 1_230_000,
        datetime(2021, 7, 30, 0, 0, 0, 123_000),  # noqa: DTZ001 - as SQL Server has it
    ),
    (
        SqlType(Kind.DATETIME),
        39_000 * 300 * 86_400 + 150,
        datetime(2006, 10, 12, 0, 0, 0, 500_000),  # noqa: DTZ001 - as SQL Server has it
    ),
    (
        SqlType(Kind.SMALLDATETIME),
        40_000 * 1440 + 61,
        datetime(2009, 7, 8, 1, 1),  # noqa: DTZ001 - as SQL Server has it
    ),
    (SqlType(Kind.UNIQUEIDENTIFIER), GUID, str(GUID).upper()),
    (SqlType(Kind.VARBINARY, 20), b"\0abc", b"\0abc"),
    (SqlType(Kind.VARBINARY, MAX), b"x" * 100_000, b"x" * 100_000),
    (SqlType(Kind.IMAGE), b"image", b"image"),
    (SqlType(Kind.TIMESTAMP), bytes(7) + b"\1", bytes(7) + b"\1"),
    (SqlType(Kind.CHAR, 4), "ab  ", "ab  "),
    (SqlType(Kind.VARCHAR, 20), "Zürich", "Zürich"),
    (SqlType(Kind.TEXT), "text", "text"),
    (SqlType(Kind.NVARCHAR, 20), "Ω € 😀", "Ω € 😀"),
    (SqlType(Kind.NVARCHAR, MAX), "é" * 50_000, "é" * 50_000),
    (SqlType(Kind.NTEXT), "ntext", "ntext"),
    (SqlType(Kind.XML), "<a/>", "<a/>"),
    (SqlType(Kind.INT), None, None),
    (SqlType(Kind.NVARCHAR, 20), None, None),
    (SqlType(Kind.VARBINARY, MAX), None, None),
]


class Script:
    """A session whose answers are the test's. `asked`: what came over the wire."""

    welcome = Welcome("master", "SIMULATED", (16, 0, 4085))
    open_transaction = OpenTransaction()

    def __init__(self) -> None:
        self.answers: dict[str, Sequence[Result]] = {}
        self.asked: list[Prepared] = []
        self.logins: list[Login] = []
        self.waits = threading.Event()
        self.cancelled = threading.Event()

    def log_in(self, login: Login) -> Script:
        self.logins.append(login)
        if login.password != drivers.PASSWORD:
            raise LoginRefusedError(Message(18456, 14, f"Login failed for user '{login.user}'."))
        return self

    def execute(self, statement: Prepared) -> Iterator[Result]:
        self.asked.append(statement)
        if statement.sql == "wait":
            self.waits.set()
            assert self.cancelled.wait(30)
        yield from self.answers.get(statement.sql, [Done()])

    def call(self, procedure: str, parameters: Sequence[Parameter]) -> Iterator[Result]:  # noqa: ARG002 - the port
        yield Message(2812, 16, f"Could not find stored procedure '{procedure}'.")
        yield Done(is_error=True)
        yield ReturnStatus(0)

    def cancel(self) -> None:
        self.cancelled.set()

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def listener(script: Script, tmp_path: Path) -> Iterator[Listener]:
    context = self_signed(tmp_path).server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # FreeTDS hangs with 1.3
    with Listener(script, WireProfile((16, 0, 4085), tls=context)) as listening:
        yield listening


@pytest.fixture
def connection(driver: Driver, listener: Listener) -> Iterator[pyodbc.Connection]:
    connected = driver.connect(listener.port)
    yield connected
    connected.close()


def test_every_type_comes_as_it_was_sent(connection: pyodbc.Connection, script: Script) -> None:
    columns = [Column(f"c{number}", kind) for number, (kind, _, _) in enumerate(VALUES)]
    row = [value for _, value, _ in VALUES]
    script.answers["everything"] = [ResultSet(columns, [row, row]), Done(2)]
    first, second = connection.execute("everything").fetchall()

    assert list(first) == [expected for _, _, expected in VALUES]
    assert list(second) == list(first)


@pytest.mark.parametrize("kind", [Kind.HIERARCHYID, Kind.GEOMETRY, Kind.GEOGRAPHY])
def test_a_type_of_the_clr_is_bytes_to_one_driver_and_a_udt_to_the_other(
    connection: pyodbc.Connection, driver: Driver, script: Script, kind: Kind
) -> None:
    """pyodbc takes no UDT (-151): the product never selects one as it is."""
    column = Column("c", SqlType(kind))
    script.answers["udt"] = [ResultSet([column], [[b"\x5a\xc0"], [None]]), Done(2)]
    if driver.name == "FreeTDS":
        assert [b"\x5a\xc0", None] == [row[0] for row in connection.execute("udt").fetchall()]
    else:
        with pytest.raises(pyodbc.ProgrammingError, match="ODBC SQL type -151"):
            connection.execute("udt").fetchall()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (5, Kind.INT),
        (2**40, Kind.BIGINT),
        ("Zürich 😀", Kind.NVARCHAR),
        (b"\0abc", Kind.VARBINARY),
        (Decimal("12.34"), Kind.NUMERIC),
        (1.5, Kind.FLOAT),
    ],
)
def test_a_parameter_comes_as_it_was_bound(
    connection: pyodbc.Connection, script: Script, value: object, kind: Kind
) -> None:
    connection.execute("INSERT t VALUES (?)", value)
    asked = script.asked[-1]
    (parameter,) = asked.values

    assert asked.sql == "INSERT t VALUES (@P1)"
    assert asked.declarations.lower().startswith("@p1 ")
    assert parameter.value == value
    assert parameter.type.kind in {kind, Kind.DECIMAL}


def test_messages_of_progress_are_results_of_their_own(
    connection: pyodbc.Connection, script: Script
) -> None:
    said = [f"{percent} percent processed." for percent in (10, 50, 100)]
    script.answers["backup"] = [
        part for text in said for part in (Message(3211, 0, text), Done())
    ] + [Message(3014, 0, "BACKUP DATABASE successfully processed 8 pages."), Done()]
    cursor = connection.execute("backup")
    seen = [*cursor.messages]
    while cursor.nextset():
        seen += cursor.messages

    assert [code for code, _ in seen] == ["[01000] (3211)"] * 3 + ["[01000] (3014)"]


def test_an_error_has_its_number_and_text(connection: pyodbc.Connection, script: Script) -> None:
    script.answers["fail"] = [
        Message(3202, 16, 'Write on "x" failed'),
        Done(is_error=True),
        Message(3013, 16, "BACKUP DATABASE is terminating abnormally."),
        Done(is_error=True),
    ]

    with pytest.raises(pyodbc.Error, match=r'Write on "x" failed .*3202'):
        connection.execute("fail")

    script.answers["go on"] = [ResultSet([Column("a", SqlType(Kind.INT))], [[7]]), Done(1)]

    assert connection.execute("go on").fetchval() == 7


def test_rows_that_were_changed_are_counted(connection: pyodbc.Connection, script: Script) -> None:
    script.answers["update"] = [Done(42)]

    assert connection.execute("update").rowcount == 42


def test_another_catalog_is_told(connection: pyodbc.Connection, script: Script) -> None:
    script.answers["USE [other]"] = [DatabaseChanged("other", "master"), Done()]
    connection.execute("USE [other]")

    assert connection.getinfo(pyodbc.SQL_DATABASE_NAME) == "other"


def test_what_runs_can_be_called_off(connection: pyodbc.Connection, script: Script) -> None:
    cursor = connection.cursor()
    failed: list[pyodbc.Error] = []

    def run() -> None:
        try:
            cursor.execute("wait")
        except pyodbc.Error as error:
            failed.append(error)

    running = threading.Thread(target=run)
    running.start()
    assert script.waits.wait(30)
    cursor.cancel()
    running.join()
    connection.execute("afterwards")

    assert script.cancelled.is_set()
    assert script.asked[-1].sql == "afterwards"
    assert ["cancel" in str(error).lower() for error in failed] in ([True], [])


def test_a_wrong_password_is_refused(driver: Driver, listener: Listener) -> None:
    with pytest.raises(pyodbc.Error, match="18456"):
        driver.connect(listener.port, PWD="wrong")  # noqa: S106 - of a server that is none


def test_a_login_tells_who_it_is(driver: Driver, listener: Listener, script: Script) -> None:
    driver.connect(listener.port, DATABASE="CTSERVER").close()

    assert script.logins[-1].user == "sa"
    assert script.logins[-1].password == drivers.PASSWORD
    assert script.logins[-1].database == "CTSERVER"


def test_without_encryption_only_the_login_is_encrypted(
    driver: Driver, listener: Listener, script: Script
) -> None:
    script.answers["q"] = [ResultSet([Column("a", SqlType(Kind.INT))], [[7]]), Done(1)]
    connected = driver.connect(listener.port, encrypt=False)

    assert connected.execute("q").fetchval() == 7

    connected.close()


def test_a_certificate_that_nobody_trusts_is_refused(listener: Listener) -> None:
    with pytest.raises(pyodbc.Error, match=r"certificate|SSL"):
        drivers.microsoft().connect(listener.port, TrustServerCertificate="no")


def test_a_server_without_a_certificate_is_refused_by_who_wants_encryption(
    driver: Driver, script: Script
) -> None:
    with (
        Listener(script, WireProfile((10, 50, 6000), tds_version=0x730B0003)) as listening,
        pytest.raises(pyodbc.Error),
    ):
        driver.connect(listening.port)


def test_an_old_server_speaks_an_older_protocol(driver: Driver, script: Script) -> None:
    script.answers["q"] = [ResultSet([Column("a", SqlType(Kind.INT))], [[7]]), Done(1)]
    profile = WireProfile((10, 50, 6000), tds_version=0x730B0003)
    with Listener(script, profile) as listening:
        connected = driver.connect(listening.port, encrypt=False)

        assert connected.execute("q").fetchval() == 7

        connected.close()
