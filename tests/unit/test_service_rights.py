"""The unit that a config asks for, and what whoever installs it is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.cli.app import main
from ipfx_failover.installing import Plan, WriteFile
from ipfx_failover.wiring.service import monitor_service
from ipfx_failover.wiring.site import open_site

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[failover_server]
state_dir = "{state_dir}"
{more}
[servers.DEMO]
address = "127.0.0.5"
local_vm_dir = "{vm_dir}"
"""


def plan(tmp_path: Path, more: str = "", **places: str) -> Plan:
    places = {"state_dir": "/var/lib/ipfx-failover", "vm_dir": "/srv/VM", **places}
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(more=more, **places))
    return monitor_service(open_site(path)).installation()


def unit(made: Plan) -> str:
    (text,) = [action.text for action in made.actions if isinstance(action, WriteFile)]
    return text


def test_what_runs_nothing_but_ourselves_is_confined(tmp_path: Path) -> None:
    made = plan(tmp_path, '[failover_server.application]\nservices = ["phone.service"]')

    assert "ProtectSystem=full" in unit(made)
    assert made.notes == ()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ('[failover_server.application]\nstart = ["phone"]', "the application (start)"),
        ('[servers.DEMO.fence]\ncommand = ["power", "off"]', "the fence of DEMO"),
        ('[alerts.commands.pager]\ncommand = ["page"]', "the alert command pager"),
    ],
)
def test_what_runs_a_command_of_the_operator_is_not_and_says_why(
    tmp_path: Path, more: str, what: str
) -> None:
    made = plan(tmp_path, more)

    assert "ProtectSystem" not in unit(made)
    assert [note for note in made.notes if what in note]


def test_a_copy_where_the_sandbox_forbids_to_write_is_let_through(tmp_path: Path) -> None:
    closed = unit(plan(tmp_path, vm_dir="/usr/local/none-such/VM"))

    assert "ReadWritePaths=-/usr/local\n" in closed
    assert "ReadWritePaths" not in unit(plan(tmp_path))


def test_systemd_makes_the_usual_state_directory_and_no_other(tmp_path: Path) -> None:
    assert "StateDirectory=ipfx-failover\n" in unit(plan(tmp_path))
    assert "StateDirectory" not in unit(plan(tmp_path, state_dir="/var/lib/ipfx-failover-2"))


def test_secrets_that_a_service_has_not_are_named(tmp_path: Path) -> None:
    made = plan(tmp_path, '[alerts]\nusername = "me"\npassword = { env = "SMTP_PASSWORD" }')

    assert ["alerts.password comes from env" in note for note in made.notes] == [True]


def test_the_unit_can_be_written_for_another_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (wanted, *_) = plan(tmp_path).actions
    config, there = tmp_path / "config.toml", tmp_path / "there"
    code = main(["service", "install", "--output", str(there), "--config", str(config), "--json"])
    (written,) = json.loads(capsys.readouterr().out)["files"]

    assert 0 == code
    assert str(there / "ipfx-failover.service") == written
    assert isinstance(wanted, WriteFile)
    assert wanted.text == (there / "ipfx-failover.service").read_text()
