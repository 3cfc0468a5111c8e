"""What a wrong config file is told: line, key, what is wrong, what to do."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ipfx_failover.config.diagnose import SUBSTITUTES
from ipfx_failover.config.models import Config
from ipfx_failover.config.problems import Problem
from ipfx_failover.config.reference import rows
from tests.unit.config.samples import SERVER, WARM, ConfigFiles, any_time, posix_only

SSH = '[servers.DEMOSERVER.ssh]\nuser = "u"\nkey_file = "/k"\n'
DATABASE = '[servers.DEMOSERVER.database]\ndata_source = "/d"\nvm_dir = "/VM"\n'


def test_a_problem_is_one_line_with_its_place() -> None:
    problem = Problem(Path("F"), 7, "servers.A.adress", "unknown key", 'did you mean "address"?')

    assert 'F:7: servers.A.adress: unknown key; did you mean "address"?' == str(problem)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem(Path("F"), None, "", "is empty"), "F: is empty"),
        (Problem(Path("F"), 3, "", "what", "do", 9), "F:3:9: what; do"),
        (Problem(Path("F"), 3, "a.b", "what"), "F:3: a.b: what"),
    ],
)
def test_what_a_problem_lacks_is_left_out(problem: Problem, expected: str) -> None:
    assert expected == str(problem)


def test_all_problems_are_found_in_one_go_in_the_files_order(files: ConfigFiles) -> None:
    found = files.problems("""\
[network]
adaptor = "eth0"
ping_interval_ms = 5
failover_count = 3

[alerts]
username = "u"
from = "nobody"
to = "a@example.com, b@example.com"

[servers.DEMOSERVER]
adress = "192.168.11.1"
assume_ip = true
auto_stop_failover = true

[servers.demoserver]
address = "192.168.11.300"
""")

    assert [
        '2: network.adaptor: unknown key; did you mean "adapter"?',
        "3: network.ping_interval_ms: must be a whole number of milliseconds from 20 to 3600000, "
        "got 5",
        "4: network.failover_count: warning_count (5) must not be larger than failover_count (3); "
        "set warning_count to 3 or less, or raise failover_count",
        '7: alerts.username: username needs a password; add password = { file = "…" }',
        "8: alerts.from: must be an e-mail address such as ops@example.com",
        "9: alerts.to: must be a list of e-mail addresses, got a text; write a list, in brackets: "
        '["…", "…"]',
        '12: servers.DEMOSERVER.adress: unknown key; did you mean "address"?',
        "14: servers.DEMOSERVER.auto_stop_failover: auto_stop_failover is not available with "
        "assume_ip; remove one of them",
        "16: servers.demoserver: there is a server DEMOSERVER already; names differ by more than "
        "case",
        "17: servers.demoserver.address: is not an IPv4 address: four numbers from 0 to 255, "
        "without leading zeros",
    ] == found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            'ping_interval_ms = "2000"',
            "must be a whole number of milliseconds from 20 to 3600000, got a text; write it "
            "without quotes",
        ),
        (
            "ping_interval_ms = 2.5",
            "must be a whole number of milliseconds from 20 to 3600000, got a number",
        ),
        (
            "ping_interval_ms = true",
            "must be a whole number of milliseconds from 20 to 3600000, got true or false",
        ),
        ("failover_count = 0", "must be a whole number from 1 to 1000000, got 0"),
        (
            "failover_count = 0x" + "F" * 5000,
            "must be a whole number from 1 to 1000000, got a number of more than 38 digits",
        ),
        ("adapter = 5", "must be a text, got a whole number; write it between quotes"),
        ('adapter = ""', "is empty"),
        ("adapter = ['eth0']", "must be a text, got a list"),
        ("adapter = 2024-01-01", "must be a text, got a date; write it between quotes"),
        ('reference_targets = ["1.2.3.4", "x"]', "entry 2: must be an IPv4 address, not a name"),
        ('reference_targets = "1.2.3.4"', "must be a list of IPv4 addresses, got a text"),
        ('reference_targets = ["1.2.3.4/24"]', "entry 1: must be one address, not a network"),
        ("reference_targets = [5]", "entry 1: must be an IPv4 address, got a whole number"),
    ],
)
def test_a_wrong_value_is_told_what_it_must_be(
    files: ConfigFiles, line: str, expected: str
) -> None:
    (found,) = files.problems(f"[network]\n{line}\n")
    key = line.partition(" ")[0]

    assert found.startswith(f"2: network.{key}: {expected}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('real_time = "All"', 'must be "off", "configuration" or "all", got "All"; did you mean'),
        ("real_time = false", 'got true or false; write "off"'),
        ("real_time = 5", 'must be "off", "configuration" or "all", got a whole number'),
        ('replicate_daily = "1:00"', 'must be a time of day such as "01:00:00"'),
        ('replicate_daily = "24:00"', 'must be a time of day such as "01:00:00"'),
        ("replicate_daily = 1", 'must be a time of day such as "01:00:00", got a whole number'),
        ('assume_ip = "yes"', "must be true or false, got a text; write it without quotes"),
        ('management_address = "::1"', "looks like an IPv6 address"),
        ('management_address = "1.2.3.4:22"', "the port is a key of its own"),
        ('management_address = "demo.example.com"', "must be an IPv4 address, not a name"),
        ('management_address = "0.0.0.0"', "0.0.0.0 is not the address of a host"),
        ('management_address = "224.0.0.1"', "224.0.0.1 is not the address of a host"),
        ('management_address = "192.168.011.1"', "without leading zeros"),
        ('management_address = "192.168.11.1"', "management_address must be another address"),
        ('local_vm_dir = "VM"', "must be a whole path: services run in another directory"),
        ('local_vm_dir = "~/VM"', "~ is not expanded"),
        ('local_vm_dir = "/a\\tb"', "contains a tab: between double quotes a \\ begins an escape"),
        ("name = 'OTHER'", "the server's name is that of its table, [servers.DEMOSERVER]"),
        ("ssh = 5", "must be a table, got a whole number; begin it with a line [servers.DEMO"),
        ("ssh = [{user = 'u'}]", "must be one table, got a list; write [servers.DEMOSERVER.ssh]"),
        ("database = 5", "must be a table"),
        ("port = 65536", "must be a whole number from 1 to 65535, got 65536"),
    ],
)
def test_a_wrong_setting_of_a_server_is_told_what_it_must_be(
    files: ConfigFiles, line: str, expected: str
) -> None:
    (found,) = files.problems(f"{SERVER}{line}\n")
    place = f"3: servers.DEMOSERVER.{line.partition(' ')[0]}: "

    assert found.startswith(place if "name" not in line[:5] else "3: servers.DEMOSERVER: ")
    assert expected in found


@posix_only
def test_a_windows_path_for_this_machine_is_told_apart(files: ConfigFiles) -> None:
    (found,) = files.problems(f"{SERVER}local_vm_dir = 'C:\\VM'\n")

    assert "is a Windows path, and this machine's paths begin with /" in found


def test_a_missing_key_is_asked_for_at_its_table_with_an_example(files: ConfigFiles) -> None:
    found = files.problems(f'{SERVER}[servers.DEMOSERVER.ssh]\nuser = "u"\n')

    assert [
        "3: servers.DEMOSERVER.ssh.key_file: is missing (private key, readable by its owner only);"
        ' add key_file = "/etc/ipfx-failover/secrets/id_ed25519"'
    ] == found


def test_a_wrong_row_of_the_inclusion_table_is_numbered(files: ConfigFiles) -> None:
    text = WARM + (
        "include = [\n"
        '  { dir = "Mail", patterns = ["*"] },\n'
        '  { dir = "../etc", patterns = [] },\n'
        '  { dir = "C:\\\\VM", patterns = ["Mail/*"], recursive = 1 },\n'
        '  { folder = "Extn", patterns = ["*"] },\n'
        "]\n"
    )
    found = [line.replace("servers.DEMOSERVER.files.include.", "") for line in files.problems(text)]

    assert [
        "23: dir: entry 2: must be a directory below the VM directory",
        "23: patterns: entry 2: must not be empty",
        "24: dir: entry 3: must be a directory below the VM directory",
        "24: patterns: entry 3: must be a pattern for file names; directories belong in dir",
        "24: recursive: entry 3: must be true or false, got a whole number",
        "25: folder: entry 4: unknown key",
        '25: dir: entry 4: is missing (subdirectory of the VM directory); add dir = "Mail"',
    ] == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[failover_server.application]\nservices = ["a"]\nstop = ["b"]\n',
            "3: failover_server.application.stop: the application is started either by services",
        ),
        (
            '[failover_server.application]\nstop = ["b"]\n',
            "2: failover_server.application.stop: stop needs start",
        ),
        (
            '[failover_server.application]\nstart = [" ", "b"]\n',
            "2: failover_server.application.start: must begin with the program's name",
        ),
        (
            '[failover_server.application]\nstart = ["a", "--x={sevrer}"]\n',
            "2: failover_server.application.start: unknown placeholder {sevrer}; did you mean",
        ),
        (
            '[failover_server.application]\nservices = ["a{"]\n',
            "2: failover_server.application.services: a single {; a literal brace is written",
        ),
        (
            f'{SERVER}[servers.DEMOSERVER.fence]\ncommand = ["off", "{{sever}}"]\n',
            "4: servers.DEMOSERVER.fence.command: unknown placeholder {sever}; did you mean",
        ),
        (
            "[network]\nfailover_count_after_reboot = 9\n",
            "2: network.failover_count_after_reboot: failover_count (15) must not be larger than",
        ),
        (
            '[alerts]\nsmtp_server = "h"\n',
            "2: alerts.smtp_server: alerts need from, the address that they appear to come from",
        ),
        (
            '[alerts]\npassword = { env = "P" }\n',
            "2: alerts.password: password needs a username",
        ),
        (
            f'{SERVER}real_time = "all"\n{SSH}{DATABASE}',
            "3: servers.DEMOSERVER.real_time: the sqlite engine is warm only",
        ),
        (
            f'{SERVER}replicate_daily = "01:00"\n',
            "3: servers.DEMOSERVER.replicate_daily: replicate_daily needs a database",
        ),
        (
            f"{SERVER}{DATABASE}",
            "3: servers.DEMOSERVER.database: the live server is reached by SSH, and no [ssh]",
        ),
        (
            f"{SERVER}{SSH}[servers.DEMOSERVER.files]\n",
            "6: servers.DEMOSERVER.files: files are copied from the live VM directory, and nothing",
        ),
        (
            f'{SERVER}[servers.DEMOSERVER.files]\ntransport = "path"\n',
            '4: servers.DEMOSERVER.files.transport: transport = "path" needs path',
        ),
        (
            f'{SERVER}{SSH}{DATABASE}[servers.DEMOSERVER.files]\npath = "/mnt"\n',
            '10: servers.DEMOSERVER.files.path: path is not used with transport = "sftp"',
        ),
        (
            f"{SERVER}{SSH}{DATABASE.replace('/d', 'DEMOSERVER')}",
            "7: servers.DEMOSERVER.database.data_source: must be the whole path of the SQLite",
        ),
        (
            f"{SERVER}assume_ip = true\n",
            "3: servers.DEMOSERVER.assume_ip: assume_ip needs to know the network adapter",
        ),
        (
            '[network]\nadapter = "e"\nwarning_count = 1\nfailover_count = 1\n'
            f"{SERVER}assume_ip = true\n",
            "7: servers.DEMOSERVER.assume_ip: assume_ip needs a failover_count of 2 or more",
        ),
        (
            f'{SERVER}[servers.B]\naddress = "192.168.11.1"\n',
            "4: servers.B.address: 192.168.11.1 is the address of DEMOSERVER too",
        ),
        (
            f'{SERVER}[servers.B]\naddress = "192.168.11.2"\nmanagement_address = "192.168.11.1"\n',
            "5: servers.B.management_address: 192.168.11.1 is the address of DEMOSERVER too",
        ),
        (
            f'{SERVER}local_vm_dir = "/srv/x"\n[servers.B]\naddress = "192.168.11.2"\n'
            'local_vm_dir = "/srv/y/../x/sub"\n',
            "3: servers.DEMOSERVER.local_vm_dir: servers.DEMOSERVER.local_vm_dir is the same "
            "directory as servers.B.local_vm_dir, or holds it",
        ),
        (
            f'[failover_server]\nstate_dir = "/srv/x"\n{SERVER}local_vm_dir = "/srv"\n',
            "5: servers.DEMOSERVER.local_vm_dir: servers.DEMOSERVER.local_vm_dir is the same "
            "directory as failover_server.state_dir, or holds it",
        ),
        (
            f'[failover_server]\nstate_dir = "/srv/x"\n{SERVER}local_vm_dir = "/srv/x"\n',
            "5: servers.DEMOSERVER.local_vm_dir: ",
        ),
        (
            "[failover_server]\nstate_dir = '/srv/%servername%'\n",
            "2: failover_server.state_dir: %servername% has a meaning below [servers.NAME] only",
        ),
        (
            '[servers."DEMO SERVER"]\naddress = "192.168.11.1"\n',
            '1: servers."DEMO SERVER": a server\'s name must be 1 to 63 letters, digits, - and _',
        ),
        (
            '[servers.-x]\naddress = "192.168.11.1"\n',
            "1: servers.-x: a server's name must be 1 to 63 letters, digits, - and _, and not beg",
        ),
        (
            '[servers.nul]\naddress = "192.168.11.1"\n',
            "1: servers.nul: a server's name is the name of a device on Windows",
        ),
        (
            '[servers]\naddress = "192.168.11.1"\n',
            "2: servers.address: a server's keys belong in a table of its own",
        ),
        ("servers = []\n", "1: servers: must be one table, got a list"),
        ("network = 5\n", "1: network: must be a table, got a whole number"),
    ],
)
def test_what_contradicts_is_blamed_on_a_key_that_the_file_sets(
    files: ConfigFiles, text: str, expected: str
) -> None:
    found = files.problems(text)

    assert [expected] == [line[: len(expected)] for line in found]


def test_state_and_copies_may_share_the_default_place(files: ConfigFiles) -> None:
    text = f'[failover_server]\nstate_dir = "/srv"\n{SERVER}local_vm_dir = "/srv/x"\n'

    assert ["DEMOSERVER"] == list(files.load(text).servers)


def test_one_directory_that_holds_many_is_one_problem(files: ConfigFiles) -> None:
    servers = "".join(
        f'[servers.S{n}]\naddress = "10.0.0.{n}"\nlocal_vm_dir = "/srv/S{n}"\n' for n in range(1, 7)
    )
    found = files.problems(f'{servers}[servers.Z]\naddress = "10.0.0.9"\nlocal_vm_dir = "/srv"\n')

    assert [
        "21: servers.Z.local_vm_dir: servers.Z.local_vm_dir is the same directory as "
        "servers.S1.local_vm_dir, servers.S2.local_vm_dir, servers.S3.local_vm_dir and 3 more, or "
        "holds them; give each a directory of its own"
    ] == found


def test_two_servers_must_not_end_up_in_one_catalog(files: ConfigFiles) -> None:
    one = SSH.replace("DEMOSERVER", "A") + DATABASE.replace("DEMOSERVER", "A")
    two = SSH.replace("DEMOSERVER", "A_B") + DATABASE.replace("DEMOSERVER", "A_B")
    text = (
        f'[servers.A]\naddress = "10.0.0.1"\n{one}catalog = "B_C"\n'
        f'[servers.A_B]\naddress = "10.0.0.2"\n{two}catalog = "C"\n'
    )
    (found,) = files.problems(text)

    assert "18: servers.A_B.database.catalog: its catalog here would be A_B_C, which is" in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[server.DEMOSERVER]\naddress = "1.2.3.4"\nassume_ip = 1\n',
            [
                "1: server: unknown table; did you mean [servers]?",
                "3: servers.DEMOSERVER.assume_ip: must be true or false, got a whole number",
            ],
        ),
        (
            '[DEMOSERVER]\naddress = "1.2.3.4"\n',
            ["1: DEMOSERVER: unknown table; a server's table is named [servers.DEMOSERVER]"],
        ),
        (
            f"{SERVER}{SSH}[servers.DEMOSERVER.databse]\ndata_source = 5\n",
            [
                "6: servers.DEMOSERVER.databse: unknown table; did you mean "
                "[servers.DEMOSERVER.database]?",
                "7: servers.DEMOSERVER.database.data_source: must be a text, got a whole number; "
                "write it between quotes",
            ],
        ),
        (
            f"{SERVER}{DATABASE}{SSH.replace('DEMOSERVER.ssh', 'DEMOSERVER.shh')}",
            ["6: servers.DEMOSERVER.shh: unknown table; did you mean [servers.DEMOSERVER.ssh]?"],
        ),
    ],
)
def test_a_misnamed_table_is_looked_into_all_the_same(
    files: ConfigFiles, text: str, expected: list[str]
) -> None:
    assert expected == files.problems(text)


def test_a_server_named_with_dots_is_told_so(files: ConfigFiles) -> None:
    found = files.problems('[servers.demo.example.com]\naddress = "1.2.3.4"\n')

    assert (
        "1: servers.demo.example: unknown table; a server's name has no dots; the network name "
        "without the domain will do"
    ) == found[0]


def test_python_names_are_no_keys(files: ConfigFiles) -> None:
    found = files.problems('[alerts]\nfrom_ = "a@example.com"\n')

    assert ['2: alerts.from_: unknown key; did you mean "from"?'] == found


def test_keys_from_the_file_are_made_fit_for_a_terminal(files: ConfigFiles) -> None:
    (found,) = files.problems('[network]\n"a\\u001b[2Jb\\nc" = 1\n')

    assert '2: network."a?[2Jb?c": unknown key' == found


def test_every_key_without_a_default_has_a_substitute_that_is_right() -> None:
    needed = {row.key for row in rows() if row.required} | {"name"}

    assert needed == set(SUBSTITUTES)
    try:
        Config.model_validate(
            {
                "servers": {
                    "name": {
                        "address": SUBSTITUTES["address"],
                        "ssh": {key: SUBSTITUTES[key] for key in ("user", "key_file")},
                        "database": {"data_source": SUBSTITUTES["data_source"], "vm_dir": "/VM"},
                        "files": {
                            "include": [{key: SUBSTITUTES[key] for key in ("dir", "patterns")}]
                        },
                        "fence": {"command": SUBSTITUTES["command"]},
                    }
                }
            }
        )
    except ValidationError as error:
        pytest.fail(str(error))


KEY_LINES = [
    number for number, line in enumerate(WARM.splitlines()) if re.match(r"[a-z_]+ = ", line)
]
KNOWN = {row.key for row in rows()}


@given(data=st.data(), line=st.sampled_from(KEY_LINES))
@any_time
def test_a_misspelt_key_is_always_reported_with_its_line(
    files: ConfigFiles, data: st.DataObject, line: int
) -> None:
    lines = WARM.splitlines()
    key, _, rest = lines[line].partition(" = ")
    at = data.draw(st.integers(0, len(key) - 1))
    letter = data.draw(st.sampled_from(["", *string.ascii_lowercase, "_"]))
    wrong = key[:at] + letter + key[at + 1 :]
    assume(wrong not in KNOWN and wrong)
    lines[line] = f"{wrong} = {rest}"
    found = files.problems("\n".join(lines))
    place = re.compile(rf"{line + 1}: ([\w.]+\.)?{wrong}: unknown key")

    assert 1 == len([said for said in found if place.match(said)])
    if len(key) > 4:
        assert f'"{key}"' in " ".join(found)
