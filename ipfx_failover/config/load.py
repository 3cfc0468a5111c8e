"""Finds the config file, reads it and builds the models; or says all that is wrong with it.

Found by `--config`, `IPFX_FAILOVER_CONFIG` or the system's place, never in the current directory:
what a root shell happens to stand in must not decide what is taken over.
"""

from __future__ import annotations

import codecs
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from pydantic import ValidationError

from ipfx_failover.adapters import paths
from ipfx_failover.config.find import START, find
from ipfx_failover.config.models import Config, ServerSettings, Settings
from ipfx_failover.config.problems import ConfigError, Problem
from ipfx_failover.config.secrets import Secret
from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MAX_BYTES: Final = 4 * 1024 * 1024
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Loaded(NamedTuple):
    """A config that holds together."""

    config: Config
    path: Path
    """Where it came from; absolute."""
    warnings: tuple[str, ...]
    """What is allowed but should not stay so, one line each."""
    data: bytes
    """The file's content."""


class Content(NamedTuple):
    """What a config file holds, and what others may do with it."""

    data: bytes
    exposed: str | None = None
    """As ipfx_failover.adapters.paths.exposure says it; none: only its owner reads it."""
    writable: bool = False
    """Whether others can change it."""


def load(path: Path | None, *, environ: Mapping[str, str]) -> Loaded:
    """The config, from this file, or else the one that the environment or the system names.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        ConfigError: something in it is wrong; everything that is.
    """
    file = find(path, environ=environ)
    return check(file, read(file), environ=environ)


def check(file: Path, content: Content, *, environ: Mapping[str, str]) -> Loaded:
    """The config that a file has, or would have, with this content.

    Raises:
        ConfigError: something in it is wrong; everything that is.
    """
    text = decode(file, content.data)
    raw = _parse(file, text)
    table = raw.setdefault("failover_server", {})
    if isinstance(table, dict):
        table.setdefault("state_dir", str(paths.places(environ).state_dir))
    try:
        config = Config.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError:
        config = None
    if config is None:
        _refuse(raw, text, file)
    literals = tuple(_literals(config, ()))
    if literals and content.exposed:
        raise ConfigError(file, tuple(_exposed(file, text, key, content) for key in literals))
    return Loaded(config, file, tuple(_warnings(file, text, literals, content)), content.data)


def find_server(config: Config, name: str) -> ServerSettings:
    """The server of this name, without regard to case.

    Raises:
        UsageError: there is none; the hint lists those that there are.
    """
    by_name = {known.casefold(): server for known, server in config.servers.items()}
    if server := by_name.get(name.casefold()):
        return server
    message = f"there is no server named {name!r}"
    if not by_name:
        raise UsageError(message, "the config has none yet: ipfx-failover server add NAME")
    from difflib import get_close_matches

    close = get_close_matches(name.casefold(), by_name, n=1)
    guess = f"did you mean {by_name[close[0]].name}? " if close else ""
    raise UsageError(message, f"{guess}known are: {', '.join(config.servers)}")


def read(file: Path) -> Content:
    """What the file holds.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        if file.is_dir():
            raise IsADirectoryError
        with file.open("rb") as opened:
            number = opened.fileno()
            exposed, writable = paths.exposure(number), paths.others_can_write(number)
            return Content(opened.read(_MAX_BYTES + 1), exposed, writable)
    except IsADirectoryError:
        raise UsageError(
            f"the config file {file} is a directory", "name the file in it with --config"
        ) from None
    except PermissionError:
        raise UsageError(
            f"the config file {file} must not be read by this user",
            "run this as the user that the service runs as, or as root (sudo)",
        ) from None
    except OSError as error:
        raise UsageError(
            f"the config file {file} cannot be read: {error.strerror or error}",
            "check the path and the disk, or name another file with --config",
        ) from None


def decode(file: Path, data: bytes) -> str:
    """The content as text, without a byte order mark.

    Raises:
        ConfigError: it is no text.
    """
    line = None
    if len(data) > _MAX_BYTES:
        message, hint = "is too large for a config file", "check that it is the right file"
    elif not data.removeprefix(codecs.BOM_UTF8).strip():
        message, hint = "is empty", START
    elif data.startswith(_UTF16) or b"\0" in data[:64]:
        message, hint = "is UTF-16 or no text at all", "save it as UTF-8"
    else:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            message, hint = "a character is not UTF-8", "save the file as UTF-8, not as ANSI"
    # Raised outside of the handler, whose error holds the whole file.
    raise ConfigError(file, (Problem(file, line, "", message, hint),))


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        said = None
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        said = str(error)
    # Raised outside of the handler, whose error may hold the whole text.
    if said is None:
        raise ConfigError(file, (_too_deep(file),))
    from ipfx_failover.config.syntax import syntax_problem

    raise ConfigError(file, (syntax_problem(file, text, said),))


def _refuse(raw: Mapping[str, Any], text: str, file: Path) -> NoReturn:
    from ipfx_failover.config.diagnose import diagnose

    try:
        problems = diagnose(raw, text, file)
    except RecursionError:
        problems = (_too_deep(file),)
    raise ConfigError(file, problems)


def _too_deep(file: Path) -> Problem:
    return Problem(file, None, "", "lists or tables are nested too deeply", "no key needs that")


def _literals(table: Settings, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The keys whose secret stands in the file itself."""
    for name, value in table:
        key = (*path, name)
        if isinstance(value, Secret) and value.is_literal:
            yield key
        elif isinstance(value, Settings):
            yield from _literals(value, key)
        elif isinstance(value, dict):
            for server, settings in value.items():
                yield from _literals(settings, (*key, server))


def _exposed(file: Path, text: str, key: tuple[str, ...], content: Content) -> Problem:
    return Problem(
        file,
        _line_of(key, text),
        ".".join(key),
        f"the secret itself is in the file, which {content.exposed}",
        f'{paths.how_to_narrow(file)}, or better {{ file = "…" }}',
    )


def _warnings(
    file: Path, text: str, literals: tuple[tuple[str, ...], ...], content: Content
) -> Iterator[str]:
    for key in literals:
        yield (
            f"{file}:{_line_of(key, text)}: {'.'.join(key)}: the secret itself is in the file; "
            'keep it in a file of its own: { file = "…" }'
        )
    if content.writable:
        yield (
            f"{file}: others can change this file, and with it what is run as root; "
            f"chmod go-w {file}"
        )


def _line_of(key: tuple[str, ...], text: str) -> int | None:
    from ipfx_failover.config.locate import locate

    position = locate(text).get(key)
    return position.line if position else None
