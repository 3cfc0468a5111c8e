"""Which config file counts: `--config`, then `IPFX_FAILOVER_CONFIG`, then the system's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters import paths
from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "IPFX_FAILOVER_CONFIG"
START: Final = "begin with: ipfx-failover init"


def find(path: Path | None, *, environ: Mapping[str, str]) -> Path:
    """The config file that counts, as an absolute path.

    Raises:
        UsageError: none is there; the message says where it was looked for.
    """
    file = place(path, environ=environ)
    if exists(file):
        return file
    if path is None and not environ.get(VARIABLE):
        raise UsageError(
            f"no config file: there is no {file}",
            f"{START}; or name another file with --config or {VARIABLE}",
        )
    source = "" if path else f" (named by {VARIABLE})"
    raise UsageError(f"no config file: there is no {file}{source}", f"check the name, or {START}")


def place(path: Path | None, *, environ: Mapping[str, str]) -> Path:
    """Where the config file that counts is, or would be; absolute."""
    named = path or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    return (named or paths.places(environ).config_file).absolute()


def exists(file: Path) -> bool:
    """Whether it is there; true also where this user may not look."""
    try:
        return file.exists()
    except (OSError, ValueError):  # without the right to look: reading will say so
        return "\0" not in str(file)
