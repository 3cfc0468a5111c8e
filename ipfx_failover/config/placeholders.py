"""Placeholders in commands and service names: {server}, {database} and so on.

A literal brace is written twice. Pure; the names are the fields of the application's role.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES: Final = ("server", "address", "port", "catalog", "database", "vm_dir", "vm_local_dir")

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def check_placeholders(argv: Sequence[str]) -> list[str]:
    """What is wrong with the placeholders of a command or of service names, a sentence each.

    Quotes nothing but the placeholder itself: an argument may be a secret.
    """
    return [
        complaint
        for argument in argv
        for token in _TOKEN.finditer(argument)
        if (complaint := _complaint(token))
    ]


def fill(argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments with the placeholders' values in them.

    Raises:
        UsageError: there is an unknown placeholder, or a single brace.
    """
    if complaints := check_placeholders(argv):
        raise UsageError(complaints[0], "correct it in the config: ipfx-failover config check")
    return tuple(_TOKEN.sub(lambda token: _value(token, values), argument) for argument in argv)


def _complaint(token: re.Match[str]) -> str | None:
    if token[0] in {"{{", "}}"} or token[1] in NAMES:
        return None
    if token[1] is None:
        return f"a single {token[0]}; a literal brace is written twice: {token[0] * 2}"
    near = get_close_matches(token[1].lower(), NAMES, n=1)
    names = near or NAMES
    known = ", ".join(f"{{{name}}}" for name in names)
    return f"unknown placeholder {token[0]}; {'did you mean' if near else 'known are'} {known}"


def _value(token: re.Match[str], values: Mapping[str, str]) -> str:
    return values[token[1]] if token[1] else token[0][0]
