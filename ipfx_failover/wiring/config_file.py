"""Changes of the config file: looked at as a whole before they are written, and written whole."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ipfx_failover.adapters.durable import rewrite_file
from ipfx_failover.config.changes import changes
from ipfx_failover.config.edit import edited
from ipfx_failover.config.find import find
from ipfx_failover.config.load import Content, Loaded, check, decode, read
from ipfx_failover.config.problems import ConfigError, EditError
from ipfx_failover.errors import Busy, Refused
from ipfx_failover.state.locks import MONITOR, Locks, this_command
from ipfx_failover.wiring.looking import LOCKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ipfx_failover.config.changes import Change
    from ipfx_failover.config.edit import Edit
    from ipfx_failover.config.problems import Problem

_WAIT_S = 5.0


class Changed(NamedTuple):
    """What a change makes of the config file."""

    path: Path
    """The file itself, behind any link."""
    before: str
    after: str
    problems: tuple[Problem, ...]
    """What was wrong before and still is; the change brings none."""
    was: Loaded | None
    """The config before the change; none if there were problems."""
    loaded: Loaded | None
    """The config after the change; none as long as there are problems."""

    @property
    def keys(self) -> tuple[Change, ...]:
        """What is another value now."""
        was = tomllib.loads(self.before) if is_toml(self.before) else {}
        return changes(was, tomllib.loads(self.after))


def tree_of(path: Path | None) -> tuple[Path, dict[str, Any]]:
    """The config file, and what is in it, right or wrong.

    Raises:
        UsageError: there is no such file.
        ConfigError: it is not TOML, or has something else where servers belong.
    """
    file = find(path, environ=os.environ).resolve()
    content = read(file)
    text = decode(file, content.data)
    tree = tomllib.loads(text) if is_toml(text) else {"servers": None}
    servers = tree.get("servers", {})
    if not isinstance(servers, dict) or not all(isinstance(e, dict) for e in servers.values()):
        check(file, content, environ=os.environ)  # says what is wrong
    return file, tree


def apply(path: Path | None, edits: Iterable[Edit], *, dry_run: bool = False) -> Changed:
    """Edit the config file, unless that would bring a problem into it.

    A file that is wrong elsewhere can be edited all the same: that is how it gets right again.

    Args:
        path: the file; none for the one that counts (`--config`).
        edits: what to change, together.
        dry_run: say what would be, and write nothing.

    Raises:
        UsageError: there is no such file, or an edit contradicts what is there.
        ConfigError: the file is not TOML.
        EditError: what the edits would make wrong.
        Busy: somebody else changes it now.
        Refused: it cannot be written.
    """
    file = find(path, environ=os.environ).resolve()
    if dry_run:
        return _edited(file, read(file), edits)
    with locked(file):
        content = read(file)
        changed = _edited(file, content, edits)
        if changed.after != changed.before:
            _write(file, content.data, changed.after)
    return changed


def is_monitored(changed: Changed) -> bool:
    """Whether a monitor runs, which takes the change up; not as long as there are problems."""
    if changed.loaded is None:
        return False
    state_dir = changed.loaded.config.failover_server.state_dir
    return Locks(state_dir / LOCKS).holder(MONITOR) is not None


def judge(file: Path, before: Content, after: bytes) -> Changed:
    """What another content would make of the config file; nothing is written.

    Raises:
        ConfigError: the new content would bring a problem into it; all that there would be.
    """
    known = _looked_at(file, before)
    result = _looked_at(file, before._replace(data=after))
    old, new = _text(before.data), _text(after)
    was = known if isinstance(known, Loaded) else None
    if isinstance(result, Loaded):
        return Changed(file, old, new, (), was, result)
    if not is_toml(new) or _added(known, result):
        raise result
    return Changed(file, old, new, result.problems, was, None)


def replace(file: Path, before: bytes, after: str) -> None:
    """Write a whole new text, if the file still has what it had.

    Raises:
        Busy: somebody else changes it now, or has.
        Refused: it cannot be written.
    """
    with locked(file):
        _write(file, before, after)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep others of us from changing the config file meanwhile.

    Raises:
        Busy: somebody else changes it now.
        Refused: this user cannot change it.
    """
    as_we_are = os.access in os.supports_effective_ids
    if not os.access(file.parent, os.W_OK, effective_ids=as_we_are):
        raise Refused(
            f"{file} cannot be changed by this user: its directory cannot be written",
            "run this as root (sudo), or as the directory's owner",
        )
    with Locks(file.parent).hold(f".{file.name}", this_command(), wait_s=_WAIT_S):
        yield


def _edited(file: Path, content: Content, edits: Iterable[Edit]) -> Changed:
    before = decode(file, content.data)
    if not is_toml(before):
        check(file, content, environ=os.environ)  # says what is wrong
    try:
        return judge(file, content, edited(before, edits).encode())
    except ConfigError as error:
        known = _looked_at(file, content)
        raise EditError(file, _added(known, error)) from None


def _looked_at(file: Path, content: Content) -> Loaded | ConfigError:
    try:
        return check(file, content, environ=os.environ)
    except ConfigError as error:
        return error


def is_toml(text: str) -> bool:
    """Whether the text can be parsed at all."""
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _added(known: Loaded | ConfigError, result: ConfigError) -> tuple[Problem, ...]:
    """The problems that were not there before; a problem's line may have moved."""
    old = Counter[tuple[str, str]]()
    if isinstance(known, ConfigError):
        old.update((problem.key, problem.message) for problem in known.problems)
    added = []
    for problem in result.problems:
        told = (problem.key, problem.message)
        if old[told]:
            old[told] -= 1
        else:
            added.append(problem)
    return tuple(added)


def _write(file: Path, before: bytes, after: str) -> None:
    if read(file).data != before:
        raise Busy(
            f"{file} was changed by somebody else meanwhile; nothing was written",
            "look at what changed, then run the same command again",
        )
    mark = "\ufeff" if before.startswith(b"\xef\xbb\xbf") else ""
    try:
        rewrite_file(file, (mark + after).encode())
    except OSError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror or error}; it is as it was",
            "run this as the file's owner or as root, and see that the disk is not full",
        ) from None
