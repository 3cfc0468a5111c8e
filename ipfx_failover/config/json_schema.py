"""Writes examples/config/ipfx-failover.schema.json: the config for editors, as a JSON Schema.

Editors that know TOML (Taplo, Even Better TOML) then complete keys, show their meaning and mark
what is wrong. They are told by the first line of a config:

    #:schema ./ipfx-failover.schema.json

It judges keys one by one; `config check` also knows what does not go together.

    python -m ipfx_failover.config.json_schema > examples/config/ipfx-failover.schema.json
"""

from __future__ import annotations

import json
import sys
import tomllib
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover.config.kinds import NAME_PATTERN
from ipfx_failover.config.reference import ENTRY, NAME, tables

if TYPE_CHECKING:
    from ipfx_failover.config.reference import Row, Table

LINE: Final = "#:schema ./ipfx-failover.schema.json"
_TYPES: Final = {bool: "boolean", int: "integer", float: "number"}
_LIMITS: Final = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}
_SECRET: Final = {
    "oneOf": [
        {
            "type": "object",
            "properties": {place: {"type": "string", "minLength": 1, "description": meaning}},
            "required": [place],
            "additionalProperties": False,
        }
        for place, meaning in (
            ("file", "Whole path of a file that only its owner reads."),
            ("env", "Name of an environment variable."),
            ("keyring", "service/user in the keyring of the user that runs this."),
        )
    ]
    + [{"type": "string", "minLength": 1, "description": "The secret itself: better elsewhere."}]
}


def schema() -> dict[str, Any]:
    """The whole schema (draft 7, which editors know best)."""
    root: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ipfx-failover",
        "description": "The settings of a Failover Server: ipfx-failover.toml(5).",
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    for table in tables():
        _put(root, table)
    return root


def _put(root: dict[str, Any], table: Table) -> None:
    """The schema of a table in its place; parents come first."""
    node = root
    *above, last = table.path
    for part in above:
        node = _child(node, part)
    if last == ENTRY:
        node["items"] = _table(table)
    elif last == NAME:
        node["additionalProperties"] = _table(table)
        node["propertyNames"] = {"pattern": NAME_PATTERN}
    else:
        node["properties"][last] = _table(table)


def _child(node: dict[str, Any], part: str) -> dict[str, Any]:
    child: dict[str, Any]
    if part == NAME:
        child = node["additionalProperties"]
    else:
        empty = {"type": "object", "properties": {}, "additionalProperties": False}
        child = node["properties"].setdefault(part, empty)
    return child


def _table(table: Table) -> dict[str, Any]:
    required = [row.key for row in table.rows if row.required]
    return {
        "type": "object",
        "title": ".".join(table.path),
        "description": " ".join(table.doc.split()),
        "properties": {row.key: _key(row) for row in table.rows},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _key(row: Row) -> dict[str, Any]:
    about: dict[str, Any] = {
        "title": ".".join(row.path),
        "description": f"{row.doc} {row.type[0].upper()}{row.type[1:]}.",
    }
    if row.default:
        about["default"] = tomllib.loads(f"value = {row.default}")["value"]
    if not row.is_list:
        return {**about, **_value(row)}
    least = {"minItems": row.limits["min_length"]} if "min_length" in row.limits else {}
    return {**about, "type": "array", **least, "items": _value(row)}


def _value(row: Row) -> dict[str, Any]:
    """What a value may be, or each entry of a list."""
    if row.is_secret:
        return _SECRET
    if row.choices:
        return {"enum": list(row.choices)}
    if row.base in _TYPES:
        limits = {_LIMITS[name]: limit for name, limit in row.limits.items() if name in _LIMITS}
        return {"type": _TYPES[row.base], **limits}
    return {"type": "string", **({"pattern": row.pattern} if row.pattern else {})}


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
