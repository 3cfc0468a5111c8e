"""The questions of `server add`, in the order of the manual's Server Details window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = "files.real_time"
_ENGINE: Final = "database.engine"
_QUESTIONS: Final = (
    ("address", "Address"),
    ("port", "Port"),
    ("local_vm_dir", "Local VM Dir"),
    ("assume_ip", "Assume IP Address"),
    ("auto_stop_failover", "Automatically stop failover (what is left during it is lost)"),
    ("ssh.user", "User name for SSH on the server; none: only watch it"),
    ("ssh.key_file", "Private key for it on this machine"),
    (_ENGINE, "Its database (sqlite or sqlserver)"),
    ("database.data_source", "Data Source: path of the database file on the server"),
    ("database.user_id", "User ID"),
    ("database.catalog", "Catalog"),
    ("database.vm_dir", "VM Dir"),
    ("database.vm_local_dir", "VMLocal Dir"),
    ("real_time", "Real time replication (off, configuration or all)"),
    ("replicate_daily", "Replicate daily at, such as 01:00; none: only by hand"),
    (_FILES, "Keep its files in sync in real time"),
)
"""Each key with the manual's label; the sqlite engine needs no user ID and password, and is warm
only. A password is asked for at the end, unseen."""
_OF_SQLSERVER: Final = {
    "database.data_source": r"Data Source: its SQL Server, HOST\INSTANCE or HOST,PORT",
    "database.user_id": "User ID",
    "real_time": "Real time replication (off, configuration or all)",
}
"""What is asked otherwise, or only, for the sqlserver engine."""
_IS_SQLSERVER: Final = f"{_ENGINE}=sqlserver"
_PASSWORD: Final = "database.password"  # noqa: S105 - the key of one
_TO_COME: Final = {_PASSWORD: "env:X", "database.vm_dir": "/VM", "database.data_source": "X"}
"""What a SQL Server's settings need that is asked for later: it is not to be missed before."""
_YES_NO: Final = {"true": "yes", "false": "no"}


def ask_settings(file: Path, name: str) -> list[str]:
    """Ask for a new server's settings; `KEY=VALUE` for each that is not left at its default."""
    from ipfx_failover.cli.ask import ask
    from ipfx_failover.config.reference import rows

    defaults = {".".join(row.path[2:]): row.default for row in rows() if row.path[0] == "servers"}
    settings: list[str] = []
    for key, usual in _QUESTIONS:
        if not _is_asked(key, settings):
            continue
        label = _OF_SQLSERVER.get(key, usual) if _IS_SQLSERVER in settings else usual
        default = defaults[key].strip("\"'")
        default = _YES_NO.get(default, default)
        check = partial(_check, file, name, tuple(settings), key)
        answer = ask(label, default=default, check=check)
        if answer and (answer != default or key == _FILES):
            settings.append(f"{key}={answer}")
    return [*settings, _PASSWORD] if _IS_SQLSERVER in settings else settings


def _is_asked(key: str, settings: list[str]) -> bool:
    """Whether a question makes sense behind these answers."""
    given = {setting.partition("=")[0] for setting in settings}
    if key == "auto_stop_failover":
        return "assume_ip" not in given
    if key == _FILES:
        return "database.vm_dir" in given
    if key in {"ssh.key_file", _ENGINE, "database.data_source"}:
        return "ssh.user" in given
    if key in {"database.user_id", "real_time"}:
        return _IS_SQLSERVER in settings
    if key.startswith("database.") or key == "replicate_daily":
        return "database.data_source" in given
    return True


def _check(file: Path, name: str, settings: tuple[str, ...], key: str, answer: str) -> None:
    """Whether the config would be right about this key.

    Raises:
        UsageError: it would not.
    """
    from ipfx_failover.config.edit import AddTable
    from ipfx_failover.config.given import understand
    from ipfx_failover.config.problems import EditError
    from ipfx_failover.wiring.config_file import apply

    given = [*settings, *([f"{key}={answer}"] if answer else [])]
    if _IS_SQLSERVER in given:
        known = {setting.partition("=")[0] for setting in given}
        given += [f"{other}={value}" for other, value in _TO_COME.items() if other not in known]
    wanted = [f"servers.{name}.{setting}" for setting in given]
    edits = understand(wanted, [], (name,)).edits if wanted else ()
    try:
        apply(file, [AddTable(("servers", name)), *edits], dry_run=True)
    except EditError as error:
        own = [each for each in error.problems if each.key == f"servers.{name}.{key}"]
        if own:
            raise UsageError(own[0].message, own[0].suggestion or "give another value") from None
