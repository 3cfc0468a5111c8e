"""Questions to a person at a terminal. A script is never asked: it is told what is missing.

Questions go to standard error; standard output has results only.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.adapters.terminals import is_terminal
from ipfx_failover.cli.output import write
from ipfx_failover.errors import FailoverError, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PasswordFile = Annotated[
    str | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Read the password from the first line of this file; - is standard input.",
        show_default=False,
    ),
]


def somebody_there(*, as_json: bool = False) -> bool:
    """Whether there is a person who can be asked."""
    return not as_json and is_terminal(sys.stdin)


def ask(label: str, *, default: str = "", check: Callable[[str], None] | None = None) -> str:
    """Ask for a text, again until it is right; an empty answer is the default.

    Args:
        label: what is wanted, without a colon.
        default: shown in brackets.
        check: raises a FailoverError that says what is wrong with an answer.

    Raises:
        Refused: standard input ended.
    """
    while True:
        _prompt(f"{label} [{default}]: " if default else f"{label}: ")
        answer = _line() or default
        try:
            if check is not None:
                check(answer)
        except FailoverError as error:
            write(sys.stderr, f"  {error.message}; {error.hint}")
        else:
            return answer


def choose(
    label: str,
    choices: Sequence[str],
    *,
    default: int = 0,
    check: Callable[[int], None] = lambda _: None,
) -> int:
    """Ask for one of several; its index.

    Args:
        label: what is wanted, without a colon.
        choices: each in words.
        default: the index of the one in brackets.
        check: raises a FailoverError that says what is wrong with one.

    Raises:
        Refused: standard input ended.
    """
    for number, choice in enumerate(choices, start=1):
        write(sys.stderr, f"  {number}  {choice}")

    def judge(answer: str) -> None:
        if not answer.isdecimal() or not 1 <= int(answer) <= len(choices):
            raise UsageError("that is none of them", f"give a number from 1 to {len(choices)}")
        check(int(answer) - 1)

    return int(ask(label, default=str(default + 1), check=judge)) - 1


def ask_password(label: str) -> str:
    """Ask for a password, twice, unseen; empty for none (manual, "Installation").

    Raises:
        Refused: standard input ended.
    """
    while True:
        password = _unseen(f"{label}: ")
        if not password or password == _unseen("Confirm password: "):
            return password
        write(sys.stderr, "  The two are not the same; again.")


def read_password(source: str) -> str:
    """The password in the first line of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read, or there is none.
    """
    try:
        if source == "-":
            line = sys.stdin.readline()
        else:
            with open(source, encoding="utf-8-sig") as file:  # noqa: PTH123 - a name as it was given
                line = file.readline()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        line, problem = "", f"the password file {source} cannot be read: {reason}"
    else:
        problem = f"there is no password in {'standard input' if source == '-' else source}"
    password = line.rstrip("\r\n")
    if not password:
        raise UsageError(problem, "write the password alone into its first line")
    return password


def _unseen(label: str) -> str:
    from getpass import getpass

    try:
        return getpass(label, sys.stderr)
    except EOFError:
        write(sys.stderr, "")
        raise _unanswered() from None
    except UnicodeDecodeError:
        raise _no_text() from None


def _prompt(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _line() -> str:
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        raise _no_text() from None
    if not line:
        write(sys.stderr, "")
        raise _unanswered()
    return line.strip()


def _no_text() -> UsageError:
    return UsageError("the answer is not UTF-8 text", "run it again, in a terminal with UTF-8")


def _unanswered() -> Refused:
    return Refused("the question was not answered; nothing was done", "run it again to go on")
