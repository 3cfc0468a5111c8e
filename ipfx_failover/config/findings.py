"""What `config check` finds, and the parts that several tables share. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ipfx_failover.adapters import paths
from ipfx_failover.config.kinds import SERVERNAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from ipaddress import IPv4Address, IPv4Interface

    from ipfx_failover.adapters.paths import FileFacts
    from ipfx_failover.config.models import Config, SqlServerSettings
    from ipfx_failover.config.secrets import Secret
    from ipfx_failover.errors import FailoverError

Level = Literal["ok", "note", "warning"]

_VOLATILE: Final = ("/tmp", "/run", "/var/run", "/dev/shm")  # noqa: S108 - told from safe places


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that follows from the config."""

    level: Level
    subject: str
    """The server's name, or the table that it is about."""
    message: str
    hint: str = ""
    """What to do; empty where nothing is wrong, or where it is a matter of taste."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about this machine. What is None is unknown, and not judged."""

    gateway: IPv4Address | None = None
    """The default gateway; None when there is none."""
    interfaces: tuple[IPv4Interface, ...] | None = None
    """The addresses of the configured adapter; empty when it is not there or has none."""
    look: Callable[[Path], FileFacts] | None = None
    """What is at a path."""
    environ: Mapping[str, str] | None = None
    """The environment, for secrets that are to come from it."""
    reveal: Callable[[Secret], str | None] | None = None
    """A secret's value; None where it cannot be had."""
    read: Callable[[Path], str | None] | None = None
    """A file's text; None where it cannot be read."""
    sql_driver: Callable[[SqlServerSettings], str | FailoverError] | None = None
    """What the ODBC driver that will be used is called, or why there is none."""
    takes_addresses: bool = True
    """Whether an address can be taken over on this system."""

    @property
    def own_addresses(self) -> frozenset[IPv4Address]:
        """Our own addresses, without those that we took over (/32)."""
        mine = [own for own in self.interfaces or () if own.network.prefixlen < 32]
        return frozenset(own.ip for own in mine)


def ok(subject: str, message: str) -> Finding:
    """What is as it should be, and good to know."""
    return Finding("ok", subject, message)


def note(subject: str, message: str, hint: str = "") -> Finding:
    """What may be meant, and has a price."""
    return Finding("note", subject, message, hint)


def warning(subject: str, message: str, hint: str = "") -> Finding:
    """What will hurt."""
    return Finding("warning", subject, message, hint)


def duration(value_ms: float) -> str:
    """Milliseconds for people: "361 ms", "31 s", "10 min"."""
    if value_ms < 1000:
        return f"{value_ms:g} ms"
    if value_ms < 300_000 or value_ms % 60_000:
        return f"{value_ms / 1000:g} s"
    return f"{value_ms / 60_000:g} min"


def volatile(subject: str, key: str, path: Path) -> Iterator[Finding]:
    """A place that is emptied when the machine restarts."""
    text = path.as_posix()
    if any(text == place or text.startswith(f"{place}/") for place in _VOLATILE):
        yield warning(
            subject,
            f"{key} {path} is emptied when this machine restarts",
            "use a directory below /var/lib",
        )


def secret_findings(
    subject: str, key: str, secret: Secret | None, facts: Facts
) -> Iterator[Finding]:
    """Whether a secret can be had when it is needed, as far as that is known here."""
    if secret is None:
        return
    if secret.is_literal:
        yield warning(
            subject, f"{key} is written in the config file itself", 'use { file = "…" } instead'
        )
    elif secret.source == "file":
        yield from file_findings(subject, key, Path(secret.reference), facts)
        yield from _plain_text(subject, key, Path(secret.reference), facts)
    elif secret.source == "env" and facts.environ is not None:
        if not facts.environ.get(secret.reference):
            yield note(
                subject,
                f"{key} comes from the environment variable {secret.reference}, not set here",
                "set it for the service too (systemd: EnvironmentFile=)",
            )
    elif secret.source == "keyring":
        yield note(
            subject,
            f"{key} is in a keyring, which belongs to one user: a service may not see it",
            'use { file = "…" } for a service',
        )


def file_findings(subject: str, key: str, path: Path, facts: Facts) -> Iterator[Finding]:
    """Whether a file with a secret in it is there, readable, and only by its owner."""
    if facts.look is None:
        return
    found = facts.look(path)
    if found.kind != "file":
        words = {"missing": "is not there", "unreadable": "cannot be read by this user"}
        yield warning(subject, f"{key} {path} {words.get(found.kind, 'is not a file')}")
    elif found.exposed:
        yield warning(subject, f"{key} {path} {found.exposed}", paths.how_to_narrow(path))


def _plain_text(subject: str, key: str, path: Path, facts: Facts) -> Iterator[Finding]:
    if facts.look is not None and facts.look(path).is_plain:
        yield warning(
            subject,
            f"{key} {path} is plain text: a copy of it gives the secret away",
            "store it anew with config set, which encrypts it for this machine",
        )


def in_commands(
    config: Config, subject: str, key: str, command: tuple[str, ...]
) -> Iterator[Finding]:
    """Placeholders that stay empty, or are none."""
    text = "\0".join(command)
    if SERVERNAME.search(text):
        yield warning(subject, f"%servername% is not expanded in {key}", "use {server}")
    if "{vm_local_dir}" in text and config.failover_server.vm_local_dir is None:
        yield warning(
            subject,
            f"{key} uses {{vm_local_dir}}, and nothing says where that is",
            "set vm_local_dir in [failover_server]",
        )
