"""The first config of a Failover Server (manual, "Installation" and "Settings…")."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.durable import rewrite_file
from ipfx_failover.config.example import first_config
from ipfx_failover.config.find import exists, place
from ipfx_failover.config.load import Content, Loaded, check
from ipfx_failover.errors import Refused
from ipfx_failover.wiring.config_file import locked
from ipfx_failover.wiring.secret_store import put_secret, reference_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.config.edit import Key
    from ipfx_failover.config.literal import Value
    from ipfx_failover.wiring.secret_store import Place

_MODE = 0o644
"""It has no password in it, and `status` reads it as any user."""


@dataclass
class FirstStart:
    """What the config is going to say; nothing is written before `write`."""

    file: Path
    values: dict[Key, Value] = field(default_factory=dict)
    passwords: dict[Key, str] = field(default_factory=dict, repr=False)
    place: Place = "file"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and where."""

    loaded: Loaded
    kept: Path | None
    """Where the config is now that was there before."""
    references: Mapping[Key, Mapping[str, str]]
    """Where the passwords are, by the key that they are for."""


def begin(path: Path | None, *, force: bool) -> FirstStart:
    """Begin a config where the one that counts will be.

    Raises:
        Refused: there is one already, and it is not to be replaced.
    """
    file = place(path, environ=os.environ)
    if not force and _has_config(file):
        raise Refused(
            f"there is a config already: {file}",
            "change it with: ipfx-failover config edit; or begin anew with --force, which keeps it",
        )
    return FirstStart(file)


def write(start: FirstStart) -> Written:
    """Write the config and its passwords; a config that is there is kept beside it.

    Raises:
        ConfigError: the values contradict each other; nothing was written.
        Refused: it cannot be written.
    """
    file = start.file.resolve()
    stamp = f"{SystemClock().now().astimezone():%Y%m%d-%H%M%S}"
    references = {
        key: _unused(reference_for(key, config=file, place=start.place), stamp)
        for key in start.passwords
    }
    text = first_config({**start.values, **references})
    loaded = check(file, Content(text.encode()), environ=os.environ)
    kept = file.with_name(f"{file.name}.{stamp}") if _has_config(file) else None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file):
            for key, password in start.passwords.items():
                put_secret(references[key], password)
            if kept is not None:
                kept.hardlink_to(file)
            rewrite_file(file, text.encode(), mode=_MODE)
    except OSError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror or error}",
            "run this as root (sudo), or name another file with --config",
        ) from None
    return Written(loaded, kept, references)


def _has_config(file: Path) -> bool:
    try:
        return exists(file) and file.stat().st_size > 0
    except OSError:  # without the right to look: writing will say so
        return True


def _unused(reference: dict[str, str], stamp: str) -> dict[str, str]:
    """A secret file that is there belongs to the config that is kept."""
    if "file" in reference and Path(reference["file"]).exists():
        return {"file": f"{reference['file']}.{stamp}"}
    return reference
