"""`init`: the first config (manual, "Installation", "Settings for the Failover Server")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ipfx_failover.cli.names import adapter_names
from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.edit import Key
    from ipfx_failover.net import Adapter
    from ipfx_failover.wiring.first_start import FirstStart, Written
    from ipfx_failover.wiring.secret_store import Place

_APPLICATION: Final = ("failover_server", "application")
_DATA_SOURCE: Final = ("failover_server", "data_source")
_USER_ID: Final = ("failover_server", "user_id")
_DATABASE_PASSWORD: Final = ("failover_server", "password")
_MAIL_PASSWORD: Final = ("alerts", "password")
_ADAPTER: Final = ("network", "adapter")
_PLACES: Final[tuple[Place, ...]] = ("file", "keyring")


def add_to(app: typer.Typer) -> None:
    app.command("init")(init)


def init(
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter",
            metavar="NAME",
            help="Network adapter that takes addresses over.",
            autocompletion=adapter_names,
        ),
    ] = None,
    service: Annotated[
        str | None,
        typer.Option(
            "--service", metavar="NAME", help="System service that runs our own application."
        ),
    ] = None,
    ready_port: Annotated[
        str | None,
        typer.Option("--ready-port", metavar="PORT", help="TCP port on which that answers."),
    ] = None,
    data_source: Annotated[
        str | None,
        typer.Option(
            "--data-source",
            metavar="SOURCE",
            help=r"Our own SQL Server, HOST\INSTANCE or HOST,PORT.",
        ),
    ] = None,
    user_id: Annotated[
        str | None, typer.Option("--user-id", metavar="ID", help="User ID for it.")
    ] = None,
    password_file: Annotated[
        str | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="Holds the password for it; - is standard input.",
        ),
    ] = None,
    smtp_server: Annotated[
        str | None,
        typer.Option("--smtp-server", metavar="HOST", help="Mail server that takes our alerts."),
    ] = None,
    smtp_port: Annotated[
        str | None, typer.Option("--smtp-port", metavar="PORT", help="Its port.")
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option("--from", metavar="ADDRESS", help="From which alerts appear to be sent."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="ADDRESS,...", help="Who receives alerts."),
    ] = None,
    username: Annotated[
        str | None,
        typer.Option("--username", metavar="USER", help="User name for the mail server."),
    ] = None,
    smtp_password_file: Annotated[
        str | None,
        typer.Option(
            "--smtp-password-file", metavar="FILE", help="Holds the password for that; or -."
        ),
    ] = None,
    no_mail: Annotated[bool, typer.Option("--no-mail", help="Send no alerts.")] = False,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Keep passwords in this user's keyring.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a config; it is kept beside the new one.")
    ] = False,
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Write the first config, by questions or by options.

    Finds the network adapters by itself. Passwords go into files that only their owner reads, or
    into the keyring. All other settings are in the file too, as comments with their defaults.

    Example: ipfx-failover init --adapter eth0 --no-mail --config ./config.toml
    """
    from ipfx_failover.cli.ask import somebody_there
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.first_start import begin, write
    from ipfx_failover.wiring.secret_store import see_that_it_takes

    output = Output(as_json)
    mail = {
        "--smtp-server": smtp_server,
        "--smtp-port": smtp_port,
        "--from": sender,
        "--to": to,
        "--username": username,
        "--smtp-password-file": smtp_password_file,
    }
    if no_mail:
        _refuse_mail([option for option, text in mail.items() if text is not None])
    start = begin(config, force=force)
    start.place = "keyring" if keyring else "file"
    see_that_it_takes(start.place)
    given = {
        _ADAPTER: adapter,
        (*_APPLICATION, "services"): service,
        (*_APPLICATION, "ready_port"): ready_port,
        _DATA_SOURCE: data_source,
        _USER_ID: user_id,
        ("alerts", "smtp_server"): smtp_server,
        ("alerts", "smtp_port"): smtp_port,
        ("alerts", "from"): sender,
        ("alerts", "to"): to,
        ("alerts", "username"): username,
    }
    for key, text in given.items():
        if text is not None:
            _take(start, key, text)
    _read_passwords(start, password_file, smtp_password_file)
    if somebody_there(as_json=as_json):
        _Questions(start, output).ask(mail=not no_mail)
    else:
        _see_that_all_is_there(start, mail=not no_mail)
    _end(write(start), output)


def _refuse_mail(given: list[str]) -> None:
    from ipfx_failover.errors import UsageError

    if given:
        raise UsageError(
            f"--no-mail contradicts {', '.join(given)}", "leave --no-mail away, or the others"
        )


def _take(start: FirstStart, key: Key, text: str) -> None:
    from ipfx_failover.config.given import judge, value_of
    from ipfx_failover.config.wording import row_of

    row = row_of(key)
    assert row is not None  # noqa: S101 - the keys are those of this module
    value = value_of(row, text)
    judge(key, value)
    if key == _ADAPTER:
        _see_that_it_exists(text)
    start.values[key] = value


def _see_that_it_exists(name: str) -> None:
    from ipfx_failover.errors import UsageError
    from ipfx_failover.wiring.network import adapters

    names = [each.name for each in adapters()]
    if name not in names:
        known = f"there are: {', '.join(names)}" if names else "there is none"
        raise UsageError(f"there is no network adapter {name!r}", known)


def _read_passwords(start: FirstStart, database: str | None, mail: str | None) -> None:
    from ipfx_failover.cli.ask import read_password

    for key, source in ((_DATABASE_PASSWORD, database), (_MAIL_PASSWORD, mail)):
        if source is not None:
            start.passwords[key] = read_password(source)


def _see_that_all_is_there(start: FirstStart, *, mail: bool) -> None:
    from ipfx_failover.errors import Refused

    needed = {_ADAPTER: "--adapter"}
    if mail:
        needed |= {("alerts", key): f"--{key.replace('_', '-')}" for key in _MAIL_KEYS}
    if ("alerts", "username") in start.values:
        needed[_MAIL_PASSWORD] = "--smtp-password-file"
    there = {*start.values, *start.passwords}
    missing = [option for key, option in needed.items() if key not in there]
    if missing:
        raise Refused(
            f"nobody is there to be asked, and this is missing: {', '.join(missing)}",
            "run it in a terminal, or give the options (--no-mail: no alerts)",
        )


_MAIL_KEYS: Final = ("smtp_server", "from", "to")


class _Questions:
    """What a person is asked; what an option has said already is not asked for."""

    def __init__(self, start: FirstStart, output: Output) -> None:
        self._start = start
        self._output = output

    def ask(self, *, mail: bool) -> None:
        """Ask in the order of the manual's tabs."""
        from ipfx_failover.cli.ask import choose
        from ipfx_failover.wiring.secret_store import see_that_it_takes

        self._general()
        if _ADAPTER not in self._start.values:
            self._adapter()
        if mail:
            self._mail()
        if self._start.passwords and self._start.place == "file":
            self._output.progress("Where are passwords kept?")
            places = ("in files that only their owner reads", "in this user's keyring")
            chosen = choose("Place", places, check=lambda at: see_that_it_takes(_PLACES[at]))
            self._start.place = _PLACES[chosen]

    def _general(self) -> None:
        service = (*_APPLICATION, "services")
        self._text(service, "Service that runs our own application (empty: set it later)")
        if service in self._start.values:
            self._text((*_APPLICATION, "ready_port"), "Port on which it answers", "100")
        self._text(_DATA_SOURCE, r"Our own SQL Server, HOST\INSTANCE or HOST,PORT (empty: none)")
        if _DATA_SOURCE in self._start.values:
            self._text(_USER_ID, "User ID for it", "sa")
            self._password(_DATABASE_PASSWORD, "Its password (empty: a login of Windows)")

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
        self._start.values[_ADAPTER] = found[chosen].name

    def _mail(self) -> None:
        server = ("alerts", "smtp_server")
        self._text(server, "Mail server for alerts (empty: no alerts)")
        if server not in self._start.values:
            return
        self._text(("alerts", "smtp_port"), "Its port", "25")
        self._text(("alerts", "from"), "E-mail address that alerts come from", needed=True)
        self._text(("alerts", "to"), "Who receives alerts (separated by commas)", needed=True)
        self._text(("alerts", "username"), "User name for the mail server (empty: none)")
        if ("alerts", "username") in self._start.values:
            self._password(_MAIL_PASSWORD, "Its password", needed=True)

    def _text(self, key: Key, label: str, default: str = "", *, needed: bool = False) -> None:
        from ipfx_failover.cli.ask import ask

        def take(answer: str) -> None:
            if answer or needed:
                _take(self._start, key, answer)

        if key not in self._start.values:
            ask(label, default=default, check=take)

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
    from ipfx_failover.cli.output import table

    rows = []
    for each in found:
        own = each.interfaces[0] if each.interfaces else None
        address = (str(own.ip), str(own.netmask)) if own else ("no IPv4 address", "")
        cable = "cable in" if each.carrier else "no cable"
        rows.append((each.name, *address, cable, each.description))
    return list(table(rows))


def _end(written: Written, output: Output) -> None:
    from dataclasses import asdict

    from ipfx_failover.cli.findings import facts_for, show_findings
    from ipfx_failover.config.explain import explain

    path, config = written.loaded.path, written.loaded.config
    findings = explain(config, facts=facts_for(config))
    output.line(f"Written: {path}")
    if written.kept:
        output.line(f"The config that was there: {written.kept}")
    for reference in written.references.values():
        output.line(f"Password: {' '.join(f'{kind} {at}' for kind, at in reference.items())}")
    show_findings(findings, output)
    output.line("Next: ipfx-failover server add NAME")
    output.document(
        config=str(path),
        kept=str(written.kept) if written.kept else None,
        passwords=[".".join(key) for key in written.references],
        findings=[asdict(finding) for finding in findings],
    )
