"""Webhooks and commands in the config: what is right, what is not, and what follows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.config.explain import Facts, explain
from ipfx_failover.config.templates import TEXTS, check_template, fill_template
from tests.unit.config.samples import SERVER, WARM, ConfigFiles

if TYPE_CHECKING:
    from ipfx_failover.config.findings import Finding
    from ipfx_failover.config.models import Config

HOOK = SERVER + '[alerts.webhooks.team]\nurl = { env = "HOOK" }\n'
TOKEN = "https://chat.example.com/T0K3N"  # noqa: S105 - the test's own


def found(config: Config, facts: Facts | None = None) -> list[Finding]:
    return [
        finding
        for finding in explain(config, facts=facts or Facts())
        if finding.subject == "alerts" and finding.level != "ok"
    ]


def test_a_hook_needs_no_more_than_its_address_or_its_command(files: ConfigFiles) -> None:
    config = files.load(HOOK + '[alerts.commands.pager]\ncommand = ["/bin/page"]\n')

    assert [10.0, 10.0] == [
        config.alerts.webhooks["team"].timeout_s,
        config.alerts.commands["pager"].timeout_s,
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            'events = ["stand_in_startd"]',
            '5: alerts.webhooks.team.events: entry 1: is no kind of event; did you mean "stand_',
        ),
        (
            'template = \'{ "text": "$subjct" }\'',
            "5: alerts.webhooks.team.template: unknown placeholder $subjct; did you mean $subject",
        ),
        (
            "template = '{ \"text\": $subject }'",
            "5: alerts.webhooks.team.template: is no JSON (look at line 1); placeholders stand",
        ),
        (
            'template = \'{ "$schema": "5 $" }\'',
            "5: alerts.webhooks.team.template: has a single $; a literal dollar sign is written tw",
        ),
        (
            "template = '{}'\ntemplate_file = '/a'",
            "5: alerts.webhooks.team.template: the body comes either from template or from temp",
        ),
        ("timeout_s = 0", "5: alerts.webhooks.team.timeout_s: must be a number of seconds above"),
        ("tiemout_s = 9", '5: alerts.webhooks.team.tiemout_s: unknown key; did you mean "timeou'),
    ],
)
def test_what_is_wrong_with_a_hook_is_said(files: ConfigFiles, line: str, problem: str) -> None:
    (said,) = files.problems(HOOK + line)

    assert problem == said[: len(problem)]


def test_a_hook_without_an_address_is_told_what_to_add(files: ConfigFiles) -> None:
    (said,) = files.problems(SERVER + "[alerts.webhooks.team]\ntimeout_s = 5\n")

    assert "alerts.webhooks.team.url: is missing (the address, a secret" in said
    assert 'add url = { file = "' in said


def test_the_name_of_a_hook_is_a_name(files: ConfigFiles) -> None:
    (said,) = files.problems(SERVER + '[alerts.webhooks."my team"]\nurl = { env = "HOOK" }\n')

    assert "a hook's name must be 1 to 63 letters, digits, - and _" in said


def test_a_key_of_a_hook_in_a_servers_table_is_sent_to_no_hook_of_that_name(
    files: ConfigFiles,
) -> None:
    (said,) = files.problems(SERVER + 'url = "https://example.com"\n')

    assert '"url" belongs in [alerts.webhooks.NAME]' in said


def test_the_address_is_a_secret(files: ConfigFiles) -> None:
    config = files.load(SERVER + f'[alerts.webhooks.team]\nurl = "{TOKEN}"\n')

    assert "T0K3N" not in repr(config)
    assert "T0K3N" not in config.model_dump_json()


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("http://chat.example.com/T0K3N", "begins with http: whoever is on the way can read"),
        ("chat.example.com/T0K3N", "is no web address"),
        (TOKEN, None),
        (None, None),
    ],
)
def test_an_address_without_encryption_is_a_warning_that_does_not_show_it(
    files: ConfigFiles, address: str | None, warned: str | None
) -> None:
    config = files.load(WARM + HOOK.removeprefix(SERVER))
    said = [
        f.message for f in found(config, Facts(reveal=lambda _: address)) if "team" in f.message
    ]

    assert (0 if warned is None else 1) == len(said)
    assert warned is None or warned in said[0]
    assert "T0K3N" not in " ".join(said)


def test_with_a_hook_only_the_mail_is_said_to_be_missing(files: ConfigFiles) -> None:
    (finding,) = found(files.load(HOOK))

    assert "no mail will be sent: no smtp_server and no recipients" == finding.message


@pytest.mark.parametrize(
    ("text", "complaint"), [(None, "cannot be read"), ("{", "is no JSON"), ("{}", None)]
)
def test_a_template_file_is_looked_at(
    files: ConfigFiles, text: str | None, complaint: str | None
) -> None:
    config = files.load(WARM + HOOK.removeprefix(SERVER) + "template_file = '/slack.json'\n")
    said = [finding.message for finding in found(config, Facts(read=lambda _: text))]

    assert (complaint is not None) == any(f"/slack.json {complaint}" in each for each in said)


@given(st.text(), st.sampled_from(TEXTS))
def test_a_value_cannot_leave_its_quotes(value: str, name: str) -> None:
    template = f'{{"a": "${name}", "b": 1}}'
    filled = fill_template(template, {**dict.fromkeys(TEXTS, ""), name: value})

    assert {"a": value, "b": 1} == json.loads(filled)


def test_a_dollar_sign_is_written_twice() -> None:
    template = '{"$$schema": "$at"}'

    assert check_template(template) is None
    assert '{"$schema": "now"}' == fill_template(template, dict.fromkeys(TEXTS, "now"))
