from __future__ import annotations

import os
import string
from datetime import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipfx_failover.adapters.paths import places
from ipfx_failover.config.find import VARIABLE, find
from ipfx_failover.config.load import find_server, load
from ipfx_failover.config.models import MANUAL_INCLUSIONS
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.config.secrets import Secret
from ipfx_failover.errors import ExitCode, UsageError
from tests.unit.config.samples import (
    EXAMPLES,
    SERVER,
    WARM,
    ConfigFiles,
    any_time,
    as_nobody,
    posix_only,
)


def usage_error(path: Path | None, environ: dict[str, str]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(path, environ=environ)
    return caught.value


def test_defaults_are_the_manuals(files: ConfigFiles) -> None:
    config = files.load(SERVER)
    network, server = config.network, config.servers["DEMOSERVER"]

    assert (2000, 1000) == (network.ping_interval_ms, network.ping_timeout_ms)
    assert (5, 15, 30) == (
        network.warning_count,
        network.failover_count,
        network.failover_count_after_reboot,
    )
    assert ("sa", 25) == (config.failover_server.user_id, config.alerts.smtp_port)
    assert (100, False, False, "off") == (
        server.port,
        server.assume_ip,
        server.auto_stop_failover,
        server.real_time,
    )


def test_a_whole_config_is_read(files: ConfigFiles) -> None:
    config = files.load(WARM)
    server = config.servers["DEMOSERVER"]

    assert "DEMOSERVER" == server.name
    assert IPv4Address("192.168.11.1") == server.address
    assert time(1, 0) == server.replicate_daily
    assert "DEMOSERVER_CTSERVER" == server.standby_catalog
    assert "/VM" == server.live_vm_dir
    assert server.files is not None
    assert MANUAL_INCLUSIONS == server.files.include
    assert "failover@example.com" == config.alerts.from_


@pytest.mark.parametrize("name", ["minimal.toml", "reference.toml", "two-primaries.toml"])
def test_the_examples_load_without_a_warning(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes((EXAMPLES / name).read_bytes())
    path.chmod(0o644)

    assert () == load(path, environ={}).warnings


def test_state_and_copies_have_the_systems_places(files: ConfigFiles) -> None:
    environ = {"ProgramData": r"D:\Data"}
    config = load(files.write(SERVER), environ=environ).config
    expected = places(environ)

    assert expected.state_dir == config.failover_server.state_dir
    assert Path(expected.local_vm_dir.replace("%servername%", "DEMOSERVER")) == (
        config.servers["DEMOSERVER"].local_vm_dir
    )


@posix_only
def test_the_server_name_is_expanded_in_paths_only_without_regard_to_case(
    files: ConfigFiles,
) -> None:
    config = files.load("""\
        [servers.DemoServer]
        address = "192.168.11.1"
        local_vm_dir = '/srv/%ServerName%/%SERVERNAME%'
        [servers.DemoServer.ssh]
        user = "%servername%"
        key_file = "/etc/%servername%/key"
        known_hosts_file = "/etc/%servername%/known"
        [servers.DemoServer.database]
        data_source = '/db/%servername%.db'
        password = { file = "/etc/%servername%/password" }
        vm_dir = 'C:\\VM\\%servername%'
        vm_local_dir = '/opt/%servername%'
        [servers.DemoServer.files]
        transport = "path"
        path = "/mnt/%servername%"
        """)
    server = config.servers["DemoServer"]
    assert server.ssh
    assert server.database
    assert server.files

    assert Path("/srv/DemoServer/DemoServer") == server.local_vm_dir
    assert "%servername%" == server.ssh.user
    assert Path("/etc/DemoServer/key") == server.ssh.key_file
    assert Path("/etc/DemoServer/known") == server.ssh.known_hosts_file
    assert "/db/DemoServer.db" == server.database.data_source
    assert Secret("file", "/etc/DemoServer/password") == server.database.password
    assert r"C:\VM\DemoServer" == server.database.vm_dir
    assert "/opt/DemoServer" == server.database.vm_local_dir
    assert Path("/mnt/DemoServer") == server.files.path


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_editors_may_add_a_byte_order_mark_and_carriage_returns(
    files: ConfigFiles, before: bytes, newline: bytes
) -> None:
    config = files.load(before + WARM.encode().replace(b"\n", newline))

    assert ["DEMOSERVER"] == list(config.servers)


def test_a_toml_time_is_a_time_of_day_too(files: ConfigFiles) -> None:
    text = WARM.replace('"01:00:00"', "01:30:00")

    assert time(1, 30) == files.load(text).servers["DEMOSERVER"].replicate_daily


def test_the_command_line_names_the_file_before_the_environment(files: ConfigFiles) -> None:
    path = files.write(SERVER)

    assert path == load(path, environ={VARIABLE: "/absent"}).path


def test_the_environment_names_the_file_before_the_system(files: ConfigFiles) -> None:
    path = files.write(SERVER)

    assert path == load(None, environ={VARIABLE: str(path)}).path


def test_a_relative_name_on_the_command_line_becomes_absolute(
    files: ConfigFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.write(SERVER)
    monkeypatch.chdir(path.parent)

    assert path == load(Path(path.name), environ={}).path


def test_the_current_directory_is_never_looked_at(
    files: ConfigFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(files.write(SERVER).parent)
    environ = {"ProgramData": str(tmp_path / "absent")}

    assert files.path != found_by_itself(environ)


def found_by_itself(environ: dict[str, str]) -> Path | None:
    try:
        return find(None, environ=environ)
    except UsageError:
        return None


@pytest.mark.skipif(places({}).config_file.exists(), reason="this machine has a config file")
def test_without_any_file_its_place_is_named_and_the_way_to_begin() -> None:
    error = usage_error(None, {})

    assert f"no config file: there is no {places({}).config_file}" == error.message
    assert "begin with: ipfx-failover init" in error.hint


@pytest.mark.parametrize("variable", [True, False])
def test_a_named_file_that_is_absent_is_not_replaced_by_another(
    tmp_path: Path, *, variable: bool
) -> None:
    absent = tmp_path / "absent.toml"
    error = usage_error(None if variable else absent, {VARIABLE: str(absent)})

    assert f"no config file: there is no {absent}" in error.message
    assert variable == ("named by IPFX_FAILOVER_CONFIG" in error.message)


def test_an_empty_variable_names_nothing(tmp_path: Path) -> None:
    environ = {"ProgramData": str(tmp_path)}

    assert found_by_itself(environ) == found_by_itself({**environ, VARIABLE: ""})


def test_a_directory_is_no_config_file(tmp_path: Path) -> None:
    assert f"the config file {tmp_path} is a directory" == usage_error(tmp_path, {}).message


def test_a_name_that_the_system_cannot_take_is_a_usage_error(tmp_path: Path) -> None:
    error = usage_error(tmp_path / ("x" * 300), {})

    assert "x" * 300 in error.message
    assert "\n" not in error.message


@posix_only
def test_a_file_that_this_user_must_not_read_is_named(files: ConfigFiles) -> None:
    path = files.write(SERVER, mode=0o000)
    files.path.parent.chmod(0o755)
    with as_nobody():
        error = usage_error(path, {})

    assert f"the config file {path} must not be read by this user" == error.message
    assert "sudo" in error.hint


@posix_only
def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Path("/dev/zero"), environ={})

    assert "/dev/zero: is too large for a config file" in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty; begin with: ipfx-failover init"),
        (b"\xef\xbb\xbf", "is empty; begin with: ipfx-failover init"),
        (b" \r\n\n", "is empty; begin with: ipfx-failover init"),
        (SERVER.encode("utf-16"), "is UTF-16 or no text at all; save it as UTF-8"),
        (SERVER.encode("utf-16-le"), "is UTF-16 or no text at all; save it as UTF-8"),
        (
            b"[alerts]\n# caf\xe9\n",
            "2: a character is not UTF-8; save the file as UTF-8, not as ANSI",
        ),
        (b"[network]\radapter = 'x'", None),
    ],
)
def test_a_file_that_is_no_utf8_text_is_told_so(
    files: ConfigFiles, content: bytes, expected: str | None
) -> None:
    problem = files.problems(content)[0]

    assert (expected or "1: a line ends in a carriage return alone; save it with LF line ends") == (
        problem
    )


def test_a_literal_secret_is_warned_of_with_its_line(files: ConfigFiles) -> None:
    text = f'{SERVER}[alerts]\nusername = "u"\npassword = "hunter2"\n'
    warnings = load(files.write(text), environ={}).warnings

    assert (
        f"{files.path}:5: alerts.password: the secret itself is in the file; keep it in a file "
        'of its own: { file = "…" }',
    ) == warnings


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_literal_secret_is_refused_in_a_file_that_others_can_read(
    files: ConfigFiles, mode: int
) -> None:
    text = f'{SERVER}[alerts]\nusername = "u"\npassword = "hunter2"\n'
    problem = files.error(text, mode).problems[0]

    assert (5, "alerts.password") == (problem.line, problem.key)
    assert f"chmod 600 {files.path}" in problem.suggestion


@posix_only
def test_every_literal_secret_is_reported(files: ConfigFiles) -> None:
    text = WARM.replace("[alerts]", '[alerts]\nusername = "u"\npassword = "hunter2"')
    text = text.replace("data_source", 'password = "hunter3"\ndata_source')
    keys = [problem.key for problem in files.error(text, 0o644).problems]

    assert ["alerts.password", "servers.DEMOSERVER.database.password"] == keys


@posix_only
def test_a_reference_may_stand_in_a_file_for_all_to_read(files: ConfigFiles) -> None:
    text = f'{SERVER}[alerts]\nusername = "u"\npassword = {{ env = "P" }}\n'

    assert () == load(files.write(text, 0o644), environ={}).warnings


@posix_only
def test_a_file_that_others_can_change_is_warned_of(files: ConfigFiles) -> None:
    warnings = load(files.write(SERVER, 0o666), environ={}).warnings

    assert [f"chmod go-w {files.path}"] == [text.rpartition("; ")[2] for text in warnings]


def test_a_server_is_found_without_regard_to_case(files: ConfigFiles) -> None:
    config = files.load(SERVER)

    assert "DEMOSERVER" == find_server(config, "demoserver").name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            SERVER + SERVER.replace("DEMOSERVER", "AKLMATRIX").replace("11.1", "11.2"),
            "did you mean DEMOSERVER? known are: DEMOSERVER, AKLMATRIX",
        ),
        ("# none\n", "the config has none yet: ipfx-failover server add NAME"),
    ],
)
def test_an_unknown_server_gets_the_known_ones(files: ConfigFiles, text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_server(files.load(text), "demosrver")

    assert hint == caught.value.hint
    assert "there is no server named 'demosrver'" == caught.value.message


def test_a_config_error_says_how_many_and_ends_as_usage_error(files: ConfigFiles) -> None:
    error = files.error("[network]\na = 1\nb = 2\n")

    assert f"2 problems in {files.path}" == error.message
    assert ExitCode.USAGE == error.exit_code
    assert tuple(map(str, error.problems)) == error.details


def test_find_gives_the_file_without_reading_it(files: ConfigFiles) -> None:
    path = files.write(b"\xff")

    assert path == find(path, environ={})


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
@example(b"a = " + b"[" * 5000 + b"]" * 5000)
@example(b"[" + b"a." * 5000 + b"b]")
@example(b"a" + b".a" * 3000 + b" = 1")
@example(b"a = " + b"9" * 5000)
@example(b"[network]\nwarning_count = 0x" + b"F" * 20000)
@example(b"[network]\nping_interval_ms = nan")
@example(b"servers = 5")
@example(b"[[servers]]\naddress = 1")
@example(b"[servers]\naddress = '1.2.3.4'")
@example(b"[servers.'']\naddress = '1.2.3.4'")
@example(b"'' = 1")
@example(b"failover_server = 1")
@any_time
def test_whatever_a_file_holds_the_answer_is_a_config_or_a_foreseen_error(
    files: ConfigFiles, content: bytes
) -> None:
    error = files.outcome(content)
    said = [error.message, error.hint, *getattr(error, "details", ())] if error else []

    assert [] == [line for line in said if "\n" in line or not line]


WORDS = st.sampled_from(
    [
        *("[", "]", "[[", "]]", "{", "}", "=", ",", ".", "#", '"', "'", '"""', "\\", " ", "\n"),
        *("network", "servers", "A", "address", "ping_interval_ms", "alerts", "to", "password"),
        *(
            "1",
            "0x1",
            "true",
            "1.5",
            "1979-05-27",
            "'x'",
            '"1.2.3.4"',
            "[network]\n",
            "[servers.A]\n",
        ),
    ]
)


@given(st.lists(WORDS, max_size=30).map("".join))
@any_time
def test_whatever_toml_a_file_resembles_the_answer_is_foreseen(
    files: ConfigFiles, text: str
) -> None:
    error = files.outcome(text)

    assert error is None or error.hint


VALUES = st.recursive(
    st.booleans()
    | st.integers(-10, 10**6)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "x", "1.2.3.4", "/a", "a@b", "off", "%servername%", "01:00:00"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["file", "dir", "address", "x"]), inner, max_size=2),
    max_leaves=4,
)


def as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)


@given(
    line=st.integers(0, len(WARM.splitlines()) - 1),
    value=VALUES,
    key=st.text(string.ascii_lowercase + "_", max_size=3),
)
@any_time
def test_whatever_a_key_is_set_to_the_answer_is_foreseen_and_placed(
    files: ConfigFiles, line: int, value: object, key: str
) -> None:
    lines = WARM.splitlines()
    name, equals, _ = lines[line].partition(" = ")
    lines[line] = f"{name}{key}{equals}{as_toml(value)}" if equals else f"{lines[line][:-1]}{key}]"
    error = files.outcome("\n".join(lines))
    problems = error.problems if isinstance(error, ConfigError) else ()

    assert [] == [problem for problem in problems if problem.line is None]


def test_loading_reads_no_environment_but_what_it_is_given(files: ConfigFiles) -> None:
    path = files.write(SERVER)
    before = dict(os.environ)
    load(path, environ={})

    assert before == dict(os.environ)
