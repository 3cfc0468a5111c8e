"""Faults by script: rules that say when what goes wrong, in TOML or as objects.

    [[fault]]
    statement = "MODIFY NAME"     # a pattern that a batch has, whatever the case
    nth = 2                       # the second time
    errors = [{ number = 5030, text = "…" }, { number = 5069, text = "…" }]

When: `statement`, `catalog` (the session's), `login` (a pattern for the user), `percent` of a
BACKUP or RESTORE, `message` of the wire (prelogin, login, batch, rpc, transaction, attention,
piece: part of an answer); `at` is before, or after: it was carried out, and the client does not
hear of it. `nth` counts from 1; `times` says how often from then on, 0 for always.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.misdeeds import misbehave
from tests.sqlserver.results import LoginRefusedError, Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Login


@dataclass(slots=True)
class Fault:
    """One rule. What it does, in this order:

    `touch` makes a file, `stall_s` waits, `until` waits for a file, `steal` lets somebody into a
    catalog, `damage` (header, body, end, newer) spoils a backup `file` or the one of the statement,
    `forget` cleans up a catalog's history, `fork` makes it one that was restored, `free_mib` leaves
    so much room, `kill` ends the session or the server, `cut` the connection, `errors` are raised.
    """

    statement: str = ""
    catalog: str = ""
    login: str = ""
    message: str = ""
    percent: int | None = None
    at: str = "before"
    nth: int = 1
    times: int = 1
    touch: str = ""
    stall_s: float = 0.0
    until: str = ""
    steal: str = ""
    damage: str = ""
    file: str = ""
    forget: str = ""
    fork: str = ""
    free_mib: int | None = None
    kill: str = ""
    cut: bool = False
    errors: Sequence[dict[str, Any]] = ()
    seen: int = 0

    def is_due(self) -> bool:
        """Count that the rule holds once more; whether it is the time."""
        self.seen += 1
        return self.seen >= self.nth and (not self.times or self.seen < self.nth + self.times)

    def messages(self) -> list[Message]:
        usual: dict[str, Any] = {"severity": 16, "text": "a fault"}
        return [Message(**(usual | each)) for each in self.errors]


@dataclass
class Faults:
    """The rules of a server. `path`: they are read there, and again whenever the file changes."""

    rules: list[Fault] = field(default_factory=list)
    path: Path | None = None
    fired: list[Fault] = field(default_factory=list)
    _read: tuple[int, int] = (0, 0)

    def attach(self, server: SimulatedServer) -> None:
        """Let them happen on a server."""
        self._refresh()
        server.on_login = lambda login: self._at_login(server, login)
        server.on_statement = lambda session, sql: self._at_statement(session, sql, "before")
        server.after_statement = lambda session, sql: self._at_statement(session, sql, "after")
        server.on_progress = self._at_progress
        server.on_message = lambda kind: self._at_message(server, kind)

    def _refresh(self) -> None:
        if self.path is None or not self.path.exists():
            return
        now = self.path.stat()
        if self._read == (now.st_mtime_ns, now.st_ino):
            return
        self._read = now.st_mtime_ns, now.st_ino
        try:
            self.rules = rules_of(self.path.read_text(encoding="utf-8"))
        except (TypeError, ValueError) as error:
            sys.stderr.write(f"{self.path}: {error}\n")

    def _at_login(self, server: SimulatedServer, login: Login) -> None:
        self._refresh()
        for rule in self.rules:
            if rule.login and re.search(rule.login, login.user, re.IGNORECASE) and rule.is_due():
                self._do(server, rule, None)
                if rule.errors:
                    raise LoginRefusedError(rule.messages()[0])

    def _at_statement(self, session: EngineSession, sql: str, at: str) -> None:
        self._refresh()
        for rule in self.rules:
            if rule.percent is None and rule.at == at and _is_about(rule, session, sql):
                self._happen(rule, session)

    def _at_progress(self, session: EngineSession, percent: float) -> None:
        self._refresh()
        for rule in self.rules:
            if rule.percent == percent and _is_about(rule, session, session.batch):
                self._happen(rule, session)

    def _at_message(self, server: SimulatedServer, kind: str) -> None:
        self._refresh()
        for rule in self.rules:
            if rule.message == kind and rule.is_due():
                self._do(server, rule, None)

    def _happen(self, rule: Fault, session: EngineSession) -> None:
        if not rule.is_due():
            return
        self._do(session.server, rule, session)
        if rule.errors:
            raise SqlError(*rule.messages())

    def _do(self, server: SimulatedServer, rule: Fault, session: EngineSession | None) -> None:
        self.fired.append(rule)
        misbehave(server, rule, session)


def rules_of(text: str) -> list[Fault]:
    """The rules of a script.

    Raises:
        ValueError, TypeError: it is none, or has a key that is not known.
    """
    return [Fault(**table) for table in tomllib.loads(text).get("fault", [])]


def _is_about(rule: Fault, session: EngineSession, sql: str) -> bool:
    if not rule.statement and rule.percent is None:
        return False
    if rule.catalog and rule.catalog.casefold() != session.database.casefold():
        return False
    return re.search(rule.statement, sql, re.IGNORECASE) is not None
