from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from ipfx_failover.config.changes import changes
from ipfx_failover.config.effective import defaults, effective
from ipfx_failover.config.reference import NAME, rows
from tests.unit.config.samples import WARM, ConfigFiles

if TYPE_CHECKING:
    from ipfx_failover.config.effective import Setting

SECRETS = """\
[alerts]
username = "ops"
password = "hunter2"
[alerts.commands.pager]
command = ["/bin/page"]
[servers.B]
address = "192.168.11.2"
[servers.A]
address = "192.168.11.1"
local_vm_dir = "/vm/%servername%"
[servers.B.ssh]
user = "u"
key_file = "/k"
"""


def settings(files: ConfigFiles, text: str) -> dict[str, Setting]:
    return {".".join(each.key): each for each in effective(files.load(text), text)}


def test_each_setting_has_its_value_and_where_it_comes_from(files: ConfigFiles) -> None:
    found = settings(files, WARM)

    assert ("eth0", "file", 2) == (
        found["network.adapter"].value,
        found["network.adapter"].source,
        found["network.adapter"].line,
    )
    assert (15, "default", None) == (
        found["network.failover_count"].value,
        found["network.failover_count"].source,
        found["network.failover_count"].line,
    )
    assert (None, "unset") == (found["alerts.username"].value, found["alerts.username"].source)
    assert "servers.DEMOSERVER.fence.command" not in found


def test_servers_stand_one_after_the_other_with_their_tables(files: ConfigFiles) -> None:
    names = [key.split(".")[1] for key in settings(files, SECRETS) if key.startswith("servers.")]

    assert ["B"] * names.count("B") + ["A"] * names.count("A") == names


def test_names_are_expanded_and_hooks_are_there_and_passwords_are_not(files: ConfigFiles) -> None:
    found = settings(files, SECRETS)

    assert "/vm/A" == found["servers.A.local_vm_dir"].value
    assert ["/bin/page"] == found["alerts.commands.pager.command"].value
    assert "********" == found["alerts.password"].value
    assert "hunter2" not in repr(found)


def test_the_defaults_are_those_of_every_key() -> None:
    found = {setting.key: setting.value for setting in defaults()}

    assert {row.path for row in rows() if "*" not in row.table} == set(found)
    assert 2000 == found["network", "ping_interval_ms"]
    assert 100 == found["servers", NAME, "port"]


def told(before: str, after: str) -> list[str]:
    return [str(each) for each in changes(tomllib.loads(before), tomllib.loads(after))]


def test_changes_are_told_key_by_key_with_the_default_where_nothing_is_set() -> None:
    after = WARM.replace('adapter = "eth0"', "warning_count = 7").replace("01:00", "02:00")

    assert [
        "network.warning_count: 5 (default) -> 7",
        'servers.DEMOSERVER.replicate_daily: "01:00:00" -> "02:00:00"',
        'network.adapter: "eth0" -> not set',
    ] == told(WARM, after)


def test_a_changed_password_and_an_unknown_key_are_told_without_their_value() -> None:
    before = '[alerts]\npassword = "old-one"\n'
    after = '[alerts]\npassword = { file = "/f" }\npasswort = "new-one"\n'

    assert [
        'alerts.password: "********" -> { file = "/f" }',
        'alerts.passwort: not set -> "********"',
    ] == told(before, after)


def test_a_secret_that_is_another_one_is_told_as_changed() -> None:
    before = '[alerts.webhooks.team]\nurl = "https://a.example/old"\n'

    assert ["alerts.webhooks.team.url: changed"] == told(before, before.replace("old", "new"))


def test_what_is_the_same_is_no_change() -> None:
    assert [] == told(WARM, f"# {WARM[:5]}\n{WARM}")
