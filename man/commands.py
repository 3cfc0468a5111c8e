"""The commands of the program as its own help knows them, and a man page for each."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer.main

from ipfx_failover.cli import app
from man.roff import Page, bold, italic

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = "ipfx-failover"

_EXAMPLE: Final = re.compile(r"^Example: (.+)$", re.MULTILINE)
_EXIT_STATUS: Final[dict[tuple[str, ...], str]] = {
    ("status",): """
        The one exception is `status --check`, which ends as monitoring plug-ins do. 0: all is
        well. 1: a server is suspect, or something is to be done (failback is pending, a copy is
        out of date or was never made). 2: a server has failed, the Failover Server stands in for
        one, or no monitor watches. 3: nothing is known yet, or an error,
        such as a wrong config, keeps it from looking; what to do is told on standard error.
    """
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option or an argument. `names`: of an option, all its spellings; else empty."""

    names: tuple[str, ...]
    value: str
    """What stands for its value; empty for a flag."""
    is_required: bool
    help: str

    @property
    def tag(self) -> str:
        """As it stands before its explanation."""
        names = ", ".join(bold(name) for name in sorted(self.names, key=len))
        return " ".join(part for part in (names, italic(self.value) if self.value else "") if part)

    @property
    def usage(self) -> str:
        """As it stands in a synopsis."""
        name = bold(max(self.names, key=len)) if self.names else ""
        value = italic(self.value) if self.value else ""
        shown = r"\~".join(part for part in (name, value) if part)
        return shown if self.is_required else f"[{shown}]"


@dataclass(frozen=True, slots=True)
class Command:
    """A command that does something; `path` is how it is called, `("config", "check")`."""

    path: tuple[str, ...]
    summary: str
    text: str
    """What it does, in paragraphs, without the example."""
    examples: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def page_name(self) -> str:
        return "-".join((PROGRAM, *self.path))


def program() -> Any:
    """The whole command line, as a group of (Typer's own copy of) Click."""
    return typer.main.get_command(app.build())


def commands() -> list[Command]:
    """Every command, in the order of the help."""
    group = program()
    return list(_commands(group, (), group.make_context(PROGRAM, [], resilient_parsing=True)))


def options_of(group: Any) -> tuple[Parameter, ...]:
    """The options of the program itself."""
    return _parameters(group, group.make_context(PROGRAM, [], resilient_parsing=True))


def _commands(group: Any, path: tuple[str, ...], parent: Any) -> Iterator[Command]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        context = command.make_context(name, [], parent=parent, resilient_parsing=True)
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name), context)
        else:
            yield _command(command, (*path, name), context)


def _command(command: Any, path: tuple[str, ...], context: Any) -> Command:
    text = inspect.cleandoc(command.help or "")
    prose = _EXAMPLE.sub("", text).strip()
    summary = prose.partition("\n\n")[0].rstrip(".")
    examples = tuple(_EXAMPLE.findall(text))
    return Command(path, summary, prose, examples, _parameters(command, context))


def _parameters(command: Any, context: Any) -> tuple[Parameter, ...]:
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    return tuple(_parameter(each, context) for each in shown)


def _parameter(given: Any, context: Any) -> Parameter:
    is_option = given.param_type_name == "option"
    is_flag = is_option and (given.is_flag or given.count)
    value = "" if is_flag else (given.metavar or given.name.upper())
    names = tuple(context.help_option_names if given.opts == ["--help"] else given.opts)
    return Parameter(names if is_option else (), value, given.required, given.help or "")


def command_page(command: Command, version: str) -> Page:
    """The page of one command."""
    page = Page(command.page_name, 1, _lower(command.summary), version)
    page.section("SYNOPSIS")
    page.synopsis([bold(" ".join((PROGRAM, *command.path))), *_usage(command)])
    page.section("DESCRIPTION")
    page.prose(command.text)
    page.section("OPTIONS")
    page.entries((each.tag, each.help) for each in command.parameters)
    page.section("EXIT STATUS")
    page.prose(f"0 when done; what else there is is the same for every command: see {PROGRAM}(1).")
    if command.path in _EXIT_STATUS:
        page.prose(_EXIT_STATUS[command.path])
    page.section("EXAMPLES" if command.examples[1:] else "EXAMPLE")
    for example in command.examples:
        page.example(example)
    page.section("SEE ALSO")
    page.synopsis([f"{bold(PROGRAM)}(1), {bold(PROGRAM + '.toml')}(5)"])
    return page


def _usage(command: Command) -> list[str]:
    """Options first, then arguments; help goes without saying."""
    own = [each for each in command.parameters if "--help" not in each.names]
    return [each.usage for each in sorted(own, key=lambda each: not each.names)]


def _lower(summary: str) -> str:
    return summary[:1].lower() + summary[1:]
