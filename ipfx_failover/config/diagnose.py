"""From what pydantic refuses to problems that a person can act on, all of them in one go.

A table's cross checks run only when each of its keys is right, and those between servers only
when every table is. So the faulty parts are replaced by right ones and the rest is checked again,
until nothing new is found. What was replaced is never blamed a second time.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ipfx_failover.config.locate import Position, locate
from ipfx_failover.config.models import Config
from ipfx_failover.config.problems import Problem
from ipfx_failover.config.reference import ENTRY
from ipfx_failover.config.suggest import suggest_key
from ipfx_failover.config.wording import Path, dotted, is_server_name, printable, row_of, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from ipfx_failover.config.conflict import Conflict

SUBSTITUTES: Final[Mapping[str, object]] = {
    "address": "192.0.2.1",
    "column": "column",
    "command": ["true"],
    "data_source": "/data",
    "dir": "data",
    "from": "/from/",
    "key_file": "/key",
    "name": "name",
    "patterns": ["*"],
    "table": "table",
    "to": "/to/",
    "url": "https://example.com/",
    "user": "user",
}
"""A right value for each key that has no default."""


def diagnose(raw: Mapping[str, Any], text: str, file: FilePath) -> tuple[Problem, ...]:
    """Everything that is wrong with a parsed config file, in the file's order."""
    diagnosis = _Diagnosis(raw, text, file)
    while diagnosis.look():
        pass
    return tuple(sorted(diagnosis.problems, key=lambda problem: problem.line or 0))


def position_of(key: Path, positions: Mapping[Path, Position]) -> Position | None:
    """Where a key stands, or else the table that should have it; none for an absent table."""
    while key and key not in positions:
        key = key[:-1]
    return positions.get(key)


class _Diagnosis:
    def __init__(self, raw: Mapping[str, Any], text: str, file: FilePath) -> None:
        self.tree = _Tree(deepcopy(dict(raw)))
        self.positions = locate(text)
        self.file = file
        self.problems: list[Problem] = []
        self.settled: set[Path] = set()
        """What was replaced, and so is not to be blamed any more."""
        self.moved: dict[Path, Path] = {}
        """From where a value probably belongs to where the file has it."""

    def look(self) -> bool:
        """One round; whether another may find more."""
        errors = self._errors()
        # Unknown keys first: the key that was probably meant must not be called missing.
        errors.sort(key=lambda error: error["type"] != "extra_forbidden")
        blamed: list[Path] = []
        for error in errors:
            blamed += self._take(error["type"], error["loc"], error.get("ctx", {}))
        before = len(self.settled)
        for path in blamed:
            self._settle(path)
        return len(self.settled) > before

    def _errors(self) -> list[Any]:
        try:
            Config.model_validate(self.tree.root, by_alias=True, by_name=False)
        except ValidationError as error:
            return list(error.errors(include_url=False, include_input=False))
        return []

    def _take(self, kind: str, path: Path, context: Any) -> list[Path]:
        """Reports one error, unless it follows from another; the paths to replace."""
        if kind == "conflict":
            found: tuple[Conflict, ...] = context["conflicts"]
            return [key for conflict in found for key in self._take_conflict(path, conflict)]
        value = self.tree.get(path)
        follows = (kind == "missing" and path in self.moved) or (kind == "too_short" and value)
        if not follows and not self._is_settled(path):
            if kind == "extra_forbidden":
                self._take_unknown(path, value)
            else:
                self._report(path, *wrong(kind, path, value, context))
        return [] if kind == "missing" and path in self.moved else [path]

    def _take_conflict(self, table: Path, conflict: Conflict) -> list[Path]:
        keys = [(*table, *key) for key in conflict.keys]
        if any(self._is_settled(key) for key in keys):
            return [key for key in keys if self.tree.get(key) is not None]
        set_here = [key for key in keys if self._source(key) in self.positions]
        blamed = (set_here or keys)[0]
        self._report(blamed, conflict.message, conflict.suggestion)
        return [blamed]

    def _take_unknown(self, path: Path, value: object) -> None:
        *table, key = path
        names = tuple(ENTRY if isinstance(part, int) else part for part in table)
        suggestion = suggest_key(names, str(key), value)
        what = "unknown table" if isinstance(value, dict) else "unknown key"
        self._report(path, what, suggestion.text)
        if suggestion.path and self.tree.put_if_absent(suggestion.path, value):
            self.moved[suggestion.path] = path

    def _report(self, path: Path, message: str, suggestion: str) -> None:
        position = position_of(self._source(path), self.positions)
        entry = next((part + 1 for part in path if isinstance(part, int)), None)
        problem = Problem(
            file=self.file,
            line=position.line if position else None,
            key=dotted(path[:-1] if is_server_name(path) else path),
            message=printable(message if entry is None else f"entry {entry}: {message}"),
            suggestion=printable(suggestion),
        )
        self.problems.append(problem)

    def _source(self, path: Path) -> Path:
        """Where the file has what is looked at here."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.moved:
                return self._source((*self.moved[path[:end]], *path[end:]))
        return path

    def _is_settled(self, path: Path) -> bool:
        return any(path[:length] in self.settled for length in range(1, len(path) + 1))

    def _settle(self, path: Path) -> None:
        """Makes this part right, so that the checks behind it get their turn."""
        index = next((at for at, part in enumerate(path) if isinstance(part, int)), len(path))
        self.settled.add(path[:index])
        self.tree.replace(path[:index])


class _Tree:
    """The parsed file, as something that can be repaired."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def get(self, path: Path) -> Any:
        """What is at a path; None for nothing."""
        node: Any = self.root
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def replace(self, path: Path) -> None:
        """Puts the default there, or a right value where there is no default."""
        table = self.get(path[:-1])
        if not isinstance(table, dict):
            return
        table.pop(path[-1], None)
        row = row_of(path)
        if is_server_name(path) or (row is not None and row.required):
            table[path[-1]] = deepcopy(SUBSTITUTES[str(path[-1])])

    def put_if_absent(self, path: tuple[str, ...], value: object) -> bool:
        """Whether the value is there now; false where something else is in its way."""
        table: Any = self.root
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                return False
        if path[-1] in table:
            return False
        table[path[-1]] = deepcopy(value)
        return True
