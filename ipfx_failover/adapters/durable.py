"""Changes to directories of this machine that survive a crash."""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.paths import WINDOWS, narrow

if TYPE_CHECKING:
    from collections.abc import Iterable

_ATTEMPTS = 100
_PAUSE_S = 0.05
_PRIVATE = 0o600
_FLUSH_BYTES = 64 << 20


def replace_file(path: Path, to: Path) -> None:
    """Rename `path` over `to` in one step, and have the directory flushed.

    Windows denies this while another process has `to` open; most have it for moments only, so it
    is tried for 5 s.

    Raises:
        OSError: as os.replace.
    """
    for attempt in range(_ATTEMPTS):
        try:
            path.replace(to)
            break
        except PermissionError:
            if not WINDOWS or attempt == _ATTEMPTS - 1:
                raise
            SystemClock().sleep(_PAUSE_S)
    flush_directory(to.parent)


def write_through(file: BinaryIO, chunks: Iterable[bytes]) -> None:
    """Write what comes, until all of it is on the disk.

    What is large is flushed meanwhile, in a thread of its own: one flush at the end would take as
    long as the disk needs for everything, and make all who use it wait that long.

    Raises:
        OSError: it cannot be written, or did not reach the disk.
    """
    flushing: Future[None] | None = None
    unflushed_bytes = 0
    with ThreadPoolExecutor(1) as beside:
        for chunk in chunks:
            file.write(chunk)
            unflushed_bytes += len(chunk)
            if unflushed_bytes >= _FLUSH_BYTES and (flushing is None or flushing.done()):
                _see_that_it_went_well(flushing)
                flushing, unflushed_bytes = beside.submit(os.fsync, file.fileno()), 0
    _see_that_it_went_well(flushing)
    file.flush()
    os.fsync(file.fileno())


def _see_that_it_went_well(flushing: Future[None] | None) -> None:
    """The system tells a failed flush once only."""
    if flushing is not None:
        flushing.result()


def rewrite_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Give a file new content in one step; it keeps its owner and what else it has.

    Its mode is kept too, unless another is wanted. A file that is not there yet is made, readable
    for its owner only. Windows knows one mode: with 0o600 others are kept out before it is filled.

    Raises:
        OSError: it cannot be; the file is as it was.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if WINDOWS and mode == _PRIVATE:
                narrow(Path(name))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            _take_after(Path(name), path)
        if mode is not None:
            Path(name).chmod(mode)
        replace_file(Path(name), path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _take_after(new: Path, old: Path) -> None:
    facts = old.stat()
    if not WINDOWS and (facts.st_uid, facts.st_gid) != (new.stat().st_uid, new.stat().st_gid):
        shutil.chown(new, facts.st_uid, facts.st_gid)
    shutil.copystat(old, new)
    os.utime(new)  # it has just been changed; who looks at the time is to see that


def flush_directory(path: Path) -> None:
    """Have the names in a directory written to the disk; Windows does that by itself."""
    if WINDOWS:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
