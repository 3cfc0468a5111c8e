"""`config show`, `config set` and `config edit`, as an operator and as a script run them."""

from __future__ import annotations

import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.config.secrets import Secret
from ipfx_failover.state.locks import MONITOR, Locks
from tests.support.typed import ROOT, at_terminal, run

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = ROOT / "examples" / "config" / "minimal.toml"
ALL = "config", "show"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_bytes(MINIMAL.read_bytes())
    path.chmod(0o600)
    monkeypatch.setenv("IPFX_FAILOVER_CONFIG", str(path))
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return path


def is_untouched(config: Path) -> bool:
    return config.read_bytes() == MINIMAL.read_bytes()


def editor(tmp_path: Path, *commands: str) -> dict[str, str]:
    """An editor that runs these sed commands, one each time that it is started."""
    script = tmp_path / "editor"
    turns = tmp_path / "turns"
    script.write_text(
        f"#!/bin/sh\necho >> {turns}\ncase $(wc -l < {turns}) in\n"
        + "".join(f"{turn}) sed -i '{each}' \"$1\" ;;\n" for turn, each in enumerate(commands, 1))
        + "esac\n"
    )
    script.chmod(0o755)
    return {"EDITOR": str(script)}


@pytest.mark.usefixtures("config")
def test_what_is_shown_is_toml_with_the_place_that_each_value_comes_from() -> None:
    shown = run("config", "show").out
    meant = tomllib.loads(shown)

    assert 15 == meant["network"]["failover_count"]
    assert "192.168.11.1" == meant["servers"]["DEMOSERVER"]["address"]
    assert 'address = "192.168.11.1"                 # line 19\n' in shown
    assert "failover_count = 15                      # default\n" in shown
    assert "#adapter                                 # unset\n" in shown


@pytest.mark.usefixtures("config")
def test_one_key_is_shown_with_its_meaning_and_a_table_alone() -> None:
    key = run("config", "show", "servers.demoserver.port").out
    table = run("config", "show", "alerts", "--json").document

    assert "# TCP port of its application." in key
    assert "[servers.DEMOSERVER]\nport = 100" in key
    none = run("config", "show", "servers.DEMOSERVER.fence").out

    assert "# servers.DEMOSERVER.fence is not in the config" == none.strip()
    assert {"alerts"} == {setting["key"].split(".")[0] for setting in table["settings"]}


def test_defaults_are_shown_without_a_config(tmp_path: Path) -> None:
    shown = run("config", "show", "--defaults", "--config", str(tmp_path / "none")).out

    assert 2000 == tomllib.loads(shown)["network"]["ping_interval_ms"]


@pytest.mark.usefixtures("config")
def test_a_key_that_nobody_knows_is_answered_with_the_likely_one() -> None:
    for told in (run("config", "show", "network.adaptor"), run("config", "set", "adapter=eth0")):
        assert 2 == told.code
        assert "did you mean network.adapter?" in told.err


def test_a_setting_changes_and_is_told_with_what_follows(config: Path) -> None:
    done = run("config", "set", "alerts.to=a@example.com,b@example.com", "alerts.smtp_port=587")

    assert 0 == done.code, done.err
    assert 'alerts.to: ["support@example.com"] -> ["a@example.com", "b@example.com"]' in done.out
    assert "alerts go to 2 recipients through 192.168.11.5:587" in done.out
    assert config.read_text() == MINIMAL.read_text().replace(
        'to = ["support@example.com"]',
        'to = ["a@example.com", "b@example.com"]\nsmtp_port = 587',
    )


def test_a_list_can_be_given_as_several_values_and_a_key_be_unset(config: Path) -> None:
    run("config", "set", "alerts.to", "a@example.com", "b@example.com")
    run("config", "set", "--unset", "servers.DEMOSERVER.replicate_daily")
    tree = tomllib.loads(config.read_text())

    assert ["a@example.com", "b@example.com"] == tree["alerts"]["to"]
    assert "replicate_daily" not in tree["servers"]["DEMOSERVER"]


def test_a_plan_writes_nothing(config: Path) -> None:
    planned = run("config", "set", "network.adapter=eth9", "--plan", "--json").document

    assert [{"key": "network.adapter", "before": None, "after": "eth9"}] == planned["changes"]
    assert planned["written"] is False
    assert is_untouched(config)


def test_what_would_make_the_config_wrong_is_refused(config: Path) -> None:
    told = run("config", "set", "network.warning_count=16", "--yes")

    assert 2 == told.code
    assert "warning_count (16) must not be larger than failover_count (15)" in told.err
    assert "nothing was changed" in told.err
    assert is_untouched(config)


def test_a_config_that_is_wrong_elsewhere_is_changed_and_said_to_be_wrong(config: Path) -> None:
    config.write_text(MINIMAL.read_text().replace("192.168.11.1", "192.168.11"))
    done = run("config", "set", "alerts.smtp_port=587")

    assert 6 == done.code
    assert "still wrong: " in done.out
    assert 587 == tomllib.loads(config.read_text())["alerts"]["smtp_port"]


def test_ping_values_change_only_after_the_manuals_warning(config: Path) -> None:
    change = "config", "set", "network.warning_count=3"
    scripted = run(*change)
    declined = at_terminal(*change, answers=(("Continue? [y/N]", "n"),))

    assert 3 == scripted.code
    assert "do not modify ping values except on the advice of a technician" in scripted.err
    assert 3 == declined.code
    assert is_untouched(config)

    accepted = at_terminal(*change, answers=(("Continue? [y/N]", "y"),))

    assert 0 == accepted.code
    assert 3 == tomllib.loads(config.read_text())["network"]["warning_count"]


def test_a_password_is_asked_for_twice_and_never_shown(config: Path) -> None:
    done = at_terminal(
        "config",
        "set",
        "alerts.username=ops",
        "alerts.password",
        answers=(
            ("Password for alerts.password:", "s3cret"),
            ("Confirm password:", "secret"),
            ("Password for alerts.password:", "s3cret"),
            ("Confirm password:", "s3cret"),
        ),
    )
    reference = tomllib.loads(config.read_text())["alerts"]["password"]

    assert 0 == done.code, done.out
    assert {"file": str(config.parent / "secrets" / "alerts.password")} == reference
    assert "s3cret" == Secret.parse(reference).reveal()
    assert "The two are not the same; again." in done.out
    assert "s3cret" not in done.out
    assert 0o600 == stat.S_IMODE(os.stat(reference["file"]).st_mode)  # noqa: PTH116 - a name


def test_a_script_gives_a_password_by_standard_input_and_never_as_an_argument(
    config: Path,
) -> None:
    refused = run("config", "set", "alerts.username=ops", "alerts.password=s3cret")
    nobody = run("config", "set", "alerts.username=ops", "alerts.password")

    assert 2 == refused.code
    assert "s3cret" not in refused.err
    assert 3 == nobody.code
    assert "--password-file" in nobody.err
    assert is_untouched(config)

    command = "config", "set", "alerts.username=ops", "alerts.password", "--password-file", "-"
    done = run(*command, "--json", given="s3cret\n")

    assert ["alerts.password"] == done.document["passwords"]
    assert "s3cret" not in done.out + config.read_text()


def test_an_edit_is_put_in_place_and_told(config: Path, tmp_path: Path) -> None:
    done = run("config", "edit", env=editor(tmp_path, "s/11.5/11.6/"))

    assert 0 == done.code, done.err
    assert 'alerts.smtp_server: "192.168.11.5" -> "192.168.11.6"' in done.out
    assert "11.6" in config.read_text()


def test_a_wrong_edit_is_listed_and_can_be_edited_again(config: Path, tmp_path: Path) -> None:
    done = at_terminal(
        "config",
        "edit",
        answers=(("Edit it again?", "y"),),
        env=editor(tmp_path, "s/from =/form =/", "s/form =/from =/;s/11.5/11.6/"),
    )

    assert 0 == done.code, done.out
    assert 'did you mean "from"?' in done.out
    assert config.read_text() == MINIMAL.read_text().replace("11.5", "11.6")


def test_a_wrong_edit_leaves_the_config_alone_and_is_kept(config: Path, tmp_path: Path) -> None:
    done = run(
        "config", "edit", env={**editor(tmp_path, "s/from =/form =/"), "TMPDIR": str(tmp_path)}
    )
    (kept,) = tmp_path.glob("ipfx-failover-*/config.toml")

    assert 2 == done.code
    assert f"your copy is {kept}" in done.err
    assert "form =" in kept.read_text()
    assert is_untouched(config)


def test_an_editor_that_changes_nothing_or_is_not_there_leaves_nothing_behind(
    config: Path, tmp_path: Path
) -> None:
    same = run("config", "edit", env={"EDITOR": "true", "TMPDIR": str(tmp_path)})
    none = run("config", "edit", env={"EDITOR": "/no/editor", "TMPDIR": str(tmp_path)})
    gone = run("config", "edit", env={"EDITOR": "rm", "TMPDIR": str(tmp_path)})

    assert (0, 1, 1) == (same.code, none.code, gone.code)
    assert "left no file" in gone.err
    assert "Nothing to change" in same.out
    assert "cannot be run" in none.err
    assert [config] == list(tmp_path.iterdir())


def test_without_a_terminal_no_editor_is_run_that_nobody_named(config: Path) -> None:
    told = run("config", "edit")

    assert 3 == told.code
    assert "config set KEY=VALUE" in told.err
    assert is_untouched(config)


def test_a_config_that_changed_while_it_was_edited_is_not_overwritten(
    config: Path, tmp_path: Path
) -> None:
    env = editor(tmp_path, "s/11.5/11.6/")
    script = tmp_path / "editor"
    script.write_text(f"{script.read_text()}\necho '# mine' >> {config}\n")
    done = run("config", "edit", env={**env, "TMPDIR": str(tmp_path)})

    assert 75 == done.code
    assert "changed by somebody else" in done.err
    assert config.read_text() == MINIMAL.read_text() + "# mine\n"
    assert 1 == len(list(tmp_path.glob("ipfx-failover-*/config.toml")))


def test_what_follows_is_wrapped_at_a_terminal(config: Path) -> None:
    config.chmod(0o666)
    done = at_terminal("config", "check", "--config", str(config))

    findings = done.out.replace(str(config), "its file").splitlines()[1:]

    assert "others can change this file" in " ".join(findings)
    assert any(line.startswith("           ") for line in findings)
    assert [] == [line for line in findings if len(line) > 80]


def test_a_running_monitor_is_said_to_take_a_change_up(config: Path, tmp_path: Path) -> None:
    run("config", "set", f"failover_server.state_dir={tmp_path}")
    without = run("config", "set", "alerts.smtp_port=26")
    with Locks(tmp_path / "locks").hold(MONITOR, "ipfx-failover monitor"):
        taken_up = run("config", "set", "alerts.smtp_port=27")

    assert 27 == tomllib.loads(config.read_text())["alerts"]["smtp_port"]
    assert "The running monitor" not in without.out
    assert "The running monitor takes it up." in taken_up.out


def test_changes_at_the_same_time_are_all_made(config: Path) -> None:
    keys = ("smtp_port=587", "username=ops", "to=a@example.com", "smtp_security=none")
    assignments = [f"alerts.{key}" for key in keys]
    assignments[1:2] = ["alerts.username=ops alerts.password=env:X"]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda each: run("config", "set", *each.split()), assignments))
    alerts = tomllib.loads(config.read_text())["alerts"]

    assert [0] * len(done) == [each.code for each in done]
    assert (587, "ops", ["a@example.com"], "none") == (
        alerts["smtp_port"],
        alerts["username"],
        alerts["to"],
        alerts["smtp_security"],
    )


@pytest.mark.usefixtures("config")
def test_the_loopback_is_no_adapter_to_take_addresses_over() -> None:
    said = run("config", "set", "network.adapter=lo", "--plan").out

    assert "the adapter lo is not there, or has no IPv4 address to be reached at" in said


@pytest.mark.parametrize("name", ["lo", "eth99"])
def test_an_adapter_that_is_not_there_is_written_only_when_that_is_confirmed(
    config: Path, name: str
) -> None:
    change = "config", "set", f"network.adapter={name}"
    scripted = run(*change)
    declined = at_terminal(*change, answers=(("Continue? [y/N]", "n"),))

    assert 3 == scripted.code
    assert f"This machine has no network adapter {name} that takes addresses over" in scripted.err
    assert 3 == declined.code
    assert is_untouched(config)

    assert 0 == run(*change, "--yes").code
    assert name == tomllib.loads(config.read_text())["network"]["adapter"]
