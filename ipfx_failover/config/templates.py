"""The body of a webhook's request: JSON with $placeholders between quotes. Pure.

A dollar sign begins a placeholder because braces are JSON's own; a literal one is written twice.
"""

from __future__ import annotations

import json
from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXTS: Final = (
    "subject",
    "text",
    "next_step",
    "body",
    "kind",
    "level",
    "server",
    "at",
    "host",
)
"""What can stand in a template."""


def check_template(text: str) -> str | None:
    """What is wrong with a template, quoting nothing but a placeholder; None: nothing."""
    template = Template(text)
    if not template.is_valid():
        return "has a single $; a literal dollar sign is written twice: $$"
    for name in template.get_identifiers():
        if name not in TEXTS:
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), TEXTS, n=1)
            known = ", ".join(f"${text}" for text in near or TEXTS)
            return f"unknown placeholder ${name}; {'did you mean' if near else 'known are'} {known}"
    try:
        json.loads(fill_template(text, dict.fromkeys(TEXTS, "text")))
    except ValueError as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "somewhere"
        reason = f"is no JSON (look at {place}); placeholders stand between quotes"
    else:
        return None
    return reason


def fill_template(text: str, values: Mapping[str, str]) -> str:
    """The template with the values in it, each escaped as JSON texts are.

    Raises:
        ValueError: the template is wrong: see `check_template`.
        KeyError: so it is, or a value is missing.
    """
    escaped = {name: json.dumps(values[name])[1:-1] for name in values}
    return Template(text).substitute(escaped)
