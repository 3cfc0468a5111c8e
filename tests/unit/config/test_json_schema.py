from __future__ import annotations

import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator

from ipfx_failover.config.example import first_config
from ipfx_failover.config.json_schema import LINE, schema, text
from ipfx_failover.config.reference import rows
from tests.unit.config.samples import EXAMPLES, SERVER, WARM

CONFIGS = sorted(EXAMPLES.glob("*.toml"))


def complaints(config: str) -> list[str]:
    validator = Draft7Validator(schema())
    return [error.message for error in validator.iter_errors(tomllib.loads(config))]


def test_the_file_for_editors_is_what_the_models_say() -> None:
    # Else: python -m ipfx_failover.config.json_schema > examples/config/ipfx-failover.schema.json
    assert (EXAMPLES / "ipfx-failover.schema.json").read_text(encoding="utf-8") == text()


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(schema())


def test_every_key_is_in_it_with_its_meaning_and_default() -> None:
    network = schema()["properties"]["network"]["properties"]
    interval = network["ping_interval_ms"]
    server = schema()["properties"]["servers"]["additionalProperties"]

    assert (2000, 20, 3_600_000) == (interval["default"], interval["minimum"], interval["maximum"])
    assert "Milliseconds between two pings to a server." in interval["description"]
    assert ["auto", "none", "starttls", "tls"] == schema()["properties"]["alerts"]["properties"][
        "smtp_security"
    ]["enum"]
    assert ["address"] == server["required"]
    assert {row.key for row in rows() if row.table == ("servers", "NAME", "ssh")} == set(
        server["properties"]["ssh"]["properties"]
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_examples_name_it_and_are_right_by_it(path: Any) -> None:
    config = path.read_text(encoding="utf-8")

    assert config.startswith(f"{LINE}\n")
    assert [] == complaints(config)


@pytest.mark.parametrize(
    "config",
    [
        "",
        SERVER,
        WARM,
        first_config({("network", "adapter"): "eth0"}),
        '[alerts]\npassword = { file = "/f" }\nusername = "u"',
        '[alerts]\npassword = "literal"\nusername = "u"',
        '[alerts.commands.pager]\ncommand = ["/bin/page"]',
    ],
)
def test_what_the_models_take_is_right(config: str) -> None:
    assert [] == complaints(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[netwrk]\n", "'netwrk' was unexpected"),
        ("[network]\nadaptr = 'eth0'", "'adaptr' was unexpected"),
        ("[network]\nping_interval_ms = '2000'", "is not of type 'integer'"),
        ("[network]\nping_interval_ms = 1", "is less than the minimum of 20"),
        ("[network]\nreference_targets = '192.168.11.254'", "is not of type 'array'"),
        ("[network]\nreference_targets = ['gateway']", "does not match"),
        ("[alerts]\nsmtp_port = 70000", "is greater than the maximum"),
        ("[alerts]\nsmtp_security = 'ssl'", "is not one of"),
        ("[alerts]\nto = ['nobody']", "does not match"),
        ("[alerts]\npassword = { fil = '/f' }", "is not valid under any"),
        ("[alerts]\npassword = { file = '/f', env = 'E' }", "is not valid under any"),
        ("[servers.A]\nport = 100", "'address' is a required property"),
        ("[servers.A]\naddress = '192.168.11.1'\nreplicate_daily = '1:00'", "does not match"),
        ("[servers.'a.b']\naddress = '192.168.11.1'", "does not match"),
        (f"{SERVER}assume_ip = 'yes'", "is not of type 'boolean'"),
        (f"{SERVER}[servers.DEMOSERVER.ssh]\nuser = 'u'", "'key_file' is a required property"),
        (
            f"{SERVER}[servers.DEMOSERVER.files]\ninclude = [{{ dir = 'a', patterns = [] }}]",
            "non-empty",
        ),
        (f"{SERVER}[servers.DEMOSERVER.fence]\ncommand = []", "non-empty"),
        ("[failover_server.application]\nready_timeout_s = 0", "minimum of 0"),
    ],
)
def test_what_is_wrong_is_marked(config: str, words: str) -> None:
    found = complaints(config)

    assert any(words in each for each in found), found
