from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.config.locate import Path, locate, repeated
from tests.unit.config.samples import EXAMPLES, any_time

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = """\
a.b = 1
[servers.X]
address = "1" # not = [a] key
"we ird".y = 'x\\'
list = [ 1, { a = 2, b = [3,
  4] }, \"\"\"x
y = "z" \\\"\"\"\"\"\" ] # end
[[p]]
q = 1
[p.sub]
z = 2
[[ p ]]
q = 1979-05-27 07:32:00
"""


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_of(item, (*path, index))


def test_every_key_table_and_entry_has_its_place() -> None:
    found = {path: tuple(at) for path, at in locate(TEXT).items()}

    assert {
        ("a",): (1, 1),
        ("a", "b"): (1, 1),
        ("servers",): (2, 1),
        ("servers", "X"): (2, 1),
        ("servers", "X", "address"): (3, 1),
        ("servers", "X", "we ird"): (4, 1),
        ("servers", "X", "we ird", "y"): (4, 1),
        ("servers", "X", "list"): (5, 1),
        ("servers", "X", "list", 0): (5, 10),
        ("servers", "X", "list", 1): (5, 13),
        ("servers", "X", "list", 1, "a"): (5, 15),
        ("servers", "X", "list", 1, "b"): (5, 22),
        ("servers", "X", "list", 1, "b", 0): (5, 27),
        ("servers", "X", "list", 1, "b", 1): (6, 3),
        ("servers", "X", "list", 2): (6, 9),
        ("p",): (8, 1),
        ("p", 0): (8, 1),
        ("p", 0, "q"): (9, 1),
        ("p", 0, "sub"): (10, 1),
        ("p", 0, "sub", "z"): (11, 1),
        ("p", 1): (12, 1),
        ("p", 1, "q"): (13, 1),
    } == found


def test_carriage_returns_change_no_place() -> None:
    assert locate(TEXT) == locate(TEXT.replace("\n", "\r\n"))


def test_a_table_stands_where_its_header_is_even_if_implied_before() -> None:
    found = locate("[a.b]\n[a]\nc = 1\n")

    assert (2, 1) == found["a",]


@pytest.mark.parametrize("text", [TEXT, (EXAMPLES / "reference.toml").read_text("utf-8")])
def test_the_places_are_those_of_the_parsers_keys(text: str) -> None:
    assert set(paths_of(tomllib.loads(text))) == set(locate(text))


TRICKY = st.text(st.sampled_from("ab=[]{},.#\"'\\ \té\n"), max_size=6)
SCALARS = TRICKY | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.dates()
DOCUMENTS = st.dictionaries(
    TRICKY,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@any_time
@given(DOCUMENTS)
def test_whatever_a_document_holds_every_key_has_a_place(document: dict[str, Any]) -> None:
    text = tomlkit.dumps(document)

    assert set(paths_of(tomllib.loads(text))) == set(locate(text))


@any_time
@given(DOCUMENTS)
def test_a_place_is_where_the_key_or_its_table_begins(document: dict[str, Any]) -> None:
    text = tomlkit.dumps(document)
    lines = text.split("\n")
    begun = {lines[line - 1][column - 1 : column] for line, column in locate(text).values()}

    assert not begun & set(" \t#=,]}")


@any_time
@given(st.text(st.sampled_from("a=[]{},.#\"'\\ \n"), max_size=40))
def test_a_broken_text_is_followed_without_an_error(text: str) -> None:
    lines = text.count("\n") + 1

    assert [] == [at for at in locate(text).values() if not 1 <= at.line <= lines]


def test_deep_nesting_is_followed_as_far_as_possible() -> None:
    assert (1, 1) == locate("a = " + "[" * 100_000)["a",]


@pytest.mark.parametrize(
    ("text", "path", "first", "again"),
    [
        ("a = 1\nb = 2\na = 3\n", ("a",), 1, 3),
        ("[a]\nb = 1\n[a]\n", ("a",), 1, 3),
        ("[s.X]\np = 1\n[s.Y]\np = 1\np = 2\n", ("s", "Y", "p"), 4, 5),
        ("a = { b = 1,\n b = 2 }\n", ("a", "b"), 1, 2),
    ],
)
def test_what_is_there_twice_is_found_with_both_places(
    text: str, path: Path, first: int, again: int
) -> None:
    assert [(path, first, again)] == [
        (found, one.line, two.line) for found, one, two in repeated(text)
    ]


def test_tables_of_a_list_are_no_repetition() -> None:
    assert [] == repeated("[[a]]\nb = 1\n[a.c]\nd = 1\n[[a]]\nb = 1\n[a.c]\nd = 1\n")
