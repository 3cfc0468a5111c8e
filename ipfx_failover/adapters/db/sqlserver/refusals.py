"""What a server or a driver says when it fails, as errors of ours.

Errors of the server are known by their number; its text is in the server's language. See
"Database Engine events and errors" in Microsoft's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ipfx_failover.errors import Failed, FailoverError, Refused, Unreachable
from ipfx_failover.events import one_line
from ipfx_failover.replication.sqlserver.session import SqlRefused

_RECORD: Final = re.compile(
    r"\[(?P<state>[0-9A-Z]{5})\] ?(?P<drivers>(?:\[[^\]]*\])+)(?P<text>.*?) "
    r"\((?P<number>-?\d+)\)(?: \(SQL\w+\))?(?=$|; \[)",
    re.DOTALL,
)
_SERVER: Final = "[SQL Server]"
_FREE_TDS: Final = "[FreeTDS]"
_OF_FREE_TDS: Final = range(20000, 21000)
"""Of its own errors, which it says to be the server's."""

_LOST_BY_FREE_TDS: Final = frozenset({20004, 20006, 20017, 20047})
"""Cannot read or write, the end came, the connection is dead."""
_ENDS_SESSION: Final = frozenset({596, 6002, 6005, 6006, 17142})
"""Killed, or the server shuts down."""
_TOO_OLD: Final = ("unsupported protocol", "no protocols available", "legacy sigalg")
"""How OpenSSL 3 refuses TLS 1.0 and 1.1."""
_LOST_STATES: Final = ("08", "HYT")

_LOGIN: Final = "correct user_id and password, or whether the login is enabled and not expired"
_SPACE: Final = "free some space there, and try again"
_IN_USE: Final = "close what uses it (sys.dm_exec_sessions says who does), and try again"
_DAMAGED: Final = "see to that server's disks, and try again; a fresh backup is made each time"
_ACCOUNT: Final = (
    "let the account of the SQL Server service read and write that directory, and use one on a "
    "disk of that server"
)
_SSPI: Final = "SSPI Provider: "
"""How Microsoft's driver begins what Kerberos says, or Windows itself."""
_TICKET: Final = (
    "see that the account that this runs as is one of the domain and has a Kerberos ticket (kinit; "
    "klist shows it), or use a login of SQL Server"
)
_LENGTH: Final = (
    "a value is longer than its column, as a converted path may be: make the column longer on the "
    "live server, then replicate from live"
)
_RIGHTS: Final = "give the login the right, or use one that has the role sysadmin"
HINTS: Final = {
    **dict.fromkeys((18456, 18486, 18470), _LOGIN),
    18452: "use the account of a trusted domain, or a login of SQL Server with user_id",
    18487: "change the password of the login, then the secret in the config",
    18488: "change the password of the login, then the secret in the config",
    4060: "see whether it is there and ONLINE, and let the login use it",
    911: "correct catalog in the config",
    **dict.fromkeys((229, 230, 262, 297, 300, 916, 3110, 5011, 15247, 15151), _RIGHTS),
    **dict.fromkeys((112, 3257, 1105, 9002, 3202, 5149), _SPACE),
    **dict.fromkeys((3201, 5110, 5123, 5133), _ACCOUNT),
    **dict.fromkeys((924, 3101, 5030, 5061, 5064, 5070, 1222), _IN_USE),
    **dict.fromkeys((823, 824, 825, 3013, 3043, 3183, 3189, 3203, 3241, 3242), _DAMAGED),
    927: "wait until its restore is done, or drop it",
    **dict.fromkeys((2628, 8152), _LENGTH),
    1205: "try again: another session held what was needed",
    1801: "drop or rename that catalog",
    1827: "take an edition without this limit: Express holds 10 GB in a catalog",
    1834: "find out which catalog uses the file, and move one of them",
    1844: "the edition cannot do this",
    3169: "take the same version of SQL Server on both machines",
    909: "take the same edition on both machines, or switch the feature off",
    33111: "copy the certificate of its encryption (TDE) to the other server first",
    3952: "ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON; hot enable does that",
}
_NO_IDEA: Final = "look into the server's error log; `server test` tries what is needed"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One of the messages behind an error. `number`: 0 where the driver itself says it."""

    state: str
    text: str
    number: int


def diagnostics(text: str) -> list[Diagnostic]:
    """From what pyodbc makes of them: `[state] [vendor][driver]text (number) (call); …`."""
    return [
        Diagnostic(_state(found), _one_line(found["text"]), _number(found))
        for found in _RECORD.finditer(text)
    ]


def _state(found: re.Match[str]) -> str:
    """As the driver has it; FreeTDS calls a connection that has ended 01000, a warning."""
    is_lost = _FREE_TDS in found["drivers"] and int(found["number"]) in _LOST_BY_FREE_TDS
    return _LOST_STATES[0] if is_lost else found["state"]


def _number(found: re.Match[str]) -> int:
    number = int(found["number"])
    if _SERVER not in found["drivers"] or number < 0:
        return 0
    return 0 if _FREE_TDS in found["drivers"] and number in _OF_FREE_TDS else number


def _one_line(text: str) -> str:
    return one_line(" ".join(text.split())).rstrip(".")


def explained(error: Exception, name: str) -> FailoverError | None:
    """The error of a statement; None for one that pyodbc itself has, a mistake of ours."""
    found = diagnostics(str(error.args[-1]) if error.args else "")
    if not found:
        return None
    first = found[0]
    if first.number in _ENDS_SESSION:
        return lost(name, f"{first.text} ({first.number})")
    if not first.number and first.state.startswith(_LOST_STATES):
        return lost(name, first.text)
    numbers = tuple(each.number for each in found)
    return refused(name, first.text, numbers)


def refused(name: str, text: str, numbers: tuple[int, ...]) -> SqlRefused:
    """The refusal of a statement by the server `name`."""
    number = numbers[0]
    said = f"{text} ({number})" if number else text
    return SqlRefused(f"{name}: {said}", HINTS.get(number, _NO_IDEA), numbers)


def lost(name: str, reason: str) -> Unreachable:
    return Unreachable(
        f"{name}: the connection is lost: {reason}",
        "see whether its SQL Server runs and can be reached, and try again",
    )


def not_connected(
    error: Exception, name: str, user: str, *, is_windows: bool = False
) -> FailoverError | None:
    """Why no connection came about; None as in `explained`.

    `is_windows`: whether it was to log in as the account that this runs as.
    """
    found = diagnostics(str(error.args[-1]) if error.args else "")
    if not found:
        return None
    first = found[0]
    if first.number == 18456:
        text = f"login failed for {user}: {first.text}"
        return refused(name, text, tuple(each.number for each in found))
    if first.number:
        return refused(name, first.text, tuple(each.number for each in found))
    known = _of_windows(first.text, name, user) or _of_encryption(first.text, name)
    if known is not None:
        return known
    if first.state == "IM002" or "Can't open lib" in first.text:
        return Refused(
            f"the ODBC driver cannot be loaded: {first.text}",
            "correct driver in the config, or install what it needs: "
            "apt-get install libltdl7 libkrb5-3 libgssapi-krb5-2",
        )
    # FreeTDS says the same where there is no ticket, and where nobody goes on with the connection.
    ticket = f'; with login = "windows": {_TICKET}' if is_windows else ""
    return Unreachable(
        f"{name}: no connection: {first.text}",
        f"see whether its SQL Server runs, and what its error log says{ticket}",
    )


def _of_windows(text: str, name: str, user: str) -> FailoverError | None:
    if not text.startswith(_SSPI):
        return None
    return Failed(f"{name}: no login as {user}: {text.removeprefix(_SSPI)}", _TICKET)


def _of_encryption(text: str, name: str) -> FailoverError | None:
    said = text.casefold()
    if "certificate" in said:
        return Failed(
            f"{name}: its certificate is not trusted: {_reason(text)}",
            "install its issuer's certificate here and use the name that it is for in data_source, "
            "or set trust_server_certificate = true",
        )
    if any(words in said for words in _TOO_OLD):
        return Failed(
            f"{name}: it offers no encryption that is still safe (TLS 1.2): {_reason(text)}",
            "update its SQL Server to one that speaks TLS 1.2, or set encrypt = false",
        )
    if "ssl" in said or "tls" in said or "encrypt" in said:
        return Failed(
            f"{name}: no encrypted connection: {_reason(text)}",
            "see to the certificate of its SQL Server, or set encrypt = false",
        )
    return None


def _reason(text: str) -> str:
    """What OpenSSL says, without its own numbers."""
    return text.rpartition("::")[2].rstrip("]") if "::" in text else text
