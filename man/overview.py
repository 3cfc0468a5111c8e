"""ipfx-failover(1): the whole program, its commands, exit codes, files and variables."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover import errors, snapshot
from ipfx_failover.adapters.linux.systemd import ENVIRONMENT_FILE
from ipfx_failover.adapters.paths import places
from ipfx_failover.files import names
from ipfx_failover.standin.application import Role
from ipfx_failover.state import store
from man.commands import PROGRAM, commands, options_of, program
from man.roff import Page, bold, italic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.errors import ExitCode

_SUMMARY: Final = "keeps business telephony alive when a server dies"

_WORDS: Final = """
A monitored server is a Primary Server, or live. The machine that this runs on is the Failover
Server. It stands in for one Primary at a time: that is failover. Giving the role back is failback.

A copy is warm: the database is as old as its last replication, mostly last night's, and files are
copied as they change. What the Primary recorded in its database since then is lost at failover.

While the Failover Server stands in, and until the Primary has got everything back, the standby is
ahead: it holds data that exist nowhere else, and nothing is copied from live over them.
"""
_FAILOVER: Final = """
The monitor decides `failover_count` x `ping_interval_ms` + `ping_timeout_ms` after the last
answered ping was sent. It does not take over while its own cable is out or every reference target
is silent too, when somebody answers ARP for the address that it would take, or when the server was
never replicated; it says why, by mail too. Nor does it when the server is suspended or stopped, or
its failback is pending: that is what the operator wants.

Failback, with everything kept that was recorded while standing in:
"""
_FAILBACK: Final = """
ipfx-failover stop-failover DEMOSERVER
# start the machine DEMOSERVER, not its application
ipfx-failover replicate-to-live DEMOSERVER
# start the application on DEMOSERVER
"""
_RIGHTS: Final = """
Root; or the capabilities `CAP_NET_RAW` (ping, ARP) and `CAP_NET_ADMIN` (addresses), and the right
to write the state directory, the copies and `/run/ipfx-failover`. `ipfx-failover service install`
makes a systemd unit that has them. Every command that works on the same state runs as the same
user. Never put the capabilities on the Python interpreter with setcap: every script would have
them.

As root, a file that is brought gets the owner of its directory, so that the application can use it.

On Windows an administrator, or SYSTEM. It was tried under Wine only, and takes no addresses over
there (`assume_ip`).
"""
_OUTPUT: Final = """
Results go to standard output, progress and errors to standard error. An error is one line that says
what happened and one that says what to do. With `--json` a command prints one JSON document,
`{"schema_version": 1, "ok": true, …}`, or for an error
`{"schema_version": 1, "ok": false, "error": {"kind", "message", "hint"}}`; `monitor` prints a
document a line. Without a terminal no question is asked: `--yes` answers it, or the command
refuses.
"""
_TOLD: Final = f"""
The application that stands in is told whose role it performs. A command is started with these
variables. A systemd unit gets them when its [Service] section has the line
`EnvironmentFile=-{ENVIRONMENT_FILE}`; a Windows service has them in its environment:
"""
_DONE: Final = "Done."
_WITH_ALL: Final = """
With `--all` the gravest outcome counts; gravest is 5. The one exception to these codes is
`status --check`: see ipfx-failover-status(1).
"""


def exit_codes() -> dict[ExitCode, str]:
    """What each exit code means: the docstring of the error that ends with it."""
    kinds = [errors.Failed, *errors.FailoverError.__subclasses__()]
    texts = {
        kind.exit_code: inspect.cleandoc(kind.__doc__ or "")
        for kind in kinds
        if kind.__module__ == errors.__name__
    }
    return {code: texts.get(code, _DONE) for code in errors.ExitCode}


def overview_page(version: str) -> Page:
    """The whole page."""
    group = program()
    page = Page(PROGRAM, 1, _SUMMARY, version)
    page.section("SYNOPSIS")
    page.synopsis([bold(PROGRAM), italic("COMMAND"), r"[\fIOPTION\fP .\|.\|.]", r"[\fINAME\fP]"])
    page.section("DESCRIPTION")
    page.prose(group.help)
    page.prose(_WORDS)
    page.section("COMMANDS")
    page.entries(
        (f"{bold(' '.join(each.path))} ({bold(each.page_name)}(1))", f"{each.summary}.")
        for each in commands()
    )
    page.section("OPTIONS")
    page.entries((each.tag, each.help) for each in options_of(group))
    _add_conduct(page)
    _add_reference(page)
    return page


def _add_conduct(page: Page) -> None:
    page.section("FAILOVER AND FAILBACK")
    page.prose(_FAILOVER)
    page.example(_FAILBACK)
    page.section("RIGHTS")
    page.prose(_RIGHTS)
    page.section("OUTPUT")
    page.prose(_OUTPUT)
    page.section("EXIT STATUS")
    page.entries((bold(str(code.value)), text) for code, text in exit_codes().items())
    page.prose(_WITH_ALL)


def _add_reference(page: Page) -> None:
    page.section("ENVIRONMENT")
    page.entries(_variables())
    page.prose(_TOLD)
    page.entries((bold(f"IPFX_{field.name.upper()}"), _ROLE[field.name]) for field in fields(Role))
    page.section("FILES")
    page.entries(_files())
    page.section("SEE ALSO")
    page.synopsis([f"{bold(PROGRAM + '.toml')}(5), and the page of each command"])


_ROLE: Final = {
    "server": "The Primary's name.",
    "address": "Its address, whether it was taken or not.",
    "port": "The TCP port on which its clients look for it.",
    "catalog": "The standby catalog's name, such as DEMOSERVER_CTSERVER.",
    "database": "The file of the standby database (sqlite).",
    "vm_dir": "The standby's copy of its VM directory.",
    "vm_local_dir": "Where the application is installed on the Failover Server.",
}


def _variables() -> Iterator[tuple[str, str]]:
    yield bold("IPFX_FAILOVER_CONFIG"), "The config file, where `--config` names none."
    yield (
        bold("NO_COLOR"),
        "When it is set and not empty, `status` prints no colours; nor with TERM=dumb.",
    )


def _files() -> Iterator[tuple[str, str]]:
    linux, windows = places({}, windows=False), places({}, windows=True)
    state, machine = linux.state_dir.as_posix(), linux.machine_dir.as_posix()
    yield _file(linux.config_file), f"The config. On Windows `{_windows(windows.config_file)}`."
    yield (
        _file(state),
        f"The state directory (`state_dir`). On Windows `{_windows(windows.state_dir)}`.",
    )
    yield (
        _file(f"{state}/{store.DATABASE}"),
        "The state store: modes, authority, journal, events, mail that waits. SQLite; do not copy "
        "it while a monitor runs.",
    )
    yield (
        _file(f"{state}/{snapshot.SNAPSHOT}"),
        "The status, without secrets, for readers who may not open the store.",
    )
    yield _file(f"{state}/known_hosts"), "The SSH host keys that are trusted."
    yield _file(f"{state}/application.log"), "What the application printed that a command started."
    yield (
        _file(f"{state}/files"),
        "What both sides had when each file was last in sync, a small database a server.",
    )
    yield (
        _file(f"{state}/kept"),
        "What stand-ins recorded and somebody discarded; remove it when nobody wants it back.",
    )
    yield (
        _file(linux.local_vm_dir),
        "The copy of a Primary's VM directory; its database is in DB below that.",
    )
    yield (
        _file(f"VM/{names.MARKER}"),
        "Marks the root of a tree that is synced, on both sides. A source without it is not "
        "believed: it may not be mounted.",
    )
    yield (
        _file(f"VM/{names.TRASH}"),
        "What a sync overwrote or deleted, kept for `trash_days`.",
    )
    yield (
        _file(machine),
        "The machine's note of whom it stands in for, and the stand-in lock; gone after a reboot, "
        "as the address is.",
    )


def _file(path: Any) -> str:
    return italic(str(path))


def _windows(path: Any) -> str:
    return str(path).replace("/", "\\")
