"""The monitor's thread that looks at the config file, and has an edit of it taken up."""

from __future__ import annotations

import threading
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipfx_failover.config.changes import changes
from ipfx_failover.config.load import check, decode, read
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.errors import FailoverError, InDoubt, UsageError
from ipfx_failover.monitor.adoption import fitting, in_words
from ipfx_failover.monitor.messages import ConfigBroken, Reconfigured
from ipfx_failover.state.trouble import StateUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ipfx_failover.config.load import Content
    from ipfx_failover.config.models import Config
    from ipfx_failover.monitor.hurry import Hurry
    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.monitor.threads import Generation

_LOOK_EVERY_S = 1.0
_ANSWER_S = 0.2


@dataclass(frozen=True, slots=True)
class _Looked:
    """The file as it was looked at: its content, or why it cannot be read."""

    content: Content | None
    problem: tuple[str, str] = ("", "")


class ConfigWatch:
    """Looks at the file every second; what still changes from look to look is left to the editor.

    `build`: the threads for a config, as far as those in use do not serve for it too; with the
    content of its file.
    `standing_in`: whose role is performed now.
    """

    def __init__(
        self,
        *,
        path: Path,
        environ: Mapping[str, str],
        in_use: Generation,
        build: Callable[[Config, bytes, Generation], Generation],
        standing_in: Callable[[], str | None],
        tell: Callable[[Message], None],
        hurry: Hurry,
    ) -> None:
        self._path = path
        self._environ = environ
        self._in_use = in_use
        self._build = build
        self._standing_in = standing_in
        self._tell = tell
        self._hurry = hurry
        self._seen: _Looked | None = None
        self._judged: _Looked | None = None
        self._raw = _parsed(path)
        self._waits = ""
        self._stood_in: str | None = None
        self._is_broken = False
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        self._stop.set()

    def run(self) -> None:
        """Look until `stop`."""
        while not self._stop.wait(_LOOK_EVERY_S):
            self.turn()

    def turn(self) -> None:
        """Judge the file if it is another one than before, and lies still."""
        self._hurry.wait_until_over()
        before, self._seen = self._seen, self._look()
        may_go_on = self._has_waiting and self._standing_in() != self._stood_in
        if self._seen != before or (self._seen == self._judged and not may_go_on):
            return
        try:
            is_judged = self._judge(self._seen)
        except (InDoubt, StateUnwritableError):
            is_judged = False  # that is told already, and no fault of the config
        except Exception as error:  # noqa: BLE001 - no edit ends the monitor; the words say what it was
            self._is_broken, is_judged = True, True
            self._tell(ConfigBroken(_first_line(error)))
        if is_judged:
            self._judged = self._seen

    @property
    def _has_waiting(self) -> bool:
        """Whether something is taken up only when the role is given back."""
        return bool(self._waits) or self._in_use.desk_for is not None

    def _look(self) -> _Looked:
        try:
            return _Looked(read(self._path))
        except FailoverError as error:
            return _Looked(None, (error.message, error.hint))

    def _judge(self, seen: _Looked) -> bool:
        """False when it must be tried again.

        Raises:
            FailoverError: it cannot be used.
        """
        if seen.content is None:
            raise UsageError(*seen.problem)
        wanted = check(self._path, seen.content, environ=self._environ).config
        raw = tomllib.loads(decode(self._path, seen.content.data))
        before, standing_in = self._in_use.config, self._standing_in()
        config, waits = fitting(wanted, before, standing_in)
        is_waiting = self._in_use.desk_for is not None and standing_in != self._stood_in
        if config == before and waits == self._waits and not is_waiting:
            if self._is_broken:
                self._tell(ConfigBroken(None))
            self._raw, self._is_broken = raw, False
            return True
        generation = self._build(config, seen.content.data, self._in_use)
        said = in_words(changes(self._raw, raw), before, config) or "what had waited"
        offer = Reconfigured(generation, standing_in, said, waits)
        if not self._is_taken(offer):
            generation.discard(self._in_use)
            return False
        self._in_use, self._raw, self._is_broken = generation, raw, False
        self._waits, self._stood_in = waits, standing_in
        return True

    def _is_taken(self, offer: Reconfigured) -> bool:
        """Whether the deciding thread has taken it up; it does not while it takes over."""
        self._tell(offer)
        while not self._stop.is_set():
            if offer.is_answered.wait(_ANSWER_S):
                return offer.is_taken
        return True  # it ends, with all that is in use


def _parsed(path: Path) -> Mapping[str, Any]:
    """What is in the file that has just been loaded; nothing if it is another one by now."""
    try:
        return tomllib.loads(decode(path, read(path).data))
    except (FailoverError, ValueError):
        return {}


def _first_line(error: Exception) -> str:
    """What is wrong, without the file's name: everybody knows which one it is."""
    if not isinstance(error, FailoverError):
        return f"a bug: {type(error).__name__}: {error}"
    if not isinstance(error, ConfigError):
        return f"{error.message}; {error.hint}"
    problem, more = error.problems[0], len(error.problems) - 1
    place = [f"line {problem.line}"] if problem.line else []
    said = ": ".join([*place, *filter(None, [problem.key]), problem.message])
    return f"{said} (and {more} more)" if more else said
