"""What differs between two configs, key by key, without a secret. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipfx_failover.config.literal import literal
from ipfx_failover.config.secrets import MASK
from ipfx_failover.config.wording import dotted, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.config.edit import Key


@dataclass(frozen=True, slots=True)
class Change:
    """A key with another value; None: it is not set, and the default holds."""

    key: Key
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before == self.after:  # both are masked
            return f"{dotted(self.key)}: changed"
        return f"{dotted(self.key)}: {self._shown(self.before)} -> {self._shown(self.after)}"

    def _shown(self, value: Any) -> str:
        if value is not None:
            return literal(value)
        row = row_of(self.key)
        return f"{row.default} (default)" if row and row.default else "not set"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The keys that differ between two parsed files, in the order of the second."""
    old, new = dict(_settings(before, ())), dict(_settings(after, ()))
    keys = [*new, *(key for key in old if key not in new)]
    return tuple(
        Change(key, _masked(key, old.get(key)), _masked(key, new.get(key)))
        for key in keys
        if old.get(key) != new.get(key)
    )


def _settings(table: Mapping[str, Any], path: Key) -> Iterator[tuple[Key, Any]]:
    for part, value in table.items():
        key = (*path, part)
        if isinstance(value, dict) and row_of(key) is None:
            yield from _settings(value, key)
        else:
            yield key, value


def _masked(key: Key, value: Any) -> Any:
    """The value, unless it is a password, or may be one in a key that nobody knows."""
    row = row_of(key)
    hidden = row is None or (row.is_secret and isinstance(value, str))
    return MASK if hidden and value is not None else value
