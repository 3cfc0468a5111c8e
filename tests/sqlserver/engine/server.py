"""The simulated server: its catalogs, logins and sessions, behind one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.sqlserver.engine.languages import message_in
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.engine.shelf import Shelf
from tests.sqlserver.recording import record
from tests.sqlserver.results import Login, LoginRefusedError, Message, Welcome
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.remembering import BackupMade, LoginAccount
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.statement_log import StatementLog
    from tests.sqlserver.results import Prepared

FIRST_SESSION = 51
"""Below are the server's own."""
_COMPATIBILITY = {10: 100, 11: 110, 12: 120, 13: 130, 14: 140, 15: 150, 16: 160}


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """Which SQL Server it plays."""

    version: tuple[int, int, int] = (16, 0, 4085)
    edition: str = "Developer Edition (64-bit)"
    server_name: str = "SIMULATED"
    level: str = "RTM"
    language: str = "english"

    @property
    def is_express(self) -> bool:
        return self.edition.startswith("Express")

    @property
    def compatibility(self) -> int:
        return _COMPATIBILITY[self.version[0]]

    @property
    def can_compress(self) -> bool:
        """Express never compresses backups."""
        return not self.is_express


@dataclass(slots=True)
class Doing:
    """What a session does that takes long. `moved`: grows while it goes on."""

    command: str
    percent: float = 0.0
    wait: str | None = None
    moved: int = 0
    since: int = field(default_factory=datetime_now)


_NOT_OPEN = {
    "RESTORING": (927, "It is in the middle of a restore."),
    "RECOVERING": (922, "It is being recovered. Waiting until recovery is finished."),
    "SUSPECT": (926, "It has been marked SUSPECT by recovery."),
    "OFFLINE": (942, "It is offline."),
}


def _nothing(session: EngineSession, about: object) -> None:
    """No fault."""


def _nobody(_: object) -> None:
    """No fault."""


@dataclass
class SimulatedServer(Shelf):
    """`directory`: where data files lie that nobody says another place for."""

    directory: Path
    profile: ServerProfile = field(default_factory=ServerProfile)
    catalogs: dict[str, Catalog] = field(default_factory=dict)
    logins: dict[str, LoginAccount] = field(default_factory=dict)
    sessions: dict[int, EngineSession] = field(default_factory=dict)
    free_bytes: int = 2**40
    total_bytes: int = 2**41
    said: list[str] = field(default_factory=list)
    """Every batch that came, in its order."""
    log: StatementLog | None = None
    on_statement: Callable[[EngineSession, str], None] = _nothing
    """Called before each batch; what it raises fails the batch."""
    after_statement: Callable[[EngineSession, str], None] = _nothing
    """Called when a batch was carried out, before its client hears of the end."""
    on_progress: Callable[[EngineSession, float], None] = _nothing
    """Called at each percent of a BACKUP or RESTORE; it may wait, or raise what fails it."""
    on_login: Callable[[Login], None] = _nobody
    on_message: Callable[[str], None] = _nobody
    """Called with the kind of each message of the wire."""
    backups: list[BackupMade] = field(default_factory=list)
    """What msdb remembers of those that were made here."""
    restores: list[tuple[int, str, str]] = field(default_factory=list)
    muted: set[int] = field(default_factory=set)
    """Numbers of messages that no client hears."""

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self._next_session = FIRST_SESSION
        self.open()

    def hear(self, session: EngineSession, statement: Prepared) -> None:
        """Remember a batch."""
        self.said.append(statement.sql)
        record(session.program, statement.sql)
        if self.log is not None:
            self.log.put(session, statement)

    def log_in(self, login: Login) -> EngineSession:
        """A new session.

        Raises:
            LoginRefusedError: a wrong password (18456), or a catalog that cannot be opened (4060).
        """
        try:
            return self._log_in(login)
        except LoginRefusedError as error:
            told = message_in(self.profile.language, error.message)
            raise LoginRefusedError(told) from None

    def _log_in(self, login: Login) -> EngineSession:
        self.on_login(login)
        with self.changed:
            account = self.logins.get(login.user.casefold())
            if account is None or account.password != login.password:
                text = f"Login failed for user '{login.user}'."
                raise LoginRefusedError(Message(18456, 14, text))
            database = login.database or "master"
            try:
                catalog = self.catalog(database)
                self.check_usable(catalog, None)
            except SqlError:
                text = f'Cannot open database "{database}" requested by the login. Login failed.'
                raise LoginRefusedError(Message(4060, 11, text)) from None
            return self._new_session(account, login, catalog)

    def _new_session(self, account: LoginAccount, login: Login, catalog: Catalog) -> EngineSession:
        from tests.sqlserver.engine.session import EngineSession

        number = self._next_session
        self._next_session += 1
        self.sessions[number] = EngineSession(self, number, account, login, catalog.name)
        return self.sessions[number]

    def intrude(self, name: str) -> EngineSession:
        """Somebody else is in a catalog, whoever has it alone; until he is thrown out."""
        login = Login("sa", "", name, "INTRUDER", "Management Studio")
        with self.changed:
            return self._new_session(self.logins["sa"], login, self.catalog(name))

    def welcome(self, database: str) -> Welcome:
        said = (
            Message(5701, 0, f"Changed database context to '{database}'.", 2),
            Message(5703, 0, "Changed language setting to us_english."),
        )
        language = self.profile.language
        return Welcome(
            database,
            self.profile.server_name,
            self.profile.version,
            language={"german": "Deutsch"}.get(language, "us_english"),
            told=[message_in(language, each) for each in said],
        )

    def check_usable(self, catalog: Catalog, session: EngineSession | None) -> None:
        """See that a session may use a catalog.

        Raises:
            SqlError: it is being restored (927) or recovered (922), OFFLINE (942), SUSPECT (926),
                or another has it alone (924).
        """
        if catalog.state in _NOT_OPEN:
            number, why = _NOT_OPEN[catalog.state]
            text = f"Database '{catalog.name}' cannot be opened. {why}"
            raise SqlError(Message(number, 14, text))
        if catalog.access == "RESTRICTED_USER" and session and not session.account.may("sysadmin"):
            text = f"Database '{catalog.name}' is in restricted mode."
            raise SqlError(Message(923, 14, text))
        if catalog.access == "SINGLE_USER":
            others = [each for each in self.users_of(catalog) if each is not session]
            if others:
                text = f"Database '{catalog.name}' is already open and can only have one user."
                raise SqlError(Message(924, 14, text))

    def users_of(self, catalog: Catalog) -> list[EngineSession]:
        """The sessions that are in a catalog."""
        name = catalog.name.casefold()
        return [each for each in self.sessions.values() if each.database.casefold() == name]

    def rename(self, catalog: Catalog, new: str) -> None:
        """MODIFY NAME: the files keep theirs.

        Raises:
            SqlError: there is one of that name (1801).
        """
        if new.casefold() in self.catalogs:
            text = f"Database '{new}' already exists. Choose a different database name."
            raise SqlError(Message(1801, 16, text))
        for session in self.users_of(catalog):
            session.database = new
        del self.catalogs[catalog.name.casefold()]
        catalog.name = new
        self.add(catalog)

    def close(self) -> None:
        """Write all catalogs into their files; whoever waits for something waits no longer."""
        self.closing.set()
        with self.changed:
            for catalog in self.catalogs.values():
                for sequence in catalog.sequences.values():
                    sequence.settle()
                self.save(catalog)
            self.remember()
