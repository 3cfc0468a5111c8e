"""The questions of `server add` and `server edit`: the manual's Server Details window."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FILES: Final = "files.real_time"
_ENGINE: Final = "database.engine"
_PASSWORD: Final = "database.password"  # noqa: S105 - the key of one
_LOGIN: Final = "database.sql.login"
_QUESTIONS: Final = (
    ("address", "Address"),
    ("port", "Port"),
    ("local_vm_dir", "Local VM Dir"),
    ("assume_ip", "Assume IP Address"),
    ("auto_stop_failover", "Automatically stop failover (what is left during it is lost)"),
    ("ssh.user", "User name for SSH on the server (without: only watch it)"),
    ("ssh.key_file", "Private key for it on this machine"),
    (_ENGINE, "Its database (sqlite or sqlserver)"),
    ("database.data_source", "Data Source: path of the database file on the server"),
    ("database.user_id", "User ID"),
    ("database.catalog", "Catalog"),
    ("database.vm_dir", "VM Dir"),
    ("database.vm_local_dir", "VMLocal Dir"),
    ("real_time", "Real time replication (off, configuration or all)"),
    ("replicate_daily", "Replicate daily at, such as 01:00 (without: only by hand)"),
    (_FILES, "Keep its files in sync in real time"),
)
"""Each key with the manual's label; the sqlite engine needs no user ID and password, and is warm
only. A password is asked for at the end, unseen."""
_BEHIND: Final = {
    "auto_stop_failover": "assume_ip",
    **dict.fromkeys(("ssh.key_file", _ENGINE, "database.data_source"), "ssh.user"),
    **dict.fromkeys(("database.user_id", "real_time"), _ENGINE),
    **dict.fromkeys(
        ("database.catalog", "database.vm_dir", "database.vm_local_dir", "replicate_daily"),
        "database.data_source",
    ),
    _FILES: "database.vm_dir",
}
"""On which answer it depends whether a question makes sense."""
_SOURCE_OF_SQLSERVER: Final = r"Data Source: its SQL Server, HOST\INSTANCE or HOST,PORT"
_TO_COME: Final = {_PASSWORD: "env:X", "database.vm_dir": "/VM", "database.data_source": "X"}
"""What a SQL Server's settings need that is asked for later: it is not to be missed before."""
_YES_NO: Final = {"true": "yes", "false": "no"}
_NOTHING: Final = "-"


class Answers(NamedTuple):
    """What was answered, as `server edit` takes it: `KEY=VALUE`, and keys to `--unset`."""

    settings: list[str]
    unset: list[str]


def ask_settings(file: Path, name: str, present: Mapping[str, Any] | None = None) -> Answers:
    """Ask for a server's settings; what is left as it is, or at its default, is not among them.

    Args:
        file: the config.
        name: the server.
        present: its table in the config; none for a new server.

    Raises:
        UsageError: no server can have this name.
    """
    from ipfx_failover.cli.ask import ask
    from ipfx_failover.cli.output import write

    form = _Form(file, name, {} if present is None else _typed(present))
    form.judge()
    if present is not None:
        write(sys.stderr, f"Enter keeps what is in brackets, {_NOTHING} goes back to the default.")
    for key, label in _QUESTIONS:
        if form.asks(key):
            default = form.shown(key)
            check = partial(form.check, key)
            form = form.with_answer(key, ask(form.label(key, label), default=default, check=check))
    passwords = [_PASSWORD] if form.wants_password() else []
    return Answers(
        [*(f"{key}={answer}" for key, answer in form.given.items()), *passwords], [*form.unset]
    )


def _typed(table: Mapping[str, Any]) -> dict[str, str]:
    """What a server's table has, as somebody would type it."""
    from ipfx_failover.config.sheet import value_at

    keys = (*(key for key, _ in _QUESTIONS), _LOGIN)
    values = {key: value_at(table, tuple(key.split("."))) for key in keys}
    values[_FILES] = "files" in table and values[_FILES] is not False
    if value_at(table, tuple(_PASSWORD.split("."))):
        values[_PASSWORD] = "kept"
    return {
        key: _YES_NO.get(str(value).lower(), str(value))
        for key, value in values.items()
        if value is not None
    }


@dataclass(frozen=True, slots=True)
class _Form:
    """What a server has, and what was answered so far."""

    file: Path
    name: str
    present: Mapping[str, str]
    given: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    def value(self, key: str) -> str:
        """What it will have; empty for the default."""
        return self.given.get(key) or ("" if key in self.unset else self.present.get(key, ""))

    @property
    def is_sqlserver(self) -> bool:
        return self.value(_ENGINE) == "sqlserver"

    def asks(self, key: str) -> bool:
        """Whether a question makes sense behind these answers."""
        behind = _BEHIND.get(key)
        if behind is None or (key in self.present and key != _FILES):
            return True
        if key == "auto_stop_failover":
            return self.value(behind) in {"", "no"}
        if key in {"database.user_id", "real_time"}:
            return self.is_sqlserver
        return bool(self.value(behind))

    def label(self, key: str, usual: str) -> str:
        is_other = key == "database.data_source" and self.is_sqlserver
        return _SOURCE_OF_SQLSERVER if is_other else usual

    def shown(self, key: str) -> str:
        """What an empty answer stands for."""
        return self.present.get(key) or _default(key)

    def with_answer(self, key: str, answer: str) -> _Form:
        if answer == _NOTHING and key in self.present:
            return replace(self, unset=(*self.unset, key))
        is_news = answer != self.shown(key) or (key == _FILES and key not in self.present)
        return replace(self, given={**self.given, key: answer}) if answer and is_news else self

    def check(self, key: str, answer: str) -> None:
        """Whether the config would be right about this key.

        Raises:
            UsageError: it would not.
        """
        self.with_answer(key, answer).judge(key)

    def judge(self, *key: str) -> None:
        """Whether the config would be right about the server's name, or about this key of it.

        Raises:
            UsageError: it would not.
        """
        from ipfx_failover.config.edit import AddTable
        from ipfx_failover.config.given import below_server
        from ipfx_failover.config.literal import dotted_key
        from ipfx_failover.config.problems import EditError
        from ipfx_failover.wiring.config_file import apply

        settings = [f"{own}={value}" for own, value in self.given.items()]
        if self.is_sqlserver:
            to_come = ((own, value) for own, value in _TO_COME.items() if not self.value(own))
            settings += [f"{own}={value}" for own, value in to_come]
        edits = below_server(self.name, settings, self.unset).edits
        meant = ".".join((dotted_key(("servers", self.name)), *key))
        try:
            apply(self.file, [AddTable(("servers", self.name)), *edits], dry_run=True)
        except EditError as error:
            for each in error.problems:
                if each.key == meant:
                    hint = each.suggestion or "give another value"
                    raise UsageError(each.message, hint) from None

    def wants_password(self) -> bool:
        """Whether a password is to be asked for: a new one, or another."""
        from ipfx_failover.cli.ask import ask

        if not self.is_sqlserver or self.value(_LOGIN) == "windows":
            return False
        if _PASSWORD not in self.present:
            return True
        return ask("Change its password", default="no").lower() in {"y", "yes"}


def _default(key: str) -> str:
    from ipfx_failover.config.reference import rows

    path = ("servers", *key.split("."))
    row = next(row for row in rows() if (row.path[0], *row.path[2:]) == path)
    default = row.default.strip("\"'")
    return _YES_NO.get(default, default)
