"""What `init` has to know: said by options, or asked for in the order of the manual's tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.edit import Key
    from ipfx_failover.net import Adapter
    from ipfx_failover.wiring.first_start import FirstStart
    from ipfx_failover.wiring.secret_store import Place

ADAPTER: Final = ("network", "adapter")
SERVICES: Final = ("failover_server", "application", "services")
READY_PORT: Final = ("failover_server", "application", "ready_port")
DATA_SOURCE: Final = ("failover_server", "data_source")
USER_ID: Final = ("failover_server", "user_id")
DATABASE_PASSWORD: Final = ("failover_server", "password")
USERNAME: Final = ("alerts", "username")
MAIL_PASSWORD: Final = ("alerts", "password")
_MAIL_KEYS: Final = ("smtp_server", "from", "to")
_PLACES: Final[tuple[Place, ...]] = ("file", "keyring")


def take(start: FirstStart, key: Key, text: str) -> None:
    """Keep an answer.

    Raises:
        UsageError: it is none for this key.
    """
    from ipfx_failover.config.given import judge, value_of
    from ipfx_failover.config.wording import row_of

    row = row_of(key)
    assert row is not None  # noqa: S101 - the keys are those of this module
    value = value_of(row, text)
    judge(key, value)
    if key == ADAPTER:
        _see_that_it_exists(text)
    start.values[key] = value


def _see_that_it_exists(name: str) -> None:
    from ipfx_failover.errors import UsageError
    from ipfx_failover.wiring.network import adapters

    names = [each.name for each in adapters()]
    if name not in names:
        known = f"there are: {', '.join(names)}" if names else "there is none"
        raise UsageError(f"there is no network adapter {name!r}", known)


def read_passwords(start: FirstStart, database: str | None, mail: str | None) -> None:
    """Read the passwords of the database and of mail from where the options say."""
    from ipfx_failover.cli.ask import read_password

    for key, source in ((DATABASE_PASSWORD, database), (MAIL_PASSWORD, mail)):
        if source is not None:
            start.passwords[key] = read_password(source)


def see_that_all_is_there(start: FirstStart, *, mail: bool) -> None:
    """Raises: Refused: nobody can be asked for what no option says."""
    from ipfx_failover.errors import Refused

    needed = {ADAPTER: "--adapter"}
    if mail:
        needed |= {("alerts", key): f"--{key.replace('_', '-')}" for key in _MAIL_KEYS}
    if USERNAME in start.values:
        needed[MAIL_PASSWORD] = "--smtp-password-file"
    there = {*start.values, *start.passwords}
    missing = [option for key, option in needed.items() if key not in there]
    if missing:
        raise Refused(
            f"nobody is there to be asked, and this is missing: {', '.join(missing)}",
            "run it in a terminal, or give the options (--no-mail: no alerts)",
        )


class Questions:
    """What a person is asked; what an option has said already is not asked for."""

    def __init__(self, start: FirstStart, output: Output) -> None:
        self._start = start
        self._output = output

    def ask(self, *, mail: bool) -> None:
        """Ask in the order of the manual's tabs."""
        from ipfx_failover.cli.ask import choose
        from ipfx_failover.wiring.secret_store import see_that_it_takes

        self._general()
        if ADAPTER not in self._start.values:
            self._adapter()
        if mail:
            self._mail()
        if self._start.passwords and self._start.place == "file":
            self._output.progress("Where are passwords kept?")
            places = ("in files that only their owner reads", "in this user's keyring")
            chosen = choose("Place", places, check=lambda at: see_that_it_takes(_PLACES[at]))
            self._start.place = _PLACES[chosen]

    def _general(self) -> None:
        self._text(SERVICES, "Service that runs our own application (empty: set it later)")
        if SERVICES in self._start.values:
            self._text(READY_PORT, "Port on which it answers", "100")
        self._text(DATA_SOURCE, r"Our own SQL Server, HOST\INSTANCE or HOST,PORT (empty: none)")
        if DATA_SOURCE in self._start.values:
            self._text(USER_ID, "User ID for it", "sa")
            self._password(DATABASE_PASSWORD, "Its password (empty: a login of Windows)")

    def _adapter(self) -> None:
        from ipfx_failover.cli.ask import choose
        from ipfx_failover.wiring.network import adapters

        found = adapters()
        if not found:
            self._output.progress("No network adapter was found: set network.adapter later.")
            return
        usable = [at for at, each in enumerate(found) if each.carrier and each.interfaces]
        self._output.progress("Network adapter, which takes addresses over:")
        chosen = choose("Adapter", _in_words(found), default=usable[0] if usable else 0)
        self._start.values[ADAPTER] = found[chosen].name

    def _mail(self) -> None:
        server = ("alerts", "smtp_server")
        self._text(server, "Mail server for alerts (empty: no alerts)")
        if server not in self._start.values:
            return
        self._text(("alerts", "smtp_port"), "Its port", "25")
        self._text(("alerts", "from"), "E-mail address that alerts come from", needed=True)
        self._text(("alerts", "to"), "Who receives alerts (separated by commas)", needed=True)
        self._text(USERNAME, "User name for the mail server (empty: none)")
        if USERNAME in self._start.values:
            self._password(MAIL_PASSWORD, "Its password", needed=True)

    def _text(self, key: Key, label: str, default: str = "", *, needed: bool = False) -> None:
        from ipfx_failover.cli.ask import ask

        def keep(answer: str) -> None:
            if answer or needed:
                take(self._start, key, answer)

        if key not in self._start.values:
            ask(label, default=default, check=keep)

    def _password(self, key: Key, label: str, *, needed: bool = False) -> None:
        from ipfx_failover.cli.ask import ask_password

        if key in self._start.passwords:
            return
        password = ask_password(label)
        while needed and not password:
            password = ask_password(label)
        if password:
            self._start.passwords[key] = password


def _in_words(found: list[Adapter]) -> list[str]:
    """Name, address, mask, description and cable of each, in columns."""
    from ipfx_failover.history.tables import aligned

    rows = []
    for each in found:
        own = each.interfaces[0] if each.interfaces else None
        address = (str(own.ip), str(own.netmask)) if own else ("no IPv4 address", "")
        cable = "cable in" if each.carrier else "no cable"
        rows.append((each.name, *address, cable, each.description))
    return aligned(rows)
