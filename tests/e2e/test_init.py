"""`init`: the first config, at a terminal and from a script."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ipfx_failover.config.load import load
from ipfx_failover.config.secrets import Secret
from ipfx_failover.wiring.network import adapters
from tests.support.typed import Ended, at_terminal, run

MAIL = (
    "--smtp-server=192.0.2.25",
    "--from=failover@example.com",
    "--to=a@example.com,b@example.com",
)


@pytest.fixture
def adapter() -> str:
    names = [each.name for each in adapters()]
    assert names, "this machine has no network adapter but the loopback"
    return names[0]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "config.toml"


def init(config: Path, *options: str, given: str = "") -> Ended:
    return run("init", "--config", str(config), *options, given=given)


def tree(config: Path) -> dict[str, Any]:
    return tomllib.loads(config.read_text())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_person_is_asked_a_few_questions(config: Path) -> None:
    found = adapters()
    done = at_terminal(
        "init",
        "--config",
        str(config),
        answers=(
            ("Service that runs our own application", "ipfx-server.service"),
            ("Port on which it answers [100]", ""),
            ("Our own SQL Server", "HERE\\CTSERVER"),
            ("User ID for it [sa]", ""),
            ("Its password", "s3cret-db"),
            ("Confirm password", "s3cret-db"),
            ("Adapter [", "0"),
            ("that is none of them", "1"),
            ("Mail server for alerts", "192.0.2.25"),
            ("Its port [25]", "x"),
            ("must be a whole number", "587"),
            ("that alerts come from", "failover@example"),
            ("Who receives alerts", "not an address"),
            ("to: entry 1: must be an e-mail address", "ops@example.com"),
            ("User name for the mail server", "ops"),
            ("Its password", "s3cret-mail"),
            ("Confirm password", "s3cret-mail"),
            ("Place [1]", "1"),
        ),
    )
    written = tree(config)

    assert 0 == done.code, done.out
    assert f"  1  {found[0].name}" in done.out
    assert "s3cret" not in done.out + config.read_text()
    assert found[0].name == written["network"]["adapter"]
    assert ["ipfx-server.service"] == written["failover_server"]["application"]["services"]
    assert (587, ["ops@example.com"]) == (written["alerts"]["smtp_port"], written["alerts"]["to"])
    assert "s3cret-mail" == Secret.parse(written["alerts"]["password"]).reveal()
    assert "s3cret-db" == Secret.parse(written["failover_server"]["password"]).reveal()
    assert "Next: ipfx-failover server add NAME" in done.out


def test_a_script_gives_options_and_is_asked_nothing(config: Path, adapter: str) -> None:
    done = init(
        config,
        f"--adapter={adapter}",
        *MAIL,
        "--username=ops",
        "--smtp-password-file=-",
        "--json",
        given="s3cret\n",
    )
    secret = config.parent / "secrets" / "alerts.password"

    assert 0 == done.code, done.out
    assert ["alerts.password"] == done.document["passwords"]
    assert (0o644, 0o600, 0o700) == (mode(config), mode(secret), mode(secret.parent))
    assert "s3cret\n" == secret.read_text()
    assert () == load(config, environ={}).warnings
    assert "#ping_interval_ms = 2000" in config.read_text()


def test_a_script_names_the_sql_server_of_this_machine(config: Path, adapter: str) -> None:
    ours = ("--data-source=HERE,1433", "--user-id=copier", "--password-file=-")
    done = init(config, f"--adapter={adapter}", "--no-mail", *ours, given="s3cret\n")
    written = tree(config)["failover_server"]

    assert 0 == done.code, done.out
    assert ("HERE,1433", "copier") == (written["data_source"], written["user_id"])
    assert "s3cret" == Secret.parse(written["password"]).reveal()


def test_without_a_terminal_it_says_what_is_missing_and_writes_nothing(config: Path) -> None:
    told = init(config, "--from=failover@example.com", "--username=ops")

    assert 3 == told.code
    assert "--adapter, --smtp-server, --to, --smtp-password-file" in told.err
    assert not config.parent.exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--adapter=nope0", "there is no network adapter 'nope0'"),
        ("--smtp-server=192.0.2", "smtp_server: is not an IPv4 address"),
        ("--smtp-port=many", "smtp_port must be a whole number from 1 to 65535"),
        ("--to=nobody", "to: entry 1: must be an e-mail address"),
        ("--password-file=/no/such", "the password file /no/such cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_words(config: Path, option: str, words: str) -> None:
    told = init(config, option)

    assert 2 == told.code
    assert words in told.err
    assert not config.parent.exists()


def test_a_config_is_never_replaced_unasked_and_kept_when_asked(config: Path, adapter: str) -> None:
    options = f"--adapter={adapter}", "--no-mail", "--password-file=-"
    init(config, *options, given="first\n")
    first = config.read_bytes()
    refused = init(config, *options, given="second\n")

    assert 3 == refused.code
    assert f"there is a config already: {config}" in refused.err
    assert first == config.read_bytes()

    replaced = init(config, *options, "--force", "--json", given="second\n").document
    kept = Path(replaced["kept"])

    assert first == kept.read_bytes()
    assert "first" == Secret.parse(tree(kept)["failover_server"]["password"]).reveal()
    assert "second" == Secret.parse(tree(config)["failover_server"]["password"]).reveal()


def test_ctrl_d_and_ctrl_c_leave_nothing_behind(config: Path) -> None:
    for key, code in (("\x04", 3), ("\x03", 130)):
        done = at_terminal("init", "--config", str(config), answers=(("Service that runs", key),))

        assert code == done.code, done.out
        assert not config.parent.exists()


NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


def test_a_keyring_that_takes_no_password_is_told_before_anything_is_asked_or_written(
    config: Path, adapter: str
) -> None:
    done = run(
        "init",
        *("--config", str(config), "--adapter", adapter, *MAIL),
        *("--username=ops", "--smtp-password-file=-", "--keyring"),
        given="s3cret\n",
        env=NO_KEYRING,
    )

    assert 3 == done.code, done.err
    assert "error: the keyring takes no password: NoKeyringError\n" in done.err
    assert not config.parent.exists()


def test_who_chooses_a_keyring_that_takes_no_password_is_asked_again(
    config: Path, adapter: str
) -> None:
    done = at_terminal(
        "init",
        *("--config", str(config), "--adapter", adapter, "--service=a.service"),
        *("--ready-port=100", *MAIL, "--smtp-port=25", "--username=ops"),
        answers=(
            ("Our own SQL Server", ""),
            ("Its password", "s3cret"),
            ("Confirm password", "s3cret"),
            ("Place [1]", "2"),
            ("keep the password in a file instead", "1"),
        ),
        env=NO_KEYRING,
    )

    assert 0 == done.code, done.out
    assert ["alerts.password"] == [each.name for each in (config.parent / "secrets").iterdir()]


def test_a_place_that_cannot_be_written_is_one_line_and_a_hint(adapter: str) -> None:
    told = init(Path("/proc/no/config.toml"), f"--adapter={adapter}", "--no-mail")

    assert 3 == told.code
    assert "cannot be written" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("option", ["--smtp-server=192.0.2.25", "--from=a@b", "--to=a@b"])
def test_no_mail_and_whom_to_mail_contradict(config: Path, adapter: str, option: str) -> None:
    told = init(config, f"--adapter={adapter}", "--no-mail", option)

    assert 2 == told.code
    assert f"error: --no-mail contradicts {option.partition('=')[0]}\n" in told.err
    assert not config.exists()
