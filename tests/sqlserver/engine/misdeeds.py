"""What a fault does to a server, a session or a file."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sqlserver.engine.databases import end
from tests.sqlserver.results import CutError

if TYPE_CHECKING:
    from tests.sqlserver.engine.faults import Fault
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.session import EngineSession

_DISK = re.compile(r"DISK\s*=\s*N?'((?:[^']|'')*)'", re.IGNORECASE)
_LOOK_EVERY_S = 0.02


def misbehave(server: SimulatedServer, fault: Fault, session: EngineSession | None) -> None:
    """Do what a rule says, but for its errors.

    Raises:
        CutError: the connection is to be cut.
    """
    if fault.touch:
        Path(fault.touch).touch()
    _wait(server, fault, session)
    if fault.damage:
        _damage(Path(fault.file or _file_of(session)), fault.damage)
    _change(server, fault)
    if fault.kill == "server":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.kill == "session" and session is not None:
        with server.changed:
            end(session)
    if fault.cut:
        raise CutError


def _change(server: SimulatedServer, fault: Fault) -> None:
    """What happens to the server's catalogs behind the back of all."""
    if fault.steal:
        server.intrude(fault.steal)
    if fault.forget:
        server.forget_history(server.catalog(fault.forget))
    if fault.fork:
        server.fork(server.catalog(fault.fork))
    if fault.free_mib is not None:
        server.free_bytes = fault.free_mib * 2**20


def _wait(server: SimulatedServer, fault: Fault, session: EngineSession | None) -> None:
    """Until the time is over or the file is there; or nobody waits any more."""
    left_s = fault.stall_s
    while left_s > 0 or (fault.until and not Path(fault.until).exists()):
        if (session is not None and session.is_cancelled) or server.closing.wait(_LOOK_EVERY_S):
            return
        left_s -= _LOOK_EVERY_S


def _file_of(session: EngineSession | None) -> str:
    found = _DISK.search(session.batch) if session is not None else None
    assert found is not None, "the rule needs a file: its statement names none"
    return found[1].replace("''", "'")


def _damage(path: Path, how: str) -> None:
    size = path.stat().st_size
    if how == "end":
        os.truncate(path, size - size // 10 - 1)
        return
    if how == "newer":
        _make_newer(path)
        return
    with path.open("r+b") as stream:
        stream.seek(0 if how == "header" else size - size // 3)
        there = stream.read(16)
        stream.seek(-len(there), os.SEEK_CUR)
        stream.write(bytes(each ^ 0xFF for each in there))


def _make_newer(path: Path) -> None:
    """As if a server had written it that is newer than all."""
    magic, header, rest = path.read_bytes().split(b"\n", 2)
    told = json.loads(header) | {"version": [99, 0, 0]}
    path.write_bytes(b"\n".join((magic, json.dumps(told).encode(), rest)))
