from __future__ import annotations

import pytest

from ipfx_failover.config.reference import ENTRY, NAME, Row, rows, tables
from ipfx_failover.config.suggest import (
    _SYNONYMS,
    Suggestion,
    suggest_choice,
    suggest_key,
    suggest_label,
)

D = ("servers", "D")


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        (D, "adress", 'did you mean "address"?'),
        (D, "Address", 'did you mean "address"?'),
        (D, "ip", 'did you mean "address"?'),
        (D, "Local VM Dir", 'did you mean "local_vm_dir"?'),
        (D, "replicate daily", 'did you mean "replicate_daily"?'),
        (D, "replicateDaily", 'did you mean "replicate_daily"?'),
        (D, "Assume IP Address", 'did you mean "assume_ip"?'),
        (D, "automatically-stop-failover", 'did you mean "auto_stop_failover"?'),
        (D, "vm_dir", '"vm_dir" belongs in [servers.D.database]'),
        (D, "VM Dir", 'did you mean "vm_dir", which belongs in [servers.D.database]?'),
        (D, "pingIntervalMs", 'did you mean "ping_interval_ms", which belongs in [network]?'),
        (D, "zzzz", ""),
        ((*D, "ssh"), "keyfile", 'did you mean "key_file"?'),
        ((*D, "ssh"), "username", 'did you mean "user"?'),
        ((*D, "ssh"), "password", "SSH logs in with the key in key_file only"),
        ((*D, "files"), "patterns", '"patterns" belongs in an entry of include'),
        ((*D, "files", "include", ENTRY), "pattern", 'did you mean "patterns"?'),
        ((*D, "files", "include", ENTRY), "subdirectory", 'did you mean "dir"?'),
        (("network",), "smtp_server", '"smtp_server" belongs in [alerts]'),
        (("network",), "Ping interval: (ms)", 'did you mean "ping_interval_ms"?'),
        (("network",), "ping-interval", 'did you mean "ping_interval_ms"?'),
        (("network",), "timeout", 'did you mean "ping_timeout_ms"?'),
        (("network",), "Ping failure count", 'did you mean "failover_count"?'),
        (("network",), "address", '"address" belongs in [servers.NAME]'),
        (("alerts",), "port", 'did you mean "smtp_port"?'),
        (("alerts",), "SMTP Server Address", 'did you mean "smtp_server"?'),
        (("alerts",), "E-mail address", 'did you mean "from"?'),
        (("alerts",), "Notify Email Addresses", 'did you mean "to"?'),
        (("alerts",), "User name", 'did you mean "username"?'),
        (("failover_server",), "ready_port", '"ready_port" belongs in [failover_server.applicat'),
        ((), "adapter", '"adapter" belongs in [network]'),
    ],
)
def test_the_key_that_was_meant_is_suggested(
    table: tuple[str, ...], key: str, expected: str
) -> None:
    found = suggest_key(table, key, 1).text

    assert expected == found[: len(expected)]
    assert bool(expected) == bool(found)


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        ((), "server", "did you mean [servers]?"),
        ((), "Network", "did you mean [network]?"),
        ((), "smtp", "did you mean [alerts]?"),
        ((), "application", "did you mean [failover_server.application]?"),
        (D, "databse", "did you mean [servers.D.database]?"),
        (D, "sqlite", "did you mean [servers.D.database]?"),
        (D, "file", "did you mean [servers.D.files]?"),
        (D, "zzzz", ""),
    ],
)
def test_the_table_that_was_meant_is_suggested(
    table: tuple[str, ...], key: str, expected: str
) -> None:
    assert expected == suggest_key(table, key, {}).text


def test_a_place_for_the_value_is_given_only_when_it_is_sure() -> None:
    sure = suggest_key(D, "adress", "1.2.3.4")
    unsure = suggest_key(("network",), "address", "1.2.3.4")

    assert Suggestion('did you mean "address"?', ("servers", "D", "address")) == sure
    assert () == unsure.path


@pytest.mark.parametrize("row", rows(), ids=lambda row: ".".join((*row.table, row.key)))
def test_each_key_is_known_by_its_hyphenated_and_its_camel_case_form(row: Row) -> None:
    first, *rest = row.key.split("_")
    camel = first + "".join(word.title() for word in rest)
    table = tuple("D" if part == NAME else part for part in row.table)
    for form in {row.key.replace("_", "-"), camel, row.key.upper()} - {row.key}:
        assert f'did you mean "{row.key}"?' == suggest_key(table, form, 1).text


def test_every_synonym_leads_to_a_key_or_table_that_exists() -> None:
    known = {row.key for row in rows()} | {table.path[-1] for table in tables()}
    targets = {target for targets in _SYNONYMS.values() for target in targets}

    assert set() == targets - known


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Ping interval (ms)", "ping_interval_ms"),
        ("SMTP Server Port", "smtp_port"),
        ("VMLocal Dir", "vm_local_dir"),
        ("Data source", "data_source"),
        ("something else", ""),
    ],
)
def test_the_manuals_labels_lead_to_keys(label: str, expected: str) -> None:
    assert expected == suggest_label(label)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("All", 'did you mean "all"?'),
        ("config", 'did you mean "configuration"?'),
        (False, 'write "off"'),
        ("zzz", ""),
    ],
)
def test_the_choice_that_was_meant_is_suggested(given: object, expected: str) -> None:
    assert expected == suggest_choice(given, ("off", "configuration", "all"))
