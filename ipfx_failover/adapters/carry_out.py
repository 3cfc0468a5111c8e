"""Carries out what an installation changes; when something fails, the files are as they were."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.durable import replace_file
from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.installing import DeleteFile, Run, WriteFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ipfx_failover.installing import Action

_ENDS_WITHIN_S: Final = 100.0
"""systemd itself gives a service 90 s to stop."""


def carry_out(actions: Sequence[Action]) -> None:
    """Do it, in this order.

    Raises:
        Refused: a file may not be written.
        Failed: a command failed; files that were written or deleted are as before.
    """
    before: list[tuple[Path, bytes | None]] = []
    try:
        for action in actions:
            if not isinstance(action, Run):
                before.append((action.path, content(action.path)))
            _do(action)
    except BaseException:
        for path, data in reversed(before):
            with contextlib.suppress(OSError):
                _put(path, data)
        raise


def content(path: Path) -> bytes | None:
    """What is in a file; None when it is not there.

    Raises:
        Refused: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, "read", error) from None


def _do(action: Action) -> None:
    match action:
        case WriteFile(path, text, encoding):
            _change(path, text.encode(encoding))
        case DeleteFile(path):
            _change(path, None)
        case Run(argv, text):
            _run(argv, text)


def _run(argv: tuple[str, ...], text: str | None) -> None:
    with contextlib.ExitStack() as stack:
        given = argv
        if text is not None:
            file = stack.enter_context(tempfile.NamedTemporaryFile())
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            given = (*argv, file.name)
        ended = run_command(given, timeout_s=_ENDS_WITHIN_S)
    if complaint := ended.complaint(_ENDS_WITHIN_S):
        raise Failed(
            f"{' '.join(argv)} {complaint}",
            "files are as they were; remove the cause, and run the same command again",
        )


def _change(path: Path, data: bytes | None) -> None:
    try:
        _put(path, data)
    except OSError as error:
        raise _refused(path, "changed", error) from None


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.chmod(0o644)
    replace_file(beside, path)


def _refused(path: Path, what: str, error: OSError) -> Refused:
    hint = f"see that {path.parent} is a directory that can be written"
    if isinstance(error, PermissionError):
        hint = f"run it {'elevated (as administrator)' if WINDOWS else 'as root (sudo)'}"
    return Refused(f"{path} cannot be {what}: {error.strerror}", hint)
