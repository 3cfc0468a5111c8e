"""systemd units as text. Pure.

The monitor's unit has the least rights that work. They were found by running the monitor under
them, a takeover included; `systemd-analyze security ipfx-failover` rates them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.installing import MARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NETWORK_RIGHTS: Final = ("CAP_NET_RAW", "CAP_NET_ADMIN")
_FILE_RIGHTS: Final = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER")
"""For root alone: files that are brought get the owner of their directory."""
_PLAIN: Final = re.compile(r"[\w@+=:,./-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a unit is allowed.

    `user`: who it runs as; None: root. `is_confined`: nothing but our own program runs in it.
    `writes`: directories that it writes to and that ProtectSystem= or ProtectHome= would forbid.
    `state_directory`: below /var/lib, made and given to the user. `network`: whether it pings and
    takes addresses.
    """

    user: str | None = None
    is_confined: bool = True
    writes: tuple[str, ...] = ()
    state_directory: str | None = None
    network: bool = True


def monitor_unit(argv: Sequence[str], rights: Rights) -> str:
    """The unit of the monitor."""
    unit = {
        "Description": "IPFX Failover Server",
        "Documentation": "man:ipfx-failover(1) man:ipfx-failover-monitor(1)",
        "Wants": "network-online.target",
        "After": "network-online.target",
        "StartLimitIntervalSec": "0",
    }
    service = {
        "Type": "notify",
        "ExecStart": command_line(argv),
        # A monitor whose pings are further apart asks for more patience.
        "WatchdogSec": "30",
        "Restart": "always",
        "RestartSec": "1",
        # The application outlives the monitor, whose workers end by themselves with it.
        "KillMode": "process",
        **settings_of(rights),
    }
    return unit_text(
        "service install",
        {"Unit": unit, "Service": service, "Install": {"WantedBy": "multi-user.target"}},
    )


def settings_of(rights: Rights) -> dict[str, str]:
    """The rights as settings of [Service] (systemd.exec(5))."""
    network = " ".join(_NETWORK_RIGHTS) if rights.network else ""
    # There lies the note of a stand-in, which outlives the monitor.
    settings = {"RuntimeDirectory": "ipfx-failover", "RuntimeDirectoryPreserve": "yes"}
    if rights.state_directory:
        settings["StateDirectory"] = rights.state_directory
    if rights.user is not None:
        settings |= {"User": rights.user, "AmbientCapabilities": network}
    if rights.is_confined:
        files = "" if rights.user else " ".join(_FILE_RIGHTS)
        settings |= {"CapabilityBoundingSet": f"{network} {files}".strip(), **_CONFINED}
        if not rights.network:
            settings["RestrictAddressFamilies"] = "AF_UNIX AF_INET AF_INET6"
        if rights.writes:
            settings["ReadWritePaths"] = " ".join(f"-{word(path)}" for path in rights.writes)
    return settings


_CONFINED: Final = {
    "NoNewPrivileges": "yes",
    # Not strict: a server that is added later may have its copy anywhere.
    "ProtectSystem": "full",
    "ProtectHome": "read-only",
    "PrivateDevices": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service",
}


def command_line(argv: Iterable[str]) -> str:
    """A command line as systemd.service(5) reads it: no specifier, no variable in it."""
    return " ".join(word(each.replace("$", "$$")) for each in argv)


def word(text: str) -> str:
    """One word of a setting, quoted where it has to be (systemd.syntax(7))."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if _PLAIN.fullmatch(escaped) else f'"{escaped}"'


def unit_text(made_by: str, sections: Mapping[str, Mapping[str, str | tuple[str, ...]]]) -> str:
    """A unit file that is marked as ours; a tuple is a setting that is there several times."""
    lines = [f"# {MARK} {made_by}, which overwrites it: changes belong into a drop-in."]
    for name, settings in sections.items():
        lines += ["", f"[{name}]"]
        for key, value in settings.items():
            values = (value,) if isinstance(value, str) else value
            lines += [f"{key}={each}" for each in values]
    return "\n".join([*lines, ""])
