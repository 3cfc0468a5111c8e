"""Tables and columns of a catalog, found by what people write in the config."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.replication.tsql.text import name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEAR = 3


@dataclass(frozen=True, slots=True)
class Column:
    """`longest`: in bytes, -1 for no limit (sys.columns)."""

    schema: str
    table: str
    name: str
    type: str
    longest: int
    is_computed: bool


def find_table(written: str, tables: Iterable[tuple[str, str]], where: str) -> tuple[str, str]:
    """Schema and name of the table that is written as `name` or `schema.name`.

    A table of `dbo` needs no schema, nor does one whose name is there only once. `where`: the
    catalog, for people.

    Raises:
        Failed: there is none, or there are several; near ones are named.
    """
    known = sorted(set(tables))
    found = [each for each in known if written in _spellings(*each)] or [
        each for each in known if written.casefold() in map(str.casefold, _spellings(*each))
    ]
    if len(found) > 1:
        found = [each for each in found if each[0] == "dbo"] or found
    if not found:
        raise Failed(f"{where} has no table {written}", _near(written, map(".".join, known)))
    if len(found) > 1:
        choice = ", ".join(map(".".join, found))
        raise Failed(f"{where} has several tables {written}", f"write one of: {choice}")
    return found[0]


def find_column(written: str, columns: Sequence[Column]) -> Column:
    """The column that is written so, of those of one table.

    Raises:
        Failed: there is none; near ones are named.
    """
    for each in columns:
        if written in {each.name, name(each.name)}:
            return each
    for each in columns:
        if written.casefold() == each.name.casefold():
            return each
    table = f"{columns[0].schema}.{columns[0].table}"
    raise Failed(
        f"the table {table} has no column {written}", _near(written, [c.name for c in columns])
    )


def _spellings(schema: str, table: str) -> tuple[str, ...]:
    return table, name(table), f"{schema}.{table}", name(schema, table)


def _near(written: str, known: Iterable[str]) -> str:
    """A hint with the names that may be meant."""
    by_folded = {each.casefold(): each for each in known}
    by_folded |= {each.rpartition(".")[2]: full for each, full in by_folded.items()}
    close = get_close_matches(written.casefold(), by_folded, _NEAR)
    names = dict.fromkeys(by_folded[each] for each in close)
    correct = "correct it in the config; see: ipfx-failover config check"
    return f"is it {' or '.join(names)}? {correct}" if names else correct
