"""All batches that a server was sent, in a file: a line of JSON each, in their order."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Prepared


class StatementLog:
    """Goes on behind what is there already; leaving the block closes it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, session: EngineSession, statement: Prepared) -> None:
        said = {
            "session": session.number,
            "catalog": session.database,
            "login": session.login_name,
            "program": session.program,
            "sql": statement.sql,
            "parameters": statement.declarations,
        }
        with self._lock:
            if not self._file.closed:
                self._file.write(json.dumps(said) + "\n")
                self._file.flush()
