"""`init`: the first config (manual, "Installation", "Settings for the Failover Server")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ipfx_failover.cli.names import adapter_names
from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.first_start import Written


def add_to(app: typer.Typer) -> None:
    app.command("init")(init)


def _given(option: str, metavar: str, meaning: str, **more: Any) -> Any:
    return typer.Option(option, metavar=metavar, help=meaning, **more)


def init(
    adapter: Annotated[
        str | None,
        _given(
            "--adapter",
            "NAME",
            "Network adapter that takes addresses over.",
            autocompletion=adapter_names,
        ),
    ] = None,
    service: Annotated[
        str | None, _given("--service", "NAME", "System service that runs our own application.")
    ] = None,
    ready_port: Annotated[
        str | None, _given("--ready-port", "PORT", "TCP port on which that answers.")
    ] = None,
    data_source: Annotated[
        str | None,
        _given("--data-source", "SOURCE", r"Our own SQL Server, HOST\INSTANCE or HOST,PORT."),
    ] = None,
    user_id: Annotated[str | None, _given("--user-id", "ID", "User ID for it.")] = None,
    password_file: Annotated[
        str | None,
        _given("--password-file", "FILE", "Holds the password for it; - is standard input."),
    ] = None,
    smtp_server: Annotated[
        str | None, _given("--smtp-server", "HOST", "Mail server that takes our alerts.")
    ] = None,
    smtp_port: Annotated[str | None, _given("--smtp-port", "PORT", "Its port.")] = None,
    sender: Annotated[
        str | None, _given("--from", "ADDRESS", "From which alerts appear to be sent.")
    ] = None,
    to: Annotated[str | None, _given("--to", "ADDRESS,...", "Who receives alerts.")] = None,
    username: Annotated[
        str | None, _given("--username", "USER", "User name for the mail server.")
    ] = None,
    smtp_password_file: Annotated[
        str | None, _given("--smtp-password-file", "FILE", "Holds the password for that; or -.")
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
    from ipfx_failover.cli import init_answers as answers
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
        answers.ADAPTER: adapter,
        answers.SERVICES: service,
        answers.READY_PORT: ready_port,
        answers.DATA_SOURCE: data_source,
        answers.USER_ID: user_id,
        ("alerts", "smtp_server"): smtp_server,
        ("alerts", "smtp_port"): smtp_port,
        ("alerts", "from"): sender,
        ("alerts", "to"): to,
        answers.USERNAME: username,
    }
    for key, text in given.items():
        if text is not None:
            answers.take(start, key, text)
    answers.read_passwords(start, password_file, smtp_password_file)
    if somebody_there(as_json=as_json):
        answers.Questions(start, output).ask(mail=not no_mail)
    else:
        answers.see_that_all_is_there(start, mail=not no_mail)
    _end(write(start), output)


def _refuse_mail(given: list[str]) -> None:
    from ipfx_failover.errors import UsageError

    if given:
        raise UsageError(
            f"--no-mail contradicts {', '.join(given)}", "leave --no-mail away, or the others"
        )


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
