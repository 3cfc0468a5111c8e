from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover import __version__
from ipfx_failover.adapters.durable import replace_file
from ipfx_failover.wiring.network import adapters
from tests.windows.program import eventually

if TYPE_CHECKING:
    from tests.windows.program import Program

CONFIG = """\
[failover_server]
state_dir = '{state}'
[network]
adapter = "nic"
ping_interval_ms = 200
[servers.DEMO]
address = "127.0.0.1"
"""


def configured(program: Program) -> Program:
    state = program.config.with_name("state")
    program.config.write_text(CONFIG.format(state=state), "utf-8")
    return program


def test_the_version_is_printed() -> None:
    argv = [sys.executable, "-m", "ipfx_failover", "--version"]
    said = subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    assert f"ipfx-failover {__version__}\r\n".encode() == said.stdout


def test_help_names_the_places_of_windows(program: Program) -> None:
    assert r"C:\ProgramData\ipfx-failover\config.toml" in program.run("status", "--help").output


def test_a_first_config_is_written_with_its_password_encrypted(
    program: Program, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("s3 cret\n", "utf-8")

    adapter = adapters()[0].name
    ran = program.run("init", "--no-mail", "--adapter", adapter, "--password-file", str(password))

    assert 0 == ran.code, ran.output
    [secret] = (tmp_path / "secrets").iterdir()
    assert b"s3 cret" not in secret.read_bytes()
    assert "plain text" not in program.run("config", "check").output


def test_a_server_is_added_changed_listed_and_removed(program: Program) -> None:
    configured(program)
    added = program.run("server", "add", "OTHER", "address=192.0.2.9", "--no-replicate", "--yes")
    changed = program.run("server", "edit", "OTHER", "port=101", "--yes")
    listed = json.loads(program.run("server", "list", "--json").output)
    removed = program.run("server", "remove", "OTHER", "--yes")

    assert [0, 0, 0] == [added.code, changed.code, removed.code]
    assert {"DEMO", "OTHER"} == {each["name"] for each in listed["servers"]}
    assert "[servers.OTHER]" not in program.config.read_text("utf-8")


def test_without_a_monitor_nobody_watches(program: Program) -> None:
    ran = configured(program).run("status")

    assert "no monitor has run yet: nobody watches the servers" in ran.output


def test_an_address_is_not_taken_and_config_check_says_so_before(program: Program) -> None:
    configured(program)
    program.config.write_text(program.config.read_text("utf-8") + "assume_ip = true\n", "utf-8")
    checked, monitored = program.run("config", "check"), program.run("monitor")

    assert "takes no address over: the monitor refuses to start" in checked.output
    assert 3 == monitored.code
    assert "this version takes addresses over on Linux only" in monitored.output


@pytest.mark.parametrize("words", [("takeover-ip", "192.0.2.9"), ("takeover-ip", "--server", "X")])
def test_no_wrong_command_ends_in_a_traceback(program: Program, words: tuple[str, ...]) -> None:
    ran = configured(program).run(*words)

    assert ran.code in {2, 3}
    assert "hint:" in ran.output


def test_a_file_that_a_reader_has_open_is_replaced_as_soon_as_that_is_done(tmp_path: Path) -> None:
    target, new, said = tmp_path / "target", tmp_path / "new", tmp_path / "said"
    target.write_text("old")
    new.write_text("new")
    read = "import sys, time; f = open(sys.argv[1]); open(sys.argv[2], 'w').close(); time.sleep(1)"
    reader = subprocess.Popen([sys.executable, "-c", read, str(target), str(said)])
    eventually(said.exists, "the reader has it open")

    with pytest.raises(PermissionError):
        new.replace(target)
    replace_file(new, target)
    reader.wait()

    assert "new" == target.read_text()


def test_what_cannot_be_shown_in_the_code_page_breaks_nothing(program: Program) -> None:
    configured(program)
    program.config.write_text(program.config.read_text("utf-8") + "# \u4e16\u754c\n", "utf-8")

    assert 0 == program.run("config", "check").code
    assert 2 == program.run("server", "show", "\u4e16\u754c").code


def test_the_places_are_below_program_data() -> None:
    from ipfx_failover.adapters.paths import places

    assert Path(r"C:\ProgramData\ipfx-failover\state") == places({}).state_dir


def test_files_are_brought_from_a_share_with_their_times_and_names(
    program: Program, tmp_path: Path
) -> None:
    live, copy = tmp_path / "live", tmp_path / "copy"
    sound = live / "Mail" / "Grüße \u4e16.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"voice")
    configured(program)
    text = program.config.read_text("utf-8") + (
        f"local_vm_dir = '{copy}'\n[servers.DEMO.files]\ntransport = 'path'\npath = '{live}'\n"
    )
    program.config.write_text(text, "utf-8")

    first, again = program.run("sync-files", "DEMO"), program.run("sync-files", "DEMO")

    brought = copy / "Mail" / sound.name
    assert (0, 0) == (first.code, again.code), first.output
    assert "1 copied" in first.output
    assert "0 copied" in again.output
    assert (b"voice", sound.stat().st_mtime) == (brought.read_bytes(), brought.stat().st_mtime)
