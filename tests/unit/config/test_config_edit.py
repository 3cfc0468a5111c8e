from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.config.edit import AddTable, Edit, Set, Unset, edited
from ipfx_failover.config.literal import literal
from ipfx_failover.errors import UsageError
from tests.unit.config.samples import EXAMPLES, any_time

TEXT = """\
# The site.

[network]
adapter = 'eth0'   # the only one
#warning_count = 5
failover_count = 15

[alerts]
to = [
  "a@example.com",
  "b@example.com",
]

# The first Primary.
[servers.ONE]
address = "192.168.11.1"   # by the door
#port = 100

[servers.ONE.files]

# The second Primary.
[servers.TWO]
address = "192.168.11.2"
ssh = { user = "ipfx", key_file = '/key' }
database.data_source = "/db"
"""


def lines_changed(edit: Edit, text: str = TEXT) -> tuple[list[str], list[str]]:
    """The lines that an edit removed, and those that it added."""
    before, after = text.splitlines(), edited(text, [edit]).splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return before, after


def test_a_value_changes_and_its_line_keeps_its_comment_and_quotes() -> None:
    assert (
        ["adapter = 'eth0'   # the only one"],
        ["adapter = 'eth1'   # the only one"],
    ) == lines_changed(Set(("network", "adapter"), "eth1"))


def test_a_value_that_is_the_same_changes_nothing() -> None:
    edits: list[Edit] = [
        Set(("alerts", "to"), ["a@example.com", "b@example.com"]),
        Set(("network", "failover_count"), 15),
        Unset(("network", "no_such_key")),
        AddTable(("servers", "ONE", "files")),
    ]

    assert TEXT == edited(TEXT, edits)


def test_a_new_key_stands_behind_the_others_of_its_table_not_behind_the_next_comment() -> None:
    assert ([], ["ping_timeout_ms = 500"]) == lines_changed(
        Set(("network", "ping_timeout_ms"), 500)
    )
    assert "failover_count = 15\nping_timeout_ms" in edited(
        TEXT, [Set(("network", "ping_timeout_ms"), 500)]
    )


def test_a_key_that_is_commented_out_is_set_right_below() -> None:
    assert "#warning_count = 5\nwarning_count = 7\nfailover_count" in edited(
        TEXT, [Set(("network", "warning_count"), 7)]
    )


def test_a_removed_server_takes_its_comment_along_and_leaves_the_next_ones() -> None:
    after = edited(TEXT, [Unset(("servers", "ONE"))])

    assert "The first Primary" not in after
    assert "#port" not in after
    assert TEXT.partition("# The first")[0] + TEXT[TEXT.index("# The second") :] == after


def test_a_key_that_is_commented_out_right_above_a_header_stays_with_its_own_table() -> None:
    text = "[a]\nx = 1\n#y = 2\n[b]\nz = 1\n"

    assert "[a]\nx = 1\n#y = 2\n" == edited(text, [Unset(("b",))])
    assert "[b]\nz = 1\n" == edited(text, [Unset(("a",))])


def test_the_last_server_leaves_no_blank_line_at_the_end() -> None:
    assert edited(TEXT, [Unset(("servers", "TWO"))]).endswith("[servers.ONE.files]\n")


def test_a_new_table_joins_its_like() -> None:
    after = edited(TEXT, [Set(("servers", "ONE", "ssh", "user"), "ipfx")])

    assert '[servers.ONE.files]\n\n[servers.ONE.ssh]\nuser = "ipfx"\n\n# The second' in after


def test_a_new_general_table_stands_before_the_servers() -> None:
    after = edited(TEXT, [Set(("failover_server", "user_id"), "sa")])

    assert ']\n\n[failover_server]\nuser_id = "sa"\n\n# The first Primary.\n' in after


def test_a_table_is_added_before_the_tables_below_it() -> None:
    text = '[servers.X.ssh]\nuser = "u"\n'

    assert '[servers.X]\naddress = "1"\n\n' + text == edited(
        text, [Set(("servers", "X", "address"), "1")]
    )


def test_inline_and_dotted_tables_are_edited_where_they_are() -> None:
    assert ['ssh = { user = "u", key_file = "/key" }'] == lines_changed(
        Set(("servers", "TWO", "ssh", "user"), "u")
    )[1]
    assert ['ssh = { key_file = "/key" }'] == lines_changed(
        Unset(("servers", "TWO", "ssh", "user"))
    )[1]
    assert ['database.catalog = "C"'] == lines_changed(
        Set(("servers", "TWO", "database", "catalog"), "C")
    )[1]


def test_a_table_can_give_way_to_a_value_and_a_list_of_tables_too() -> None:
    text = "[a]\n[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[a.c]\nfile = 'f'\n"
    after = edited(text, [Set(("a", "b"), [{"x": 3}]), Set(("a", "c"), {"env": "E"})])

    assert {"a": {"b": [{"x": 3}], "c": {"env": "E"}}} == tomllib.loads(after)


def test_a_key_below_a_value_is_refused() -> None:
    with pytest.raises(UsageError, match="adapter is not a table"):
        edited(TEXT, [Set(("network", "adapter", "name"), "x")])


LIST = """\
to = [   # who is told
  "a@x",   # by day
  # and by night
  "b@x",   # the pager
  "c@x"    # the boss
]
"""


def test_a_list_with_a_line_for_each_entry_keeps_the_lines_of_what_stays() -> None:
    gone = edited(LIST, [Set(("to",), ["a@x", "c@x"])])
    more = edited(LIST, [Set(("to",), ["a@x", "b@x", "c@x", "d@x", "e@x"])])
    other = edited(LIST, [Set(("to",), ["b@x", "d@x"])])

    assert LIST.replace('  "b@x",   # the pager\n', "") == gone
    assert (
        LIST.replace('"c@x"    # the boss\n', '"c@x",    # the boss\n  "d@x",\n  "e@x",\n') == more
    )
    assert (
        LIST.replace('  "a@x",   # by day\n', "").replace('  "c@x"    # the boss\n', '  "d@x",\n')
        == other
    )


@pytest.mark.parametrize("new", [["c@x", "a@x"], [], ["z@x"]])
def test_a_list_in_another_order_is_written_anew(new: list[str]) -> None:
    assert {"to": new} == tomllib.loads(edited(LIST, [Set(("to",), new)]))


@any_time
@given(
    st.lists(st.sampled_from("abcdef"), max_size=5),
    st.lists(st.sampled_from("abcdef"), max_size=5),
    st.sampled_from([" ", "\n  ", "\r\n  ", " # why\n\t"]),
    st.sampled_from(["", ","]),
)
def test_any_list_can_become_any_other(
    old: list[str], new: list[str], between: str, last: str
) -> None:
    entries = "".join(f"{between}'{entry}'," for entry in old)
    text = f"[t]\nlist = [{entries[:-1]}{last if old else ''} ] # end\nafter = 1\n"

    assert {"t": {"list": new, "after": 1}} == tomllib.loads(
        edited(text, [Set(("t", "list"), new)])
    )


def test_windows_line_ends_and_a_missing_last_one_stay() -> None:
    text = "[a]\r\nx = 1"

    assert "[a]\r\nx = 1\r\ny = 'C:\\VM'\r\n" == edited(text, [Set(("a", "y"), "C:\\VM")])


def test_windows_paths_are_written_between_single_quotes() -> None:
    assert r"'C:\VM'" == literal(r"C:\VM")
    assert r'''"C:\\VM's"''' == literal(r"C:\VM's")
    assert '"a"' == literal("a")
    assert "'b'" == literal("b", like="'a'")
    assert "[0.5, 120, true]" == literal([0.5, 120.0, True])


@any_time
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_is_read_back_as_it_was(text: str) -> None:
    assert {"a": text, "b": text} == tomllib.loads(
        f"a = {literal(text)}\nb = {literal(text, like=chr(39))}"
    )


KEYS = st.sampled_from(["a", "b", "c", "warning_count", "we ird"])
TABLES = [("network",), ("alerts",), ("servers", "A"), ("servers", "A", "ssh"), ("servers", "B")]
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [1, True, "x", "C:\\VM", "# no comment", ["p", "q"], {"file": "/f"}, "line\nbreak"]
)
WRITTEN = st.sampled_from(
    ["1", "'C:\\x'", '"a # b"', "[ 1, # one\n  2,\n]", "{ a = 1, 'b' = [2] }", "'''x\n[no]\n'''"]
)
NOISE = st.sampled_from(["", "\n", "# said\n", "#b = 1\n", "\n# said\n\n", "  \n"])
EDITS = st.one_of(
    st.builds(
        lambda table, key, value: Set((*table, key), value), st.sampled_from(TABLES), KEYS, VALUES
    ),
    st.builds(lambda table, key: Unset((*table, key)), st.sampled_from(TABLES), KEYS),
    st.builds(Unset, st.sampled_from(TABLES)),
    st.builds(AddTable, st.sampled_from(TABLES)),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = draw(NOISE)
    for table in draw(st.lists(st.sampled_from(TABLES), unique=True)):
        text += f"[{'.'.join(table)}]" + draw(st.sampled_from(["\n", " # here\n"])) + draw(NOISE)
        for key in draw(st.lists(KEYS, unique=True)):
            quoted = f'"{key}"' if " " in key else key
            text += draw(st.sampled_from(["", "  "]))
            text += f"{quoted} = {draw(WRITTEN)}" + draw(st.sampled_from(["\n", "  # why\n"]))
            text += draw(NOISE)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def value_at(tree: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def without(tree: dict[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
    """The tree without what is at a key, and without tables that are empty."""
    left: dict[str, Any] = {}
    for part, value in tree.items():
        inner = key[1:] if key[:1] == (part,) else ()
        if key == (part,):
            continue
        left[part] = without(value, inner) if isinstance(value, dict) else value
    return {part: value for part, value in left.items() if value != {}}


def lines_of(text: str) -> list[str]:
    """The lines with their ends; the last may have none in one text and one in the other."""
    lines = text.splitlines(keepends=True)
    return [*lines[:-1], *(line.rstrip("\r\n") for line in lines[-1:] if line.strip())]


def is_within(few: list[str], many: list[str]) -> bool:
    rest = iter(many)
    return all(line.rstrip("\r\n") in (other.rstrip("\r\n") for other in rest) for line in few)


@any_time
@given(texts(), EDITS)
def test_an_edit_does_what_it_says_and_nothing_else(text: str, edit: Edit) -> None:
    before, after = tomllib.loads(text), tomllib.loads(edited(text, [edit]))
    there = value_at(after, edit.key)

    assert without(before, edit.key) == without(after, edit.key)
    if isinstance(edit, Set):
        assert edit.value == there
    elif isinstance(edit, Unset):
        assert there is None
    else:
        assert (value_at(before, edit.key) or {}) == there


@any_time
@given(texts(), EDITS)
def test_every_line_that_an_edit_does_not_touch_stays_as_it_is(text: str, edit: Edit) -> None:
    old, new = lines_of(text), lines_of(edited(text, [edit]))
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    if isinstance(edit, Unset):
        assert is_within(new, old)
    elif isinstance(edit, Set) and (given_before := value_at(tomllib.loads(text), edit.key)):
        assert old == [] or {edit.key[-1]: given_before} == tomllib.loads("".join(old))
    else:
        assert is_within(old, new)


@any_time
@given(texts(), EDITS)
def test_line_ends_are_never_mixed(text: str, edit: Edit) -> None:
    after = edited(text, [edit])

    assert after.count("\n") == (after.count("\r\n") if "\r\n" in text else after.count("\n"))


@pytest.mark.parametrize("name", ["minimal.toml", "reference.toml"])
def test_the_examples_stay_as_they_are_but_for_one_line(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")

    assert ([], ["ping_timeout_ms = 500"]) == lines_changed(
        Set(("network", "ping_timeout_ms"), 500), text
    )
    assert 1 == len(lines_changed(Set(("servers", "DEMOSERVER", "address"), "10.0.0.1"), text)[0])
