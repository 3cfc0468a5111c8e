"""What drivers and servers say, as values."""

from __future__ import annotations

import pytest

from ipfx_failover.adapters.db.sqlserver.refusals import (
    Diagnostic,
    diagnostics,
    explained,
    not_connected,
)
from ipfx_failover.adapters.db.sqlserver.said import Said, last_number
from ipfx_failover.errors import Failed, Refused, Unreachable
from ipfx_failover.replication.sqlserver.session import SqlRefused

_MICROSOFT = "[Microsoft][ODBC Driver 18 for SQL Server]"


@pytest.mark.parametrize(
    "text",
    [
        f"{_MICROSOFT}[SQL Server]70 percent processed.",
        "[FreeTDS][SQL Server]70 Prozent verarbeitet.",
        "[FreeTDS][SQL Server]%70 işlendi.",
    ],
)
def test_percent_is_read_in_any_language(text: str) -> None:
    assert 70 == Said.of("[01000] (3211)", text).percent


def test_other_messages_have_no_percent() -> None:
    assert Said.of("[01000] (4035)", "[FreeTDS][SQL Server]Processed 8 pages").percent is None


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("BACKUP DATABASE [a] TO DISK = N'b'", 3014),
        ("restore database [a] FROM DISK = N'b'", 3014),
        ("RESTORE VERIFYONLY FROM DISK = N'b'", 3262),
        ("DBCC CHECKDB WITH PHYSICAL_ONLY", None),
    ],
)
def test_each_work_has_its_last_message(sql: str, number: int | None) -> None:
    assert number == last_number(sql)


def test_all_diagnostics_of_an_error_are_read() -> None:
    text = (
        f"[42000] {_MICROSOFT}[SQL Server]Falsche Syntax (siehe 'x'). (102) (SQLExecDirectW); "
        f"[42000] {_MICROSOFT}[SQL Server]Statement(s) could not be\nprepared. (8180)"
    )

    assert [
        Diagnostic("42000", "Falsche Syntax (siehe 'x')", 102),
        Diagnostic("42000", "Statement(s) could not be prepared", 8180),
    ] == diagnostics(text)


def test_a_refusal_has_the_servers_own_words_and_number() -> None:
    text = f"[42000] {_MICROSOFT}[SQL Server]Cannot open backup device. (3201) (SQLExecDirectW)"
    found = explained(Exception("42000", text), "DEMOSERVER")

    assert isinstance(found, SqlRefused)
    assert ("DEMOSERVER: Cannot open backup device (3201)", 3201) == (found.message, found.number)
    assert "let the account of the SQL Server service" in found.hint


@pytest.mark.parametrize(
    "text",
    [
        f"[08S01] {_MICROSOFT}TCP Provider: Error code 0x68 (104) (SQLExecDirectW)",
        "[08S01] [FreeTDS][SQL Server]Communication link failure (0) (SQLExecDirectW)",
        "[08S01] [FreeTDS][SQL Server]Write to the server failed (20006) (SQLExecDirectW)",
        f"[HYT00] {_MICROSOFT}Query timeout expired (0) (SQLExecDirectW)",
        f"[HY000] {_MICROSOFT}[SQL Server]The session is killed. (596) (SQLExecDirectW)",
    ],
)
def test_a_lost_connection_is_known_whoever_says_it(text: str) -> None:
    assert isinstance(explained(Exception("x", text), "DEMOSERVER"), Unreachable)


def test_a_mistake_of_ours_is_not_explained_away() -> None:
    error = Exception("The SQL contains 0 parameter markers, but 1 parameters were supplied")

    assert explained(error, "DEMOSERVER") is None


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            f"[08001] {_MICROSOFT}SSL Provider: [error:0A000086:SSL routines::certificate verify "
            "failed:self-signed certificate] (-1) (SQLDriverConnect)",
            Failed,
            "DEMOSERVER: its certificate is not trusted: certificate verify failed:self-signed",
        ),
        (
            f"[08001] {_MICROSOFT}SSL Provider: [error:0A000102:SSL routines::unsupported "
            "protocol] (-1) (SQLDriverConnect)",
            Failed,
            "DEMOSERVER: it offers no encryption that is still safe (TLS 1.2): unsupported",
        ),
        (
            f"[08001] {_MICROSOFT}SSL Provider: [error:0A000278:SSL routines::legacy sigalg "
            "disallowed or unsupported] (-1) (SQLDriverConnect)",
            Failed,
            "DEMOSERVER: it offers no encryption that is still safe (TLS 1.2): legacy sigalg",
        ),
        (
            "[01000] [unixODBC][Driver Manager]Can't open lib '/x.so' : file not found (0) "
            "(SQLDriverConnect)",
            Refused,
            "the ODBC driver cannot be loaded",
        ),
        (
            f"[28000] {_MICROSOFT}[SQL Server]Fehler bei der Anmeldung. (18456) (SQLDriverConnect)",
            SqlRefused,
            "DEMOSERVER: login failed for sa: Fehler bei der Anmeldung (18456)",
        ),
        (
            f"[HYT00] {_MICROSOFT}Login timeout expired (0) (SQLDriverConnect)",
            Unreachable,
            "DEMOSERVER: no connection: Login timeout expired",
        ),
    ],
)
def test_why_no_connection_came_about_is_said(text: str, kind: type, words: str) -> None:
    found = not_connected(Exception("x", text), "DEMOSERVER", "sa")

    assert isinstance(found, kind)
    assert words in str(found)


def test_what_a_server_says_does_nothing_to_a_terminal() -> None:
    text = (
        "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]a\x1b[2Jb (50000) (SQLExec)"
    )

    assert [r"a\x1b[2Jb"] == [each.text for each in diagnostics(text)]
