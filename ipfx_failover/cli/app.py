"""The command line: all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from ipfx_failover.adapters.signals import end_with, last_words, let_through, on_end
from ipfx_failover.cli import (
    alerts,
    completion,
    config,
    files,
    history,
    hot,
    init,
    log,
    metrics,
    modes,
    monitor,
    replicate,
    rows,
    schedule,
    server,
    service,
    standin,
    state,
    status,
)
from ipfx_failover.cli.output import (
    report_error,
    report_unknown,
    unprinted,
    unwritten,
    write,
)
from ipfx_failover.cli.shape import shape
from ipfx_failover.errors import Bug, ExitCode, FailoverError, Interrupted, UsageError

_HELP = """\
Keeps business telephony alive when a server dies.

The Failover Server watches Primary Servers, keeps a fresh copy of their database and files, takes
over the address and role of one that fails, and gives it all back afterwards.
"""
# A group without a command, and an option that is none; Typer does not export the classes.
_HELP_WANTED = "NoArgsIsHelpError"
_NO_OPTION = "NoSuchOption"
_EPILOG = """\
Exit codes: 0 done, 1 failed and rolled back, 2 usage or config, 3 refused, 4 unreachable,
5 state in doubt, 6 done with exceptions, 70 bug, 75 busy, 130 interrupted.
"""


def build() -> typer.Typer:
    """All commands; the man pages are generated from it too."""
    app = typer.Typer(
        name="ipfx-failover",
        help=_HELP,
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,  # there is a command for it
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for family in (
        init,
        status,
        log,
        history,
        metrics,
        monitor,
        standin,
        replicate,
        files,
        rows,
        hot,
        modes,
        server,
        config,
        alerts,
        schedule,
        service,
        state,
        completion,
    ):
        family.add_to(app)
    shape(app)

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", "-V", help="Print the version."),  # noqa: FBT003 - how Typer declares a flag
    ) -> None:
        if version:
            from ipfx_failover import __version__

            typer.echo(f"ipfx-failover {__version__}")
            raise typer.Exit

    return app


def run() -> NoReturn:
    """Run the command line of this process, and end it with the right exit code."""
    end_with(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run a command line; its exit code. No traceback reaches the user."""
    with last_words():
        on_end(_interrupt)
        code = _run(arguments, as_json="--json" in arguments)
        if (lost := unwritten(is_done=code == ExitCode.DONE)) is None:
            return code
        told = report_error(lost, as_json=False)
        return code or told


def _run(arguments: list[str], *, as_json: bool) -> int:
    try:
        with let_through():
            result = build()(args=arguments, prog_name="ipfx-failover", standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except SystemExit as leave:
        return _left(leave, arguments, as_json=as_json)
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - the last place that can keep a traceback from the user
        is_check = {"status", "--check"} <= {*arguments}
        return _report(problem, as_json=as_json, is_check=is_check)
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _left(leave: SystemExit, arguments: list[str], *, as_json: bool) -> int:
    """Typer has left because of a broken pipe: `--help | head`, or one that is a bug."""
    broken = leave.__context__
    if {"--help", "-h"}.isdisjoint(arguments) and isinstance(broken, Exception):
        return _report(broken, as_json=as_json, is_check=False)
    return ExitCode.DONE


def _report(problem: Exception | KeyboardInterrupt, *, as_json: bool, is_check: bool) -> int:
    if type(problem).__name__ == _HELP_WANTED and not as_json:
        write(sys.stderr, str(problem))
        return ExitCode.USAGE
    if (lost := unprinted(problem)) is not None:
        return report_error(lost, as_json=False)
    report = report_unknown if is_check else report_error
    return report(_foreseen(problem), as_json=as_json)


def _foreseen(problem: Exception | KeyboardInterrupt) -> FailoverError:
    match problem:
        case FailoverError():
            return problem
        case TyperException():
            return _usage(problem)
        case KeyboardInterrupt() | typer.Abort():
            return _interrupted("Ctrl-C")
    return Bug(
        f"a bug in ipfx-failover: {type(problem).__name__}",
        f"report it with the details in {_keep_details(problem)}",
    )


def _interrupt(signal_name: str) -> None:
    raise _interrupted(signal_name)


def _interrupted(signal_name: str) -> Interrupted:
    return Interrupted(
        f"interrupted ({signal_name}); nothing is left half done",
        "run the same command again when it suits",
    )


def _usage(error: TyperException) -> UsageError:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "ipfx-failover"
    is_early = type(error).__name__ == _NO_OPTION and command == "ipfx-failover"
    hint = f"{'options follow the command; ' if is_early else ''}see: {command} --help"
    return UsageError(message[:1].lower() + message[1:], hint)


def _keep_details(bug: BaseException) -> str:
    """Write the traceback to a file that only we can read; where it is."""
    import os
    import tempfile
    import traceback

    try:
        handle, name = tempfile.mkstemp(prefix="ipfx-failover-bug-", suffix=".log")
    except OSError:
        return "nowhere: no temporary file could be written"
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        traceback.print_exception(bug, file=stream)
    return name
