from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.config.placeholders import NAMES, check_placeholders, fill
from ipfx_failover.errors import UsageError
from ipfx_failover.standin.application import Role

VALUES = {name: f"<{name}>" for name in NAMES}


def test_the_names_are_the_fields_of_a_role() -> None:
    assert tuple(field.name for field in fields(Role)) == NAMES


def test_placeholders_are_replaced_within_arguments() -> None:
    argv = ("run", "--as={server}:{port}", "phone@{server}.service")

    assert ("run", "--as=<server>:<port>", "phone@<server>.service") == fill(argv, VALUES)


def test_braces_written_twice_are_literal() -> None:
    assert ('{"a": {}}', "{<server>}", "{server}") == fill(
        ('{{"a": {{}}}}', "{{{server}}}", "{{server}}"), VALUES
    )


def test_values_are_not_expanded_again() -> None:
    assert ("{port}",) == fill(("{server}",), {**VALUES, "server": "{port}"})


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("{Servr}", "unknown placeholder {Servr}; did you mean {server}"),
        (
            "x{}",
            "unknown placeholder {}; known are {server}, {address}, {port}, {catalog}, "
            "{database}, {vm_dir}, {vm_local_dir}",
        ),
        ("{server", "a single {; a literal brace is written twice: {{"),
        ("a}b", "a single }; a literal brace is written twice: }}"),
    ],
)
def test_what_is_wrong_is_said(argument: str, complaint: str) -> None:
    assert [complaint] == check_placeholders(("fine {port}", argument))
    with pytest.raises(UsageError) as raised:
        fill((argument,), VALUES)
    assert complaint == raised.value.message


def test_every_mistake_is_said_and_no_argument_is_quoted() -> None:
    complaints = check_placeholders(("--password=hunter2{x}", "{", "{{", "{y}"))

    assert len(complaints) == 3
    assert "hunter2" not in "".join(complaints)


@given(st.text(alphabet="{}aserv ", max_size=30))
def test_what_has_no_complaint_can_be_filled_and_nothing_else(argument: str) -> None:
    if check_placeholders((argument,)):
        with pytest.raises(UsageError):
            fill((argument,), VALUES)
    else:
        assert len(fill((argument,), VALUES)) == 1


@given(st.text(max_size=30))
def test_any_text_can_be_written_literally(text: str) -> None:
    written = text.replace("{", "{{").replace("}", "}}")

    assert (text,) == fill((written,), VALUES)
