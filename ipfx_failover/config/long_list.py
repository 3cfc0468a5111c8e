"""A list with an entry a line, edited so that the lines of what stays keep their comments. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover.config.literal import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Span = tuple[int, int]

_REST: Final = re.compile(r"[ \t]*,?[ \t]*(#.*)?\r?\n")
"""What may stand behind an entry."""


def with_entries(
    text: str, spans: Sequence[Span], old: Sequence[Any], new: Sequence[Any], newline: str
) -> str | None:
    """The text with other entries; None where the list is not laid out in lines, or is reordered.

    Args:
        text: the whole text.
        spans: where each entry stands.
        old: the entries that there are, one for each span.
        new: those that there shall be: some of the old in their order, then others.
        newline: how a line ends.
    """
    lines = [_line(text, span) for span in spans]
    kept = [at for at, entry in enumerate(old) if entry in new]
    added = [entry for entry in new if entry not in old]
    if not kept or [*(old[at] for at in kept), *added] != list(new) or not _are_apart(text, spans):
        return None
    indent = text[lines[0][0] : spans[0][0]]
    for at in reversed(range(len(old))):
        start, end = lines[at]
        if at == kept[-1]:
            more = "".join(f"{indent}{literal(entry)},{newline}" for entry in added)
            text = text[:end] + more + text[end:]
            if added and not text[spans[at][1] :].lstrip().startswith(","):
                text = f"{text[: spans[at][1]]},{text[spans[at][1] :]}"
        elif at not in kept:
            text = text[:start] + text[end:]
    return text


def _are_apart(text: str, spans: Sequence[Span]) -> bool:
    """Whether each entry has a line of its own."""
    lines = [_line(text, span) for span in spans]
    return all(
        not text[line[0] : span[0]].strip() and _REST.fullmatch(text, span[1], line[1])
        for line, span in zip(lines, spans, strict=True)
    )


def _line(text: str, span: Span) -> Span:
    end = text.find("\n", span[1])
    return text.rfind("\n", 0, span[0]) + 1, len(text) if end < 0 else end + 1
