"""systemd units that we install: written, enabled, checked, and removed again (systemctl(1))."""

from __future__ import annotations

import pwd
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.carry_out import content
from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.errors import Failed, Refused, UsageError
from ipfx_failover.installing import MARK, DeleteFile, Run, WriteFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ipfx_failover.installing import Action

UNIT_DIRECTORY: Final = Path("/etc/systemd/system")
_BOOTED_WITH_SYSTEMD: Final = Path("/run/systemd/system")  # sd_booted(3)
_ANSWERS_WITHIN_S: Final = 10.0


def is_booted() -> bool:
    """Whether this system runs systemd."""
    return _BOOTED_WITH_SYSTEMD.is_dir()


def require_booted(instead: str) -> None:
    """Refuse where there is no systemd; `instead` says what to do there."""
    if not is_booted():
        raise Refused("this system was not booted with systemd", instead)


def properties(unit: str, *names: str) -> dict[str, str]:
    """What systemd says of a unit (`systemctl show`); it leaves out what does not apply.

    Raises:
        Failed: it does not answer.
    """
    argv = ("systemctl", "show", f"--property={','.join(names)}", "--", unit)
    ended = run_command(argv, timeout_s=_ANSWERS_WITHIN_S)
    if complaint := ended.complaint(_ANSWERS_WITHIN_S):
        raise Failed(f"systemctl show {complaint}", "see: systemctl status")
    said = dict(line.split("=", 1) for line in ended.output.splitlines() if "=" in line)
    return dict.fromkeys(names, "") | said


def instant(said: str) -> str | None:
    """A time of systemd's, such as `Sun 2026-11-22 13:22:53 CET`, in ISO 8601, UTC."""
    if not said:
        return None
    # It is local time: the zone's abbreviation adds nothing that could be read everywhere.
    local = datetime.strptime(" ".join(said.split()[1:3]), "%Y-%m-%d %H:%M:%S").astimezone()
    return local.astimezone(UTC).isoformat()


def setting(unit: str, key: str) -> str | None:
    """What a unit file of ours says behind `key=`; None when it does not."""
    text = (content(UNIT_DIRECTORY / unit) or b"").decode("utf-8", "replace")
    lines = (line.partition("=") for line in text.splitlines())
    return next((value for name, _, value in lines if name == key), None)


def require_user(name: str) -> None:
    """Refuse a user that this machine does not know."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise UsageError(
            f"there is no user {name!r}",
            f"make one: useradd --system --shell /usr/sbin/nologin {name}",
        ) from None


def is_installed(units: Mapping[str, str]) -> bool:
    """Whether these units (name to text) are there, word for word."""
    return all(content(UNIT_DIRECTORY / name) == text.encode() for name, text in units.items())


def require_ours(names: Iterable[str]) -> list[str]:
    """Those of the names that are there.

    Raises:
        Refused: one of them was not made by us.
    """
    there = []
    for name in names:
        found = content(UNIT_DIRECTORY / name)
        if found is None:
            continue
        if MARK.encode() not in found:
            raise Refused(
                f"{UNIT_DIRECTORY / name} was not made by ipfx-failover",
                "keep it, or move it away and run the same command again",
            )
        there.append(name)
    return there


def installation(units: Mapping[str, str], enabled: str, *, now: bool) -> tuple[Action, ...]:
    """What installs these units and enables one of them; `now` starts it as well."""
    writes = [WriteFile(UNIT_DIRECTORY / name, text) for name, text in units.items()]
    enable = ("systemctl", "enable", *(["--now"] if now else []), enabled)
    return (*writes, Run(("systemctl", "daemon-reload")), Run(enable))


def removal(there: Iterable[str], enabled: str) -> tuple[Action, ...]:
    """What stops and disables the enabled unit, and removes those that are there."""
    deletes = [DeleteFile(UNIT_DIRECTORY / name) for name in there]
    if not deletes:
        return ()
    disable = Run(("systemctl", "disable", "--now", enabled))
    return (disable, *deletes, Run(("systemctl", "daemon-reload")))
