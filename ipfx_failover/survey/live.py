"""What is found on the live server itself, over its `LiveHost`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed
from ipfx_failover.files.names import OWN_PREFIX
from ipfx_failover.history.wording import size
from ipfx_failover.livehost import Kind, join, parent
from ipfx_failover.survey.check import Check, ok, warning

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.survey.ports import DatabaseLook

LOGIN: Final = "Login"
CLOCK: Final = "Clock"
DATABASE: Final = "Database Connection"
DATABASE_WRITE: Final = "Database Write"
VM_READ: Final = "VM Directory Read"
VM_WRITE: Final = "VM Directory Write"
SPACE_THERE: Final = "Space there"

_TIMEOUT_S: Final = 30.0
_SKEW_S: Final = 5.0


def login(host: LiveHost, user: str) -> Check:
    """Log in and run a program."""
    system = _said(host, ["uname", "-sr"])
    return ok(LOGIN, f"{user} may run programs there{f' ({system})' if system else ''}")


def clock(host: LiveHost, ours: Clock) -> Check:
    """Its clock against ours; what calls and voicemail say of their time jumps at a failover."""
    before = ours.now().timestamp()
    there = _said(host, ["date", "+%s"])
    after = ours.now().timestamp()
    if not there.isdigit():
        return warning(CLOCK, "its time cannot be told: date is missing", "install coreutils there")
    # It says whole seconds only, and some time passed while it was asked.
    return agreement(max(0.0, int(there) - after) + min(0.0, int(there) + 1 - before))


def agreement(ahead_s: float) -> Check:
    """Whether two clocks agree, one of which is so much ahead of ours."""
    if abs(ahead_s) <= _SKEW_S:
        return ok(CLOCK, "agrees with ours")
    return warning(
        CLOCK,
        f"is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} ours",
        "have both machines take their time from the same NTP server",
    )


def database(look: DatabaseLook, path: str, name: str) -> Check:
    if look.problem is not None:
        raise Failed(
            f"{path} on {name} cannot be read: {look.problem}",
            f"correct data_source in [servers.{name}.database], or let the account read it",
        )
    return ok(
        DATABASE,
        f"Successful ({look.tables} {'table' if look.tables == 1 else 'tables'}, "
        f"{size(look.size_bytes)}; {look.program})",
    )


def database_write(look: DatabaseLook, path: str, user: str) -> Check:
    if look.may_write:
        return ok(DATABASE_WRITE, "the account may replace it")
    return warning(
        DATABASE_WRITE,
        f"{user} may not replace {path}: replicate-to-live would fail",
        f"log in as its owner or as root, or let {user} own the file and write its directory",
    )


def vm_read(host: LiveHost, root: str) -> Check:
    """The VM directory is there, and can be listed."""
    found = host.stat(root)
    if found is None or found.kind is Kind.FILE:
        raise Failed(
            f"there is no directory {root} on {host.name}",
            "correct vm_dir in the server's database table (or path in its files table)",
        )
    count = len(host.list_directory(root))
    return ok(VM_READ, f"Successful ({count} {'name' if count == 1 else 'names'} in {root})")


def vm_write(host: LiveHost, root: str) -> Check:
    """Write a file there and remove it, under a name that no file sync looks at."""
    path = join(root, f"{OWN_PREFIX}-test-{secrets.token_hex(4)}")
    host.write_file(path, [b"ipfx-failover server test\n"])
    host.remove(path)
    return ok(VM_WRITE, "Successful")


def space(host: LiveHost, database_file: str, needed_bytes: int) -> Check:
    """Room for the backup that is made beside the database."""
    return room(SPACE_THERE, host, parent(database_file), needed_bytes)


def room(name: str, host: LiveHost, directory: str, needed_bytes: int) -> Check:
    free_bytes = host.free_bytes(directory)
    if free_bytes is None:
        return warning(name, f"the free space of {directory} cannot be told", "look there by hand")
    if free_bytes < needed_bytes:
        raise Failed(
            f"{directory} on {host.name} has {size(free_bytes)} free, and a replication needs "
            f"{size(needed_bytes)}",
            "free some space there",
        )
    return ok(name, f"{size(free_bytes)} free in {directory}")


def _said(host: LiveHost, command: list[str]) -> str:
    ended = host.run(command, timeout_s=_TIMEOUT_S)
    return "" if ended.exit_status else ended.stdout.decode("utf-8", "replace").strip()
