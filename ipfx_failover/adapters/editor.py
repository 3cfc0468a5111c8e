"""The operator's own editor."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.adapters.signals import ctrl_c_left_to_child
from ipfx_failover.adapters.terminals import is_terminal
from ipfx_failover.errors import Failed, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_USUAL: Final = ("notepad",) if WINDOWS else ("editor", "sensible-editor", "nano", "vi")


def edit_file(file: Path, environ: Mapping[str, str]) -> None:
    """Have a person edit a file with `$VISUAL`, `$EDITOR` or what the system has.

    Raises:
        Refused: there is no editor, or no terminal for the one that the system has.
        Failed: it cannot be run, or ended with an error.
    """
    named = environ.get("VISUAL") or environ.get("EDITOR")
    usual = next((name for name in _USUAL if shutil.which(name)), None)
    if not (named or usual):
        raise Refused("no editor was found", "name one: EDITOR=/usr/bin/nano")
    if not (named or is_terminal(sys.stdin)):
        raise Refused(
            "there is no terminal to edit in",
            "run it in one, or change settings by: ipfx-failover config set KEY=VALUE",
        )
    argv = shlex.split(named, posix=not WINDOWS) if named else [str(usual)]
    try:
        with ctrl_c_left_to_child():
            code = subprocess.call([*argv, str(file)])
    except OSError as error:
        raise Failed(
            f"the editor ({argv[0]}) cannot be run: {error.strerror or error}",
            "name another one in EDITOR",
        ) from None
    if code:
        raise Failed(
            f"the editor ({argv[0]}) ended with exit code {code}; nothing was changed",
            "run it again, or name another one in EDITOR",
        )
