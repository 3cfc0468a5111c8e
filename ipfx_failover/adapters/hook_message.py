"""What a hook is handed for an event: one JSON object, and the texts in it by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ipfx_failover.config.templates import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.mailing import Letter

SCHEMA_VERSION = 1


def message(letter: Letter, host: str) -> dict[str, Any]:
    """The event as values; `key` is the same whenever it is told again, `host` is this machine."""
    return {
        "schema_version": SCHEMA_VERSION,
        "key": letter.key,
        "host": host,
        **json.loads(letter.document),
    }


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """What can stand in templates and variables; empty where the event has no such thing."""
    return {name: str(values.get(name) or "") for name in TEXTS}
