"""Faults by script: each that a copy may meet, with its numbers, and what is left afterwards."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.faults import Faults, rules_of
from tests.sqlserver.results import CutError, Login, LoginRefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sqlserver.engine.server import SimulatedServer

SET_ALONE = "ALTER DATABASE S SET SINGLE_USER WITH ROLLBACK IMMEDIATE"


@pytest.fixture
def bak(client: Client, tmp_path: Path) -> str:
    client.run("CREATE TABLE t (k int PRIMARY KEY, a nvarchar(9)); INSERT t VALUES (1, 'x')")
    return str(tmp_path / "s.bak")


def backup(bak: str) -> str:
    return f"BACKUP DATABASE [S] TO DISK = N'{bak}' WITH INIT, CHECKSUM, STATS = 10"


def restore(bak: str) -> str:
    moves = f"MOVE N'S' TO N'{bak}1', MOVE N'S_log' TO N'{bak}2'"
    return f"RESTORE DATABASE T FROM DISK = N'{bak}' WITH CHECKSUM, STATS = 10, {moves}"


def script(server: SimulatedServer, text: str) -> Faults:
    faults = Faults(rules_of(text))
    faults.attach(server)
    return faults


def test_a_rule_holds_from_its_nth_time_for_so_many_times(
    server: SimulatedServer, client: Client
) -> None:
    faults = script(server, '[[fault]]\nstatement = "select 7"\nnth = 2\ntimes = 2\n'
                            "errors = [{number = 1205, severity = 13}]")  # fmt: skip

    assert client.value("SELECT 7") == 7
    assert client.fails("SELECT 7") == [1205]
    assert client.value("SELECT 8") == 8
    assert client.fails("SELECT 7") == [1205]
    assert client.value("SELECT 7") == 7
    assert len(faults.fired) == 2


def test_a_deadlock_takes_the_transaction(
    server: SimulatedServer, client: Client, bak: str
) -> None:
    del bak
    script(server, '[[fault]]\nstatement = "^DELETE"\nerrors = [{number = 1205, severity = 13}]')
    client.run("BEGIN TRAN; INSERT t VALUES (2, 'y')")

    assert client.fails("DELETE t") == [1205]
    assert client.value("SELECT @@TRANCOUNT") == 0
    assert client.run("SELECT k FROM t") == [(1,)]


def test_a_disk_is_full_at_70_percent(server: SimulatedServer, client: Client, bak: str) -> None:
    script(server, '[[fault]]\nstatement = "^BACKUP"\npercent = 70\n'
                   'errors = [{number = 3202, text = "112(full)"}, {number = 3013}]')  # fmt: skip

    assert client.fails(backup(bak)) == [3202, 3013]
    assert [each.number for each in client.messages].count(3211) == 6
    assert client.fails(restore(bak)) == [3203, 3013]


@pytest.mark.parametrize(
    ("how", "number"), [("header", 3241), ("body", 3183), ("end", 3203), ("newer", 3169)]
)
def test_a_backup_is_damaged_behind_the_back_of_all(
    server: SimulatedServer, client: Client, bak: str, how: str, number: int
) -> None:
    script(server, f'[[fault]]\nstatement = "^BACKUP"\nat = "after"\ndamage = "{how}"')
    client.run(backup(bak))

    assert client.fails(restore(bak)) == [number, 3013]
    assert "t" not in server.catalogs


def test_a_restore_fails_before_it_is_online(
    server: SimulatedServer, client: Client, bak: str
) -> None:
    script(server, '[[fault]]\nstatement = "^RESTORE"\npercent = 100\n'
                   'errors = [{number = 3201}, {number = 3013}]')  # fmt: skip
    client.run(backup(bak))

    assert client.fails(restore(bak)) == [3201, 3013]
    assert server.catalog("T").state == "RESTORING"


def test_a_rename_is_refused(server: SimulatedServer, client: Client) -> None:
    script(server, '[[fault]]\nstatement = "MODIFY NAME"\nnth = 2\n'
                   'errors = [{number = 5030}, {number = 5069}]')  # fmt: skip
    client.run("ALTER DATABASE S MODIFY NAME = T")

    assert client.fails("ALTER DATABASE T MODIFY NAME = S") == [5030, 5069]
    assert client.value("SELECT DB_NAME()") == "T"


def test_the_single_place_is_stolen(server: SimulatedServer, client: Client) -> None:
    script(server, '[[fault]]\nstatement = "MODIFY NAME"\nsteal = "S"')
    client.run(SET_ALONE)

    assert client.fails("ALTER DATABASE S MODIFY NAME = T") == [5064, 5069]
    assert client.fails("SELECT 1 FROM sys.tables") == [924]

    with Client(server) as master:
        sql = "SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE host_name = 'INTRUDER'"

        assert master.value(sql) == 1


def test_a_login_fails(server: SimulatedServer) -> None:
    script(server, '[[fault]]\nlogin = "^sa$"\nerrors = [{number = 18456, severity = 14}]')
    with pytest.raises(LoginRefusedError):
        server.log_in(Login("sa", PASSWORD, ""))

    server.log_in(Login("sa", PASSWORD, "")).close()


def test_history_is_forgotten_between_two_statements(
    server: SimulatedServer, client: Client, bak: str
) -> None:
    del bak
    client.run("ALTER DATABASE S SET CHANGE_TRACKING = ON; ALTER TABLE t ENABLE CHANGE_TRACKING")
    client.run("INSERT t VALUES (2, 'y')")
    script(server, '[[fault]]\nstatement = "CHANGETABLE"\nforget = "S"')
    valid = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('t'))"

    assert client.value(valid) == 0
    assert client.run("SELECT * FROM CHANGETABLE(CHANGES t, 0) AS c") == []
    assert client.value(valid) == 1


def test_a_live_server_was_itself_restored(server: SimulatedServer, client: Client) -> None:
    before = server.catalog("S").fork_guid
    script(server, '[[fault]]\nstatement = "SELECT 1"\nfork = "S"')
    client.run("SELECT 1")

    assert server.catalog("S").fork_guid != before


def test_a_connection_is_cut_before_or_after(
    server: SimulatedServer, client: Client, bak: str
) -> None:
    del bak
    script(server, '[[fault]]\nstatement = "^INSERT"\ncut = true\n'
                   '[[fault]]\nstatement = "^UPDATE"\nat = "after"\ncut = true')  # fmt: skip
    for sql in ("INSERT t VALUES (2, 'y')", "UPDATE t SET a = 'z'"):
        with pytest.raises(CutError):
            client.run(sql)

    assert client.run("SELECT * FROM t") == [(1, "z")]


def test_a_killed_session_hears_of_it(server: SimulatedServer, client: Client, bak: str) -> None:
    script(server, '[[fault]]\nstatement = "^BACKUP"\npercent = 30\nkill = "session"')

    assert client.fails(backup(bak)) == [3204, 3013, 596]


def test_it_waits_for_a_file(server: SimulatedServer, client: Client, tmp_path: Path) -> None:
    begun, goes_on = tmp_path / "begun", tmp_path / "goes on"
    script(server, f'[[fault]]\nstatement = "SELECT 1"\ntouch = "{begun}"\nuntil = "{goes_on}"')
    running = threading.Thread(target=client.run, args=("SELECT 1",))
    running.start()
    pause = threading.Event()
    while not begun.exists():
        pause.wait(0.01)
    goes_on.touch()
    running.join(60)

    assert not running.is_alive()


def test_who_calls_it_off_waits_no_longer(server: SimulatedServer, client: Client) -> None:
    script(server, '[[fault]]\nstatement = "SELECT 1"\nstall_s = 600')
    threading.Timer(0.05, client.session.cancel).start()

    assert client.fails("SELECT 1") == [3617]


def test_a_script_is_read_again_when_it_changes(
    server: SimulatedServer, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "faults.toml"
    Faults(path=path).attach(server)

    assert client.value("SELECT 1") == 1

    path.write_text('[[fault]]\nstatement = "SELECT"\ntimes = 0\nerrors = [{number = 8645}]')

    assert client.fails("SELECT 1") == [8645]

    os.truncate(path, 0)

    assert client.value("SELECT 1") == 1


def test_a_key_that_is_not_known_is_refused() -> None:
    with pytest.raises(TypeError):
        rules_of("[[fault]]\nnonsense = 1")
