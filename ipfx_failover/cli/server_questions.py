"""The questions of `server add`, in the order of the manual's Server Details window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = "files.real_time"
_QUESTIONS: Final = (
    ("address", "Address"),
    ("port", "Port"),
    ("local_vm_dir", "Local VM Dir"),
    ("assume_ip", "Assume IP Address"),
    ("auto_stop_failover", "Automatically stop failover (what is left during it is lost)"),
    ("ssh.user", "User name for SSH on the server; none: only watch it"),
    ("ssh.key_file", "Private key for it on this machine"),
    ("database.data_source", "Data Source: path of the database file on the server"),
    ("database.catalog", "Catalog"),
    ("database.vm_dir", "VM Dir"),
    ("database.vm_local_dir", "VMLocal Dir"),
    ("replicate_daily", "Replicate daily at, such as 01:00; none: only by hand"),
    (_FILES, "Keep its files in sync in real time"),
)
"""Each key with the manual's label; the sqlite engine needs no user ID and password, and is warm
only."""
_YES_NO: Final = {"true": "yes", "false": "no"}


def ask_settings(file: Path, name: str) -> list[str]:
    """Ask for a new server's settings; `KEY=VALUE` for each that is not left at its default."""
    from ipfx_failover.cli.ask import ask
    from ipfx_failover.config.reference import rows

    defaults = {".".join(row.path[2:]): row.default for row in rows() if row.path[0] == "servers"}
    settings: list[str] = []
    for key, label in _QUESTIONS:
        if not _is_asked(key, settings):
            continue
        default = defaults[key].strip("\"'")
        default = _YES_NO.get(default, default)
        check = partial(_check, file, name, tuple(settings), key)
        answer = ask(label, default=default, check=check)
        if answer and (answer != default or key == _FILES):
            settings.append(f"{key}={answer}")
    return settings


def _is_asked(key: str, settings: list[str]) -> bool:
    """Whether a question makes sense behind these answers."""
    given = {setting.partition("=")[0] for setting in settings}
    if key == "auto_stop_failover":
        return "assume_ip" not in given
    if key == _FILES:
        return "database.vm_dir" in given
    if key in {"ssh.key_file", "database.data_source"}:
        return "ssh.user" in given
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
    wanted = [f"servers.{name}.{setting}" for setting in given]
    edits = understand(wanted, [], (name,)).edits if wanted else ()
    try:
        apply(file, [AddTable(("servers", name)), *edits], dry_run=True)
    except EditError as error:
        own = [each for each in error.problems if each.key == f"servers.{name}.{key}"]
        if own:
            raise UsageError(own[0].message, own[0].suggestion or "give another value") from None
