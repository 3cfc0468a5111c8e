"""The simulated SQL Server as a process, through both ODBC drivers; its faults on the wire."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pyodbc
import pytest

from tests.support.certificates import self_signed
from tests.support.sqlserver_process import SqlServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqlServerProcess]:
    certificate = self_signed(tmp_path).file
    with SqlServerProcess(
        tmp_path / "server", name="DEMO\\CT", certificate=certificate, has_browser=True
    ) as running:
        running.run("CREATE DATABASE S")
        running.run("CREATE TABLE t (k int PRIMARY KEY, a nvarchar(20))", database="S")
        yield running


def fails(connection: pyodbc.Connection, sql: str) -> str:
    with pytest.raises(pyodbc.Error) as caught:
        connection.execute(sql)
    return str(caught.value)


def drain(cursor: pyodbc.Cursor) -> None:
    while cursor.nextset():
        pass


def test_it_survives_being_killed(server: SqlServerProcess, driver: Driver) -> None:
    connection = server.connect("S", driver=driver)
    connection.execute("INSERT t VALUES (1, N'x')")
    connection.execute("BEGIN TRANSACTION; INSERT t VALUES (2, N'late')")
    port = server.port
    server.kill()
    fails(connection, "SELECT 1")
    connection.close()
    server.start()

    assert server.port == port
    assert server.run("SELECT * FROM t", database="S") == [(1, "x")]


def test_it_tells_what_it_was_sent(server: SqlServerProcess, driver: Driver) -> None:
    connection = server.connect("S", driver=driver)
    connection.execute("SELECT a FROM t WHERE k = ?", 1)
    connection.close()
    (said,) = [each for each in server.statements() if "WHERE k" in each.sql]

    assert (said.catalog, said.login, said.sql) == ("S", "sa", "SELECT a FROM t WHERE k = @P1")


def test_its_browser_tells_of_its_port(server: SqlServerProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", server.browser_port))
        client.settimeout(30)
        client.send(b"\x04CT\0")
        answer = client.recv(4096)

    assert f"InstanceName;CT;IsClustered;No;Version;16.0.4085.0;tcp;{server.port};;" in str(answer)


@pytest.mark.parametrize(("at", "kept"), [("before", []), ("after", [(1,)])])
def test_a_connection_is_cut_at_a_statement(
    server: SqlServerProcess, driver: Driver, at: str, kept: list[tuple[int]]
) -> None:
    server.misbehave(f'[[fault]]\nstatement = "^INSERT"\nat = "{at}"\ncut = true')
    connection = server.connect("S", driver=driver)
    fails(connection, "INSERT t VALUES (1, N'x')")
    connection.close()

    assert server.run("SELECT k FROM t", database="S") == kept


@pytest.mark.parametrize("kind", ["prelogin", "login"])
def test_a_connection_is_cut_while_it_begins(
    server: SqlServerProcess, driver: Driver, kind: str
) -> None:
    server.misbehave(f'[[fault]]\nmessage = "{kind}"\ncut = true')
    with pytest.raises(pyodbc.Error):
        server.connect(driver=driver)
    server.connect(driver=driver).close()


def test_a_connection_is_cut_in_the_middle_of_an_answer(
    server: SqlServerProcess, driver: Driver
) -> None:
    many = ", ".join(f"({number}, N'{'x' * 20}')" for number in range(1000))
    server.run(f"INSERT t VALUES {many}", database="S")  # noqa: S608 - made up above
    connection = server.connect("S", driver=driver)
    server.misbehave('[[fault]]\nmessage = "piece"\nnth = 2\ncut = true')
    with pytest.raises(pyodbc.Error):
        connection.execute("SELECT * FROM t").fetchall()
    connection.close()


def test_a_killed_session_has_no_connection_any_more(
    server: SqlServerProcess, driver: Driver
) -> None:
    connection = server.connect("S", driver=driver)
    server.run("ALTER DATABASE S SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    fails(connection, "SELECT 1")
    fails(connection, "SELECT 1")
    connection.close()

    assert server.run("SELECT COUNT(*) FROM sys.dm_exec_sessions") == [(1,)]


def test_a_login_is_refused_by_script(server: SqlServerProcess, driver: Driver) -> None:
    text = "Login failed for user 'sa'."
    server.misbehave(f'[[fault]]\nlogin = "sa"\nerrors = [{{number = 18456, text = "{text}"}}]')
    with pytest.raises(pyodbc.Error, match="18456"):
        server.connect(driver=driver)


def test_it_ends_itself_at_a_percent(
    server: SqlServerProcess, driver: Driver, tmp_path: Path
) -> None:
    server.misbehave('[[fault]]\nstatement = "^BACKUP"\npercent = 50\nkill = "server"')
    connection = server.connect("S", driver=driver)
    cursor = connection.execute(f"BACKUP DATABASE S TO DISK = '{tmp_path}/x' WITH STATS = 1")
    with pytest.raises(pyodbc.Error):
        drain(cursor)
    connection.close()
    server.kill()
    server.start()

    assert server.run("SELECT k FROM t", database="S") == []


def test_it_ends_while_somebody_waits(server: SqlServerProcess, driver: Driver) -> None:
    connection = server.connect("S", driver=driver)
    server.run("BEGIN TRANSACTION")
    server.stop()
    connection.close()


@pytest.mark.parametrize("profile", ["2008r2", "2012express"])
def test_older_ones_are_understood(tmp_path: Path, driver: Driver, profile: str) -> None:
    with SqlServerProcess(tmp_path / "old", profile=profile) as old:
        connection = old.connect(driver=driver)
        (version,) = connection.execute(
            "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(20))"
        ).fetchone()
        connection.close()

    assert version.startswith({"2008r2": "10.50.", "2012express": "11.0."}[profile])


def test_it_speaks_german(tmp_path: Path, driver: Driver) -> None:
    with SqlServerProcess(tmp_path / "german", language="german") as german:
        with pytest.raises(pyodbc.Error, match="Fehler bei der Anmeldung"):
            german.connect(driver=driver, PWD="wrong")  # noqa: S106 - it is wrong

        connection = german.connect(driver=driver)
        cursor = connection.execute(
            f"BACKUP DATABASE master TO DISK = '{tmp_path}/x' WITH INIT, STATS = 50"
        )
        found = [text for _, text in cursor.messages or ()]
        while cursor.nextset():
            found += [text for _, text in cursor.messages or ()]
        connection.close()

    assert "50 Prozent verarbeitet." in found[0]
    assert "erfolgreich verarbeitet" in found[-1]
