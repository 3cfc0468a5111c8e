"""What is written for people agrees with the code: man pages, help, README, mails."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.exceptions import TyperException

from ipfx_failover.config import reference
from ipfx_failover.errors import ExitCode
from ipfx_failover.events import SPECS
from man import commands, generate
from man.overview import exit_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
TEXTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
COMMANDS = commands.commands()
each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda each: " ".join(each.path))


def mandoc(*arguments: str) -> str:
    """What mandoc prints, without overstriking."""
    assert shutil.which("mandoc"), "mandoc is missing: sudo apt-get install -y mandoc"
    done = subprocess.run(
        ["mandoc", *arguments], capture_output=True, encoding="utf-8", check=False, cwd=CHECKOUT
    )
    return re.sub(".\b", "", done.stdout + done.stderr)


def shown(page: str) -> str:
    """A committed page as a reader sees it, on one line."""
    return " ".join(mandoc("-Tutf8", "-Owidth=200", f"man/{page}").split())


def help_of(path: tuple[str, ...]) -> str:
    """What `--help` prints."""
    command, context = parsed([*path])
    text: str = command.get_help(context)
    return text


def parsed(arguments: list[str], *, is_complete: bool = False) -> tuple[Any, Any]:
    """The command that a command line calls, and its context; nothing is run.

    A complete command line has every argument that it needs, and no option that is not known.
    """
    command = commands.program()
    context = command.make_context(commands.PROGRAM, [], resilient_parsing=True)
    while hasattr(command, "commands"):
        name, *arguments = arguments or [""]
        command = command.get_command(context, name)
        if command is None:
            raise LookupError(f"there is no command {name!r}")
        is_group = hasattr(command, "commands")
        context = command.make_context(
            name,
            [] if is_group else list(arguments),
            parent=context,
            resilient_parsing=is_group or not is_complete,
        )
    return command, context


def command_lines(text: str) -> Iterator[list[str]]:
    """The product's command lines in a text, in `code` or on lines of their own."""
    spans = re.findall(r"`([^`\n]+)`", text)
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    for said in (*spans, *lines):
        found = re.match(r"(?:sudo )?(?:\S*/)?ipfx-failover ([a-z][^#;|&]*)", said)
        if found:
            yield shlex.split(found[1])


def complaint(arguments: list[str]) -> str | None:
    """Why a command line is none; None when it is one."""
    try:
        parsed(arguments, is_complete=True)
    except TyperException as error:
        return f"{shlex.join(arguments)}: {error.format_message()}"
    except LookupError as error:
        return f"{shlex.join(arguments)}: {error}"
    return None


def test_the_committed_man_pages_are_those_of_the_code() -> None:
    made, there = generate.pages(), generate.committed()
    differing = {path for path in made.keys() | there.keys() if made.get(path) != there.get(path)}

    assert set() == differing, "make them anew: .venv/bin/python -m man.generate"


def test_mandoc_has_nothing_to_say_against_the_man_pages() -> None:
    said = mandoc("-Tlint", *(f"man/{path}" for path in generate.committed()))

    assert said == ""


def test_the_overview_names_every_command_with_its_page() -> None:
    page = shown("man1/ipfx-failover.1")
    lacking = [
        each.path for each in COMMANDS if f"{' '.join(each.path)} ({each.page_name}(1))" not in page
    ]

    assert [] == lacking


def test_the_overview_says_what_each_exit_code_means() -> None:
    page = shown("man1/ipfx-failover.1")
    lacking = [code for code, text in exit_codes().items() if f"{code.value} {text}" not in page]

    assert [] == lacking
    assert set(ExitCode) == exit_codes().keys()


@each_command
def test_the_page_of_a_command_has_every_option_of_its_help(command: commands.Command) -> None:
    page = shown(f"man1/{command.page_name}.1")
    _, _, listed = help_of(command.path).partition("\nOptions:\n")
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", listed, re.MULTILINE))
    lacking = [option for option in options if f"{option} " not in page]

    assert "--help" in options
    assert [] == lacking


@pytest.mark.parametrize("name", ["", *sorted({c.path[0] for c in COMMANDS if c.path[1:]})])
def test_the_help_says_what_each_command_is_for_in_whole_sentences(name: str) -> None:
    program = commands.program()
    group = program.commands[name] if name else program
    text = group.get_help(group.make_context(name, [], resilient_parsing=True))
    _, _, listed = text.partition("\nCommands:\n")

    assert listed
    assert "..." not in listed


@each_command
def test_what_must_be_given_stands_in_no_braces(command: commands.Command) -> None:
    assert "{" not in help_of(command.path).partition("\n")[0]


@each_command
def test_the_help_of_a_command_has_an_example_that_is_right(command: commands.Command) -> None:
    examples = list(command_lines(re.sub(r"\bExample: ", "\n", help_of(command.path))))
    called = [tuple(example[: len(command.path)]) for example in examples]

    assert called
    assert set(called) == {command.path}
    assert [] == [why for example in examples if (why := complaint(example))]


def test_the_page_of_the_config_has_every_key_with_type_and_meaning() -> None:
    page = shown("man5/ipfx-failover.toml.5")
    lacking = [
        (*row.table, row.key)
        for row in reference.rows()
        for text in (f"{row.key} = {row.type}", row.doc.replace("`", ""))
        if " ".join(text.split()) not in page
    ]

    assert [] == lacking


def test_every_key_of_the_config_has_a_meaning() -> None:
    assert [] == [(*row.table, row.key) for row in reference.rows() if not row.doc]


@pytest.mark.parametrize("name", TEXTS)
def test_command_lines_in_the_texts_are_right(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")

    assert [] == [why for line in command_lines(text) if (why := complaint(line))]


def test_command_lines_in_mails_are_right() -> None:
    steps = [spec.next_step.replace("{worker}", "monitor") for spec in SPECS.values()]
    filled = re.sub(r"\{direction\}", "from-live", "\n".join(steps))
    groups = "|".join({each.path[0] for each in COMMANDS if len(each.path) > 1})
    called = re.findall(rf"ipfx-failover (?:(?:{groups}) )?[a-z-]+(?: \{{server\}})?", filled)
    lines = [line for each in called for line in command_lines(each)]

    assert lines
    assert [] == [why for line in lines if (why := complaint(line))]


def test_the_readme_names_every_command() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    assert [] == [each.path for each in COMMANDS if f"`{' '.join(each.path)}" not in text]


def test_the_readme_has_a_row_for_every_exit_code() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    assert [] == [code for code in ExitCode if f"\n| {code.value} |" not in text]


@pytest.mark.parametrize("name", TEXTS)
def test_links_in_the_texts_lead_to_files_that_are_there(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]

    assert [] == [link for link in links if not (CHECKOUT / link).exists()]


def test_each_item_of_the_manual_has_a_scenario_and_its_command() -> None:
    """The README's table, and the tests that are named after its items."""
    section = (
        (CHECKOUT / "README.md").read_text("utf-8").partition("## The manual, item by item")[2]
    )
    rows = re.findall(r"^\| ([A-Z][^|]+) \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    scenarios = re.findall(
        r"^def test_(\w+)", (CHECKOUT / "tests/e2e/test_manual.py").read_text("utf-8"), re.MULTILINE
    )
    items = [re.sub(r"\W+", "_", item.lower()) for item, _ in rows]

    assert len(items) == 23
    assert [item for item in items if not any(s.startswith(item) for s in scenarios)] == []
    assert [s for s in scenarios if not s.startswith(tuple(items))] == []
