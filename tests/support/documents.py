"""What commands print with --json, held against examples/json/documents.schema.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA_FILE = Path(__file__).parents[2] / "examples" / "json" / "documents.schema.json"
LINES = ("log", "monitor")
"""Commands that print an event a line."""


@cache
def schema() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return whole


def command_of(argv: Iterable[str], commands: Iterable[str]) -> str:
    """Which command these arguments call; `commands` are all, such as `server list`."""
    called = [word for word in argv if not word.startswith("-")]
    found = [name for name in commands if called[: len(name.split())] == name.split()]
    return max(found, key=len)


def check_document(argv: Sequence[str], document: object) -> None:
    """Fail unless it is what this command may print, or an error."""
    complaint = complaint_about(command_of(argv, schema()["$defs"]), document)
    assert complaint is None, complaint


def complaint_about(name: str, document: object) -> str | None:
    """What is wrong with a command's document; None: nothing."""
    refs = [{"$ref": f"#/$defs/{quote(each)}"} for each in (name, "error")]
    whole = schema()
    validator = Draft202012Validator({"$defs": whole["$defs"], "anyOf": refs})
    errors = [error for tried in validator.iter_errors(document) for error in tried.context or ()]
    if not errors:
        return None
    return f"{name}: {json.dumps(document)}\n" + "\n".join(
        f"  {error.json_path}: {error.message}" for error in errors
    )
