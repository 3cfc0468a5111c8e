"""What is wrong with a config file, as values: every problem with its place and the way out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `str()` is its one line; it never holds the value of a secret."""

    file: Path
    line: int | None
    """1 for the first; none where the whole file is meant."""
    key: str
    """The dotted key, such as `servers.DEMOSERVER.address`; empty for the file or a line of it."""
    message: str
    suggestion: str = ""
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        said = "; ".join(part for part in (self.message, self.suggestion) if part)
        return ": ".join(part for part in (place, self.key, said) if part)


class ConfigError(UsageError):
    """The config file says something that cannot be; all of it, in the file's order."""

    kind = "config"

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"{count} in {file}",
            "correct what is listed, then look at it again with: ipfx-failover config check",
        )
        self.file = file
        self.problems = problems

    @property
    def details(self) -> tuple[str, ...]:
        """One line for each problem."""
        return tuple(str(problem) for problem in self.problems)

    def warning(self, instead: str) -> str:
        """What is said where `instead` serves as long as the file is as it is."""
        told, *more = self.details
        rest = f" (and {len(more)} more)" if more else ""
        return f"the config is broken: {told}{rest}; {instead}: ipfx-failover config check"


class EditError(ConfigError):
    """What an edit would make wrong; nothing was written."""

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        super().__init__(file, tuple(replace(problem, line=None) for problem in problems))
        self.message = f"nothing was changed: {file} would not be right any more"
        self.hint = "change what is listed in the same command, or give another value"
