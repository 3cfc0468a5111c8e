"""Settings of the engine sqlserver: what contradicts itself, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.config.explain import explain
from ipfx_failover.config.findings import Facts
from ipfx_failover.errors import FailoverError, Refused
from tests.unit.config.samples import EXAMPLES, SERVER, WARM

if TYPE_CHECKING:
    from ipfx_failover.config.models import SqlServerSettings
    from tests.unit.config.samples import ConfigFiles

OURS = """\
[failover_server]
data_source = "localhost"
password = { env = "OURS" }
"""
REST = """\
[servers.DEMOSERVER.files]
transport = "path"
path = "/mnt/vm"
"""
DATABASE = """\
[servers.DEMOSERVER.database]
engine = "sqlserver"
data_source = 'DEMOSERVER\\CTSERVER'
password = { env = "THEIRS" }
vm_dir = 'C:\\VM'
"""
WHOLE = f"{OURS}{SERVER}{REST}{DATABASE}"


def conversion(before: str, after: str) -> str:
    entry = f"{{ table = 't', column = 'c', from = '{before}', to = '{after}' }}"
    return f"path_conversions = [{entry}]\n"


def test_a_server_whose_files_are_mounted_needs_no_ssh(files: ConfigFiles) -> None:
    server = files.load(WHOLE).servers["DEMOSERVER"]

    assert not server.needs_ssh
    assert server.ssh is None


def test_a_server_that_is_reached_by_ssh_needs_it(files: ConfigFiles) -> None:
    problems = files.problems(f"{OURS}{SERVER}{DATABASE}")

    assert "the live server is reached by SSH" in problems[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            WHOLE.replace("'DEMOSERVER\\CTSERVER'", "'a b'"),
            "11: servers.DEMOSERVER.database.data_source: data_source must be HOST\\INSTANCE, ",
        ),
        (
            WHOLE.replace("'DEMOSERVER\\CTSERVER'", "'a,70000'"),
            "data_source must have a port from 1 to 65535 behind the comma",
        ),
        (
            WHOLE.replace('"localhost"', '"local host"'),
            "2: failover_server.data_source: data_source must be HOST",
        ),
        (
            f"{SERVER}{REST}{DATABASE}",
            "servers.DEMOSERVER.database.engine: the copies go to the Failover Server's own SQL",
        ),
        (
            WHOLE.replace('password = { env = "OURS" }\n', ""),
            "2: failover_server.data_source: a login of SQL Server needs a password",
        ),
        (
            WHOLE.replace('password = { env = "THEIRS" }\n', ""),
            "servers.DEMOSERVER.database.data_source: a login of SQL Server needs a password",
        ),
        (
            f'{WHOLE}[servers.DEMOSERVER.database.sql]\nlogin = "windows"\n',
            'servers.DEMOSERVER.database.password: login = "windows" uses no password',
        ),
        (
            WHOLE.replace("vm_dir = 'C:\\VM'\n", ""),
            "the SQL Server writes its backup into backup_dir, or DB in vm_dir",
        ),
        (
            f"{WHOLE}backup_dir = 'D:\\Backup'\n",
            'servers.DEMOSERVER.database.backup_dir: with transport = "path" the backup is read',
        ),
        (f"{WHOLE}{conversion('C:/VM/', 'c:/vm/')}", "path_conversions of c: from equals to"),
        (
            f"{WHOLE}{conversion('C:/VM/', 'C:/VM/DEMO')}",
            "path_conversions of c: either both from and to end in a separator, or neither",
        ),
        (
            f'{OURS}{SERVER}real_time = "configuration"\n{REST}{DATABASE}',
            'servers.DEMOSERVER.real_time: real_time = "configuration" follows',
        ),
        (
            f"{WHOLE}keep_backup = 3\n",
            "14: servers.DEMOSERVER.database.keep_backup: unknown key; did you mean",
        ),
        (
            f"{WHOLE}[servers.DEMOSERVER.database.sql]\nencrpyt = true\n",
            "15: servers.DEMOSERVER.database.sql.encrpyt: unknown key; did you mean",
        ),
    ],
)
def test_contradictions_are_told_with_their_line(
    files: ConfigFiles, text: str, problem: str
) -> None:
    problems = files.problems(text)

    assert 1 == len(problems)
    assert problem in problems[0]


def test_a_password_in_a_data_source_is_not_repeated(files: ConfigFiles) -> None:
    text = WHOLE.replace("'DEMOSERVER\\CTSERVER'", "'a\\b;PWD=hunter2'")

    assert "hunter2" not in "".join(files.problems(text))


def test_a_login_of_windows_needs_no_password(files: ConfigFiles) -> None:
    text = WHOLE.replace('password = { env = "THEIRS" }\n', "")
    server = files.load(f'{text}[servers.DEMOSERVER.database.sql]\nlogin = "windows"\n')

    assert server.servers["DEMOSERVER"].database is not None


def test_a_backup_below_the_mounted_directory_is_fine(files: ConfigFiles) -> None:
    assert files.load(f"{WHOLE}backup_dir = 'c:\\vm\\Backup'\n")


@pytest.mark.parametrize("name", ["hot.toml", "warm-sqlserver.toml"])
def test_the_examples_load_and_give_no_warning(files: ConfigFiles, name: str) -> None:
    findings = told(files, (EXAMPLES / name).read_text("utf-8"), sql_driver=installed)

    assert [] == [message for level, message in findings if level == "warning"]


def installed(settings: SqlServerSettings) -> str | FailoverError:
    del settings
    return "ODBC Driver 18 for SQL Server"


def lacking(settings: SqlServerSettings) -> str | FailoverError:
    del settings
    return Refused("no ODBC driver for SQL Server is installed", "install one")


def told(files: ConfigFiles, text: str, **facts: Any) -> list[tuple[str, str]]:
    found = explain(files.load(text), facts=Facts(**facts))
    return [(finding.level, f"{finding.subject}: {finding.message}") for finding in found]


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        (
            f"{WHOLE}[servers.DEMOSERVER.database.sql]\nencrypt = false\n",
            "warning",
            "DEMOSERVER: encrypt = false: whoever is on the way reads passwords and data",
        ),
        (
            f"{WHOLE}[failover_server.sql]\ntrust_server_certificate = true\n",
            "warning",
            "failover_server: trust_server_certificate = true: whoever is on the way can pose",
        ),
        (
            f'{OURS}{SERVER}real_time = "all"\n{REST}{DATABASE}',
            "ok",
            "DEMOSERVER: hot standby: changes to every table with a primary key are looked for "
            "every 100 ms",
        ),
        (
            f'{OURS}{SERVER}real_time = "all"\n{REST}{DATABASE}',
            "note",
            "DEMOSERVER: hot, but no full replication at night",
        ),
        (WHOLE, "warning", "DEMOSERVER: the database is copied by hand only"),
        (WHOLE, "note", "DEMOSERVER: no path is converted"),
        (f"{WHOLE}keep_backups = 0\n", "note", "keep_backups = 0: no night's backup is kept"),
        (
            f'{WHOLE}configuration_tables = ["t"]\n'.replace(
                'address = "192.168.11.1"\n', 'address = "192.168.11.1"\nreal_time = "all"\n'
            ),
            "note",
            "configuration_tables is not used",
        ),
        (
            f'{WHOLE}after_restore = ["x"]\n'.replace(
                'address = "192.168.11.1"\n', 'address = "192.168.11.1"\nreal_time = "all"\n'
            ),
            "warning",
            "DEMOSERVER: after_restore is undone, row by row, in what is followed",
        ),
        (
            WARM.replace("vm_dir", 'after_restore = ["x"]\nvm_dir'),
            "warning",
            "DEMOSERVER: after_restore is not used by the sqlite engine",
        ),
    ],
)
def test_what_follows_from_it_is_said(
    files: ConfigFiles, text: str, level: str, message: str
) -> None:
    assert [level] == [each for each, said in told(files, text) if message in said]


def test_nothing_is_said_to_be_unused_that_is_used(files: ConfigFiles) -> None:
    assert [] == [said for _, said in told(files, WHOLE) if "sqlite" in said]


def test_the_driver_that_will_be_used_is_named(files: ConfigFiles) -> None:
    said = told(files, WHOLE, sql_driver=installed)

    words = "its SQL Server is spoken to through ODBC Driver 18 for SQL Server"
    assert ("ok", f"failover_server: {words}") in said
    assert ("ok", f"DEMOSERVER: {words}") in said


def test_a_missing_driver_is_a_warning(files: ConfigFiles) -> None:
    said = told(files, WHOLE, sql_driver=lacking)

    assert ("warning", "DEMOSERVER: no ODBC driver for SQL Server is installed") in said
