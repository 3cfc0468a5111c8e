from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ipfx_failover.config.load import load
from ipfx_failover.config.models import AlertSettings, Config
from ipfx_failover.config.secrets import MASK, Secret
from ipfx_failover.config.secrets_in import without_secrets
from ipfx_failover.errors import FailoverError, Refused
from tests.fakes.keyring_backend import VALUE, MemoryKeyring
from tests.unit.config.samples import ConfigFiles, any_time, as_nobody, posix_only

if TYPE_CHECKING:
    from pathlib import Path


def secret_file(directory: Path, content: bytes, mode: int = 0o600) -> Path:
    path = directory / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refusal(secret: Secret) -> Refused:
    with pytest.raises(Refused) as caught:
        secret.reveal()
    return caught.value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"abc", "abc"),
        (b"abc\n", "abc"),
        (b"abc\r\n", "abc"),
        (b"abc\n\n", "abc\n"),
        (b" abc \n", " abc "),
        (b"\xef\xbb\xbfabc\n", "abc"),
        ("pä$$\n".encode(), "pä$$"),
    ],
)
def test_a_secret_file_loses_its_last_line_end_only(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    secret = Secret.parse({"file": str(secret_file(tmp_path, content))})

    assert expected == secret.reveal()


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o777, 0o610])
def test_a_secret_file_that_others_can_use_is_refused_with_the_chmod(
    tmp_path: Path, mode: int
) -> None:
    path = secret_file(tmp_path, VALUE.encode(), mode)

    error = refusal(Secret("file", str(path)))

    assert f"chmod 600 {path}" == error.hint
    assert f"mode {mode:04o}" in error.message
    assert VALUE not in error.message + error.hint


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"x" * 70_000, "is larger than 65536 bytes"),
    ],
)
def test_a_secret_file_with_nothing_useful_in_it_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    error = refusal(Secret("file", str(secret_file(tmp_path, content))))

    assert reason in error.message


def test_a_missing_secret_file_is_refused_with_the_way_to_make_it(tmp_path: Path) -> None:
    error = refusal(Secret("file", str(tmp_path / "absent")))

    assert f"the secret file {tmp_path / 'absent'} cannot be read: No such file or directory" == (
        error.message
    )
    assert "readable by its owner only" in error.hint


def test_a_secret_directory_is_refused(tmp_path: Path) -> None:
    error = refusal(Secret("file", str(tmp_path)))

    assert "cannot be read" in error.message


def test_the_environment_is_read_at_the_time_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret.parse({"env": "IPFX_TEST_SECRET"})
    monkeypatch.setenv("IPFX_TEST_SECRET", VALUE)

    assert secret.reveal() == VALUE


def test_an_unset_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IPFX_TEST_SECRET", raising=False)

    assert "IPFX_TEST_SECRET is not set" in refusal(Secret("env", "IPFX_TEST_SECRET")).message


@pytest.mark.usefixtures("own_keyring")
def test_a_keyring_entry_is_found_by_service_and_user() -> None:
    assert Secret.parse({"keyring": "ipfx/sa"}).reveal() == VALUE


@pytest.mark.usefixtures("own_keyring")
def test_an_absent_keyring_entry_is_refused_with_the_way_to_store_it() -> None:
    error = refusal(Secret("keyring", "ipfx/root"))

    assert "the keyring has nothing for ipfx/root" == error.message
    assert error.hint.endswith("keyring set ipfx root")


def test_a_locked_keyring_is_refused_without_its_words(own_keyring: MemoryKeyring) -> None:
    own_keyring.locked = True

    error = refusal(Secret("keyring", "ipfx/sa"))

    assert "the keyring cannot be read for ipfx/sa: KeyringLocked" == error.message


def test_without_the_keyring_package_its_install_line_is_the_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    error = refusal(Secret("keyring", "ipfx/sa"))

    assert "pip install 'ipfx-failover[keyring]'" in error.hint


@pytest.mark.parametrize(
    "given",
    [
        "",
        5,
        ["a"],
        {},
        {"file": "/a", "env": "B"},
        {"path": "/a"},
        {"literal": "x"},
        {"file": "relative"},
        {"file": ""},
        {"file": 5},
        {"file": "/a\0b"},
        {"env": "A=B"},
        {"keyring": "service"},
        {"keyring": "/user"},
    ],
)
def test_anything_but_one_reference_or_a_text_is_no_secret(given: object) -> None:
    with pytest.raises(ValueError, match=r"must|is empty|names no|contains"):
        Secret.parse(given)


def test_references_are_shown_and_literals_are_not() -> None:
    shown = [repr(Secret("file", "/a")), repr(Secret("env", "B")), repr(Secret("literal", VALUE))]

    assert ["Secret(file=/a)", "Secret(env=B)", f"Secret(literal={MASK})"] == shown


@any_time
@given(st.text(min_size=6, alphabet=st.characters(min_codepoint=33, max_codepoint=0x2FF)))
def test_a_literal_shows_up_nowhere_but_in_reveal(value: str) -> None:
    other = AlertSettings(username="u", password=Secret("literal", "?"))
    assume(value not in f"{other!r}{other.model_dump()}")  # the name of a key
    secret = Secret("literal", value)
    alerts = AlertSettings(username="u", password=secret)
    spoken = [
        repr(secret),
        str(secret),
        f"{secret}",
        repr(alerts),
        str(alerts.model_dump()),
        alerts.model_dump_json(),
        json.dumps(alerts.model_dump(mode="json")),
        repr(copy.deepcopy(alerts)),
        repr(secret.reference),
    ]

    assert [] == [text for text in spoken if value in text and value not in MASK]
    assert value == secret.reveal()


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("literal", VALUE))


def test_a_secret_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Secret("env", "A").reference = "B"


def test_secrets_are_equal_when_source_and_value_are() -> None:
    assert Secret("literal", "a") == Secret.parse("a")
    assert Secret("literal", "a") != Secret("literal", "b")
    assert Secret("env", "a") != Secret("file", "/a")
    assert hash(Secret("literal", "a")) == hash(Secret.parse("a"))


WRONG = [
    {"password": VALUE},
    {"password": VALUE, "username": 5},
    {"password": VALUE, "username": "u", "smtp_port": "x"},
    {"pasword": VALUE},
    {"password": [VALUE]},
    {"password": {"literal": VALUE}},
    {"password": {VALUE: "x"}},
    {"password": {"file": VALUE}},
    {"username": "u", "password": VALUE, "smtp_server": "h"},
]


@pytest.mark.parametrize("table", WRONG)
def test_no_validation_error_of_the_models_holds_a_value(table: dict[str, object]) -> None:
    spoken = []
    for model, given_ in ((AlertSettings, table), (Config, {"alerts": table})):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(given_)
        error = caught.value
        spoken += [str(error), repr(error.errors()), error.json()]
        spoken += traceback.format_exception(error)

    assert [] == [text for text in spoken if VALUE in text]


LEAKS = [
    f'[alerts]\npassword = "{VALUE}"',
    f'[alerts]\npasword = "{VALUE}"',
    f'password = "{VALUE}"',
    f'[network]\npassword = "{VALUE}"',
    f'[alerts]\npassword = ["{VALUE}"]',
    f'[alerts]\npassword = {{ file = "{VALUE}" }}',
    f'[alerts]\npassword = {{ "{VALUE}" = "x" }}',
    f'[alerts]\nusername = "u"\npassword = "{VALUE}',
    f"[alerts]\npassword = {VALUE}",
    f'[alerts]\npassword = "{VALUE}" x',
    f'[alerts]\npassword "{VALUE}"',
    f'[alerts]\npassword = "{VALUE}\\q"',
    f'[alerts]\npassword = "{VALUE}"\npassword = "{VALUE}"',
    f'[alerts]\nfrom = "{VALUE}"',
    f'[alerts]\nto = ["{VALUE}"]',
    f'[alerts]\nsmtp_port = "{VALUE}"',
    f'[servers.A]\naddress = "{VALUE}"',
    f'[servers.A.ssh]\npassword = "{VALUE}"',
    f'[servers.A.ssh]\nuser = "u"\nkey_file = "{VALUE}"',
    f'[alerts]\npassword = "{VALUE}"\n\x01',
]


@pytest.mark.parametrize("text", LEAKS)
def test_no_message_and_no_traceback_of_loading_holds_a_value(
    files: ConfigFiles, text: str
) -> None:
    with pytest.raises(FailoverError) as caught:
        load(files.write(text), environ={})
    error = caught.value
    chain = [error, error.__cause__, error.__context__]
    spoken = [error.message, error.hint, *map(repr, chain), *traceback.format_exception(error)]
    spoken += map(str, getattr(error, "problems", ()))

    assert [] == [said for said in spoken if VALUE in said]
    assert [None, None] == chain[1:]


def test_bytes_that_are_no_text_are_not_kept_in_the_error(files: ConfigFiles) -> None:
    error = files.error(b'[alerts]\npassword = "hunter2-\xe9"')

    assert None is error.__context__
    assert "2: a character is not UTF-8" in str(error.problems[0])


@posix_only
def test_a_secret_that_this_user_must_not_read_is_refused(tmp_path: Path) -> None:
    path = secret_file(tmp_path, VALUE.encode(), 0o000)
    with as_nobody():
        error = refusal(Secret("file", str(path)))

    assert f"the secret file {path} cannot be read: Permission denied" == error.message


FROM_THE_ENVIRONMENT = r"""
[failover_server]
data_source = "HERE"
user_id = "sa"
password = { env = "SA" }
[alerts]
username = "u"
password = { env = "smtp_password" }
webhooks.slack = { url = { env = "SLACK" } }
[servers.A]
address = "192.168.11.1"
ssh = { user = "ipfx", key_file = "/key" }
database.engine = "sqlserver"
database.data_source = "A"
database.catalog = "CTSERVER"
database.user_id = "sa"
database.password = { env = "DB" }
database.vm_dir = 'C:\VM'
"""


def test_the_commands_of_others_get_no_variable_that_a_secret_comes_from(
    files: ConfigFiles,
) -> None:
    config = files.load(FROM_THE_ENVIRONMENT)
    given = dict.fromkeys(("SA", "SMTP_PASSWORD", "SLACK", "DB", "PATH", "SAX"), "x")

    assert {"PATH": "x", "SAX": "x"} == without_secrets(given, config)
