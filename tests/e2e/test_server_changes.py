"""`server add`, `edit` and `remove`: by options, and by questions in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.dialogue import ROOT, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

CONFIG = """\
# Ours: do not touch.
[network]
failover_count = 7  # as agreed

[servers.FIRST]
address = "192.168.11.1"  # the old one
port = 100
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'{CONFIG}\n[failover_server]\nstate_dir = "{tmp_path / "state"}"\n')
    return path


def run(config: Path, *argv: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ipfx_failover", "server", *argv, "--config", str(config)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def names(config: Path) -> list[str]:
    listed = json.loads(run(config, "list", "--json").stdout)
    return [server["name"] for server in listed["servers"]]


def test_a_server_is_added_by_options_and_the_rest_of_the_file_stays(config: Path) -> None:
    before = config.read_text()
    done = run(config, "add", "SECOND", "address=192.168.11.2", "assume_ip=no", "--no-replicate")

    assert ["FIRST", "SECOND"] == names(config)
    assert all(line in config.read_text().splitlines() for line in before.splitlines())
    assert 'servers.SECOND.address: not set -> "192.168.11.2"' in done.stdout
    assert "server test SECOND" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["SECOND"], "servers.SECOND.address: is missing"),
        (["SECOND", "address=192.168.11.1"], "is the address of FIRST too"),
        (["SECOND", "address=192.168.11.2", "prt=1"], 'did you mean "port"?'),
        (["SECOND", "address=192.168.11.2", "port=many"], "port must be a whole number"),
        (["SECOND", "address=192.168.11.2", "database.password=x"], "not given on the command"),
        (["a.b", "address=192.168.11.2"], "must be 1 to 63 letters"),
        (["first", "address=192.168.11.2"], "there is a server named first already"),
    ],
)
def test_what_would_make_the_config_wrong_is_refused_and_nothing_is_written(
    config: Path, arguments: list[str], said: str
) -> None:
    before = config.read_bytes()

    assert said in run(config, "add", *arguments, code=2).stderr
    assert before == config.read_bytes()


def test_the_questions_are_the_manuals_and_a_wrong_answer_is_asked_again(
    config: Path, tmp_path: Path
) -> None:
    with Terminal(("server", "add", "SECOND", "--config", str(config))) as terminal:
        terminal.answer("Address: ", "192.168.11.1")
        terminal.answer("is the address of FIRST too", "")
        terminal.answer("Address: ", "192.168.11.2")
        terminal.answer("Port [100]: ", "")
        terminal.answer("Local VM Dir [", str(tmp_path / "copies"))
        terminal.answer("Assume IP Address [no]: ", "")
        terminal.answer("Automatically stop failover", "maybe")
        terminal.answer("must be true or false", "yes")
        terminal.answer("User name for SSH", "ipfx")
        terminal.answer("Private key", "/etc/ipfx-failover/secrets/id_ed25519")
        terminal.answer("Its database (sqlite or sqlserver) [sqlite]: ", "")
        terminal.answer("Data Source: path", "/VM/DB/ctserver.db")
        terminal.answer("Catalog [CTSERVER]: ", "")
        terminal.answer("VM Dir: ", "/VM")
        terminal.answer("VMLocal Dir: ", "")
        terminal.answer("Replicate daily", "01:30")
        terminal.answer("Keep its files in sync in real time [yes]: ", "")
        terminal.answer("Do you want to replicate the database now?", "n")
        assert terminal.wait() == 0, terminal.screen
    added = config.read_text().split("[servers.SECOND]")[1]

    assert 'address = "192.168.11.2"' in added
    assert "auto_stop_failover = true" in added
    assert "port" not in added
    assert 'vm_dir = "/VM"' in added
    assert "[servers.SECOND.files]" in added
    assert "server test SECOND" in terminal.screen


def test_a_name_that_is_none_is_refused_before_anything_is_asked(config: Path) -> None:
    with Terminal(("server", "add", "a.b", "--config", str(config))) as terminal:
        assert terminal.wait() == 2, terminal.screen

    assert "must be 1 to 63 letters" in terminal.screen
    assert "Address" not in terminal.screen


def test_a_sql_server_is_asked_for_in_its_own_words(config: Path) -> None:
    ours = '[failover_server]\ndata_source = "HERE"\npassword = { env = "P" }\n'
    config.write_text(config.read_text().replace("[failover_server]\n", ours))
    with Terminal(("server", "add", "SECOND", "--config", str(config))) as terminal:
        terminal.answer("Address: ", "192.168.11.2")
        terminal.answer("Port [100]: ", "")
        terminal.answer("Local VM Dir [", "")
        terminal.answer("Assume IP Address [no]: ", "")
        terminal.answer("Automatically stop failover", "")
        terminal.answer("User name for SSH", "ipfx")
        terminal.answer("Private key", "/etc/ipfx-failover/secrets/id_ed25519")
        terminal.answer("Its database (sqlite or sqlserver) [sqlite]: ", "sqlserver")
        terminal.answer("Data Source: its SQL Server", "a b")
        terminal.answer("must be HOST", "SECOND\\CTSERVER")
        terminal.answer("User ID [sa]: ", "")
        terminal.answer("Catalog [CTSERVER]: ", "")
        terminal.answer("VM Dir: ", "C:\\VM")
        terminal.answer("VMLocal Dir: ", "")
        terminal.answer("Real time replication (off, configuration or all) [off]: ", "all")
        terminal.answer("Replicate daily", "01:30")
        terminal.answer("Keep its files in sync in real time [yes]: ", "")
        terminal.answer("Password for servers.SECOND.database.password", "s3cret")
        terminal.answer("Confirm password", "s3cret")
        terminal.answer("Do you want to replicate the database now?", "n")
        assert terminal.wait() == 0, terminal.screen
    added = config.read_text().split("[servers.SECOND]")[1]

    assert 'engine = "sqlserver"' in added
    assert 'real_time = "all"' in added
    assert "s3cret" not in config.read_text()


def test_ctrl_c_between_two_questions_leaves_the_file_as_it_is(config: Path) -> None:
    before = config.read_bytes()
    with Terminal(("server", "add", "SECOND", "--config", str(config))) as terminal:
        terminal.answer("Address: ", "192.168.11.2")
        terminal.answer("Port [100]: ", "\x03")
        assert terminal.wait() == 130

    assert before == config.read_bytes()
    assert "Traceback" not in terminal.screen
    assert "\nerror: interrupted" in terminal.screen


def test_edit_changes_what_is_named_and_nothing_else(config: Path) -> None:
    before = config.read_text()
    planned = run(config, "edit", "first", "port=101", "--plan")
    assert before == config.read_text()
    run(config, "edit", "first", "port=101", "--json")

    assert "servers.FIRST.port: 100 -> 101" in planned.stdout
    assert before.replace("port = 100", "port = 101") == config.read_text()


def test_edit_in_a_terminal_asks_with_the_present_values(config: Path) -> None:
    known = 'ssh = { user = "ipfx", key_file = "/key" }\ndatabase = { data_source = "/VM/x.db" }\n'
    known += 'replicate_daily = "01:30:00"\n'
    config.write_text(config.read_text().replace("port = 100\n", f"port = 100\n{known}"))
    before = config.read_text()
    with Terminal(("server", "edit", "first", "--config", str(config))) as terminal:
        terminal.answer("Address [192.168.11.1]: ", "")
        terminal.answer("Port [100]: ", "many")
        terminal.answer("Port [100]: ", "101")
        terminal.answer("Local VM Dir [", "")
        terminal.answer("Assume IP Address [no]: ", "yes")
        terminal.answer("assume_ip needs to know the network adapter", "no")
        terminal.answer("Automatically stop failover", "yes")
        terminal.answer("User name for SSH on the server (without: only watch it) [ipfx]: ", "")
        terminal.answer("Private key for it on this machine [/key]: ", "")
        terminal.answer("Its database (sqlite or sqlserver) [sqlite]: ", "")
        terminal.answer("Data Source: path of the database file on the server [/VM/x.db]: ", "")
        terminal.answer("Catalog [CTSERVER]: ", "OTHER")
        terminal.answer("VM Dir: ", "")
        terminal.answer("VMLocal Dir: ", "")
        terminal.answer("(without: only by hand) [01:30:00]: ", "-")
        assert terminal.wait() == 0, terminal.screen
    after = config.read_text()

    assert "servers.FIRST.port: 100 -> 101" in terminal.screen
    assert 'address = "192.168.11.1"  # the old one' in after
    assert "auto_stop_failover = true" in after
    assert "replicate_daily" not in after
    assert 'catalog = "OTHER"' in after
    assert before.splitlines()[:3] == after.splitlines()[:3]


def test_edit_in_a_terminal_that_changes_nothing_writes_nothing(config: Path) -> None:
    before = config.read_bytes()
    with Terminal(("server", "edit", "FIRST", "--config", str(config))) as terminal:
        for question in ("Address [192.168.11.1]", "Port [100]", "Local VM", "Assume", "Auto"):
            terminal.answer(question, "")
        terminal.answer("User name for SSH", "")
        assert terminal.wait() == 0, terminal.screen

    assert "Nothing to change" in terminal.screen
    assert before == config.read_bytes()


def test_edit_asks_for_a_password_only_where_another_is_wanted(config: Path) -> None:
    ours = '[failover_server]\ndata_source = "HERE"\npassword = { env = "P" }\n'
    theirs = (
        'database = { engine = "sqlserver", data_source = "FIRST", vm_dir = "C:/VM", '
        'password = { env = "Q" } }\nssh = { user = "ipfx", key_file = "/key" }\n'
    )
    text = config.read_text().replace("[failover_server]\n", ours)
    config.write_text(text.replace("port = 100\n", f"port = 100\n{theirs}"))
    questions = ("Address", "Port", "Local VM", "Assume", "Auto", "User name", "Private key")
    sql = ("Its database", "Data Source", "User ID", "Catalog", "VM Dir", "VMLocal", "Real time")
    with Terminal(("server", "edit", "FIRST", "--config", str(config))) as terminal:
        for question in (*questions, *sql, "Replicate daily", "Keep its files in sync"):
            terminal.answer(question, "")
        terminal.answer("Change its password [no]: ", "yes")
        terminal.answer("Password for servers.FIRST.database.password", "s3cret")
        terminal.answer("Confirm password", "s3cret")
        assert terminal.wait() == 0, terminal.screen

    assert "servers.FIRST.database.password: a new password" in terminal.screen
    assert "s3cret" not in config.read_text() + terminal.screen


def test_edit_without_a_terminal_says_what_it_wants(config: Path) -> None:
    assert "KEY=VALUE" in run(config, "edit", "FIRST", code=2).stderr


def test_remove_asks_and_then_says_what_stays(config: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    run(config, "edit", "FIRST", f"local_vm_dir={copies}")
    refused = run(config, "remove", "FIRST", code=3)
    assert ["FIRST"] == names(config)
    done = run(config, "remove", "first", "--yes")

    assert "FIRST will not be monitored any more" in refused.stderr
    assert str(copies) in done.stdout
    assert copies.is_dir()
    assert [] == names(config)
    assert "failover_count = 7  # as agreed" in config.read_text()


def test_a_server_that_is_stood_in_for_or_was_is_not_removed(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    standing = ready.run("server", "remove", "DEMOSERVER", "--yes", code=3)
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    ahead = ready.run("server", "remove", "DEMOSERVER", "--yes", code=3)
    ready.run("resume", "DEMOSERVER")
    ready.run("server", "remove", "DEMOSERVER", "--yes", code=3)

    assert "stands in for DEMOSERVER" in standing.err
    assert "stop-failover DEMOSERVER" in standing.err
    assert "replicate-to-live DEMOSERVER" in ahead.err


def test_a_server_that_was_added_is_replicated_at_once_when_that_is_wanted(
    failover: FailoverServer, office: Office
) -> None:
    office.add_calls(office.second, "one")
    told = failover.run(
        *("server", "add", "SECOND", f"address={office.second.address}", "assume_ip=true"),
        *(f"local_vm_dir={failover.directory / 'SECOND'}", "ssh.user=root"),
        f"ssh.key_file={office.lab.ssh_key}",
        f"ssh.known_hosts_file={office.lab.known_hosts}",
        f"database.data_source={office.second.database}",
        f"database.vm_dir={office.second.vm_dir}",
        "--replicate",
    )

    assert "SECOND: replicated from live" in told.out


def test_auto_populate_finds_the_database_and_the_vm_directory_of_a_server(
    failover: FailoverServer, office: Office
) -> None:
    primary = office.primary
    office.add_calls(primary, "one")
    for name in ("Mail", "Extn"):
        (primary.vm_dir / name).mkdir(exist_ok=True)
    catalog = primary.database.name.partition(".")[0]
    failover.configure_server(database={"catalog": catalog, "data_source": "/no/where.db"})
    search = ("server", "auto-populate", "DEMOSERVER", "--under", str(primary.host.directory))
    before = failover.config_path.read_bytes()
    planned = failover.run(*search, "--plan")
    failover.run(*search, code=3)
    assert before == failover.config_path.read_bytes()
    failover.run(*search, "--yes")

    assert f'"/no/where.db" -> "{primary.database}"' in planned.out
    failover.replicate()


def test_auto_populate_says_when_nothing_is_found_or_nobody_may_look(
    failover: FailoverServer, office: Office
) -> None:
    failover.configure_server(ssh={"known_hosts_file": str(failover.directory / "none")})
    refused = failover.run("server", "auto-populate", "DEMOSERVER", code=3)
    office.pull_cable(office.primary.host)
    unreachable = failover.run("server", "auto-populate", "DEMOSERVER", "--yes", code=4)

    assert "server trust DEMOSERVER" in refused.err
    assert "cannot be reached by SSH" in unreachable.err
