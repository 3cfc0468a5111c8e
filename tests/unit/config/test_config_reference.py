from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from ipfx_failover.config.example import SERVER, example, named
from ipfx_failover.config.load import load
from ipfx_failover.config.reference import ENTRY, NAME, Row, rows, tables
from tests.unit.config.samples import EXAMPLES, ConfigFiles

if TYPE_CHECKING:
    from pathlib import Path

EXCLUSIVE = {"start", "stop", "path", "template_file"}
"""Keys that do not go with what the example sets."""


def ident(row: Row) -> str:
    return ".".join((*row.table, row.key))


def uncommented(text: str) -> str:
    """The example with everything set that goes together."""
    lines = [re.sub(r"^#(?=[a-z\[\]]|  \{)", "", line) for line in text.splitlines()]
    return "\n".join(line for line in lines if line.partition(" ")[0] not in EXCLUSIVE)


def test_the_reference_example_is_what_the_models_say() -> None:
    written = (EXAMPLES / "reference.toml").read_text("utf-8")

    assert example() == written, (
        "python -m ipfx_failover.config.example > examples/config/reference.toml"
    )


def test_every_key_is_in_the_example_once() -> None:
    text = re.sub(r"^#(?=[a-z\[\]]|  \{)", "", example(), flags=re.MULTILINE)
    raw = tomllib.loads(text)
    missing = [ident(row) for row in rows() if ENTRY not in row.table and not holds(raw, row)]

    assert [] == missing


def holds(raw: dict[str, Any], row: Row) -> bool:
    table: Any = raw
    for part in named(row.table):
        table = table[part]
    return row.key in table


def test_the_example_with_everything_set_loads(files: ConfigFiles) -> None:
    config = files.load(uncommented(example()))

    assert [SERVER] == list(config.servers)
    assert config.servers[SERVER].fence is not None


def test_setting_what_the_example_shows_as_default_changes_nothing(files: ConfigFiles) -> None:
    defaults = {(row.key, row.default) for row in rows() if row.default not in {"", "[]", '""'}}
    plain = re.sub(r"^#\[.*?(?=^\[|\Z)", "", example(), flags=re.MULTILINE | re.DOTALL)
    lines = [
        line.removeprefix("#") if tuple(line[1:].split(" = ", 1)) in defaults else line
        for line in plain.splitlines()
    ]

    assert len(set(lines) - set(plain.splitlines())) > 15
    assert files.load(plain) == files.load("\n".join(lines))


@pytest.mark.parametrize("row", rows(), ids=ident)
def test_every_key_has_words_for_its_meaning_and_its_type(row: Row) -> None:
    assert row.doc.endswith(".")
    assert row.type[:1] in {"a", '"', "t"}
    assert not (row.required and row.default)
    assert (row.unit != "") == bool(re.search(r"_(ms|s|days|percent)$", row.key))


@pytest.mark.parametrize("table", tables(), ids=lambda table: ".".join(table.path))
def test_every_table_has_words_for_its_meaning(table: Any) -> None:
    assert table.doc.endswith(".")


def test_every_value_of_a_full_config_is_a_row(files: ConfigFiles) -> None:
    config = files.load(uncommented(example()))
    found = {(*path, key) for path, key in keys_of(config, ())}

    assert {(*row.table, row.key) for row in rows()} == found


def keys_of(table: BaseModel, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    for name, value in table:
        key = type(table).model_fields[name].alias or name
        if isinstance(value, BaseModel):
            found += keys_of(value, (*path, key))
        elif isinstance(value, dict):
            for entry in value.values():
                found += keys_of(entry, (*path, key, NAME))
        elif (path, key) != (("servers", NAME), "name"):
            found.append((path, key))
            if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
                found += keys_of(value[0], (*path, key, ENTRY))
    return found


def test_rows_have_ranges_units_and_both_systems_defaults() -> None:
    by_name = {ident(row): row for row in rows()}
    interval = by_name["network.ping_interval_ms"]
    state = by_name["failover_server.state_dir"]
    security = by_name["alerts.smtp_security"]

    assert ("a whole number of milliseconds from 20 to 3600000", "2000", "milliseconds") == (
        interval.type,
        interval.default,
        interval.unit,
    )
    assert ('"/var/lib/ipfx-failover"', r"'C:\ProgramData\ipfx-failover\state'") == (
        state.default,
        state.default_on_windows,
    )
    assert ("auto", "none", "starttls", "tls") == security.choices
    assert "a list of e-mail addresses" == by_name["alerts.to"].type
    assert by_name["servers.NAME.address"].required
    assert "servers.NAME.name" not in by_name


def test_every_line_of_the_example_fits_a_terminal() -> None:
    assert [] == [line for line in example().splitlines() if len(line) > 100]


def test_the_minimal_example_has_no_key_at_its_default(tmp_path: Path) -> None:
    text = (EXAMPLES / "minimal.toml").read_text("utf-8")
    path = tmp_path / "minimal.toml"
    path.write_text(text, "utf-8")
    defaults = {(row.key, row.default) for row in rows()}
    given = {tuple(line.split("#")[0].strip().split(" = ")) for line in text.splitlines()}

    assert set() == given & defaults
    assert load(path, environ={}).config.servers
