from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.adapters.paths import FileFacts
from ipfx_failover.config.explain import explain
from ipfx_failover.config.findings import Facts, Finding, duration
from tests.unit.config.samples import EXAMPLES, SERVER, WARM, ConfigFiles

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = IPv4Address("192.168.11.254")
OURS = IPv4Interface("192.168.11.2/24")
ASSUME = WARM.replace("replicate_daily", "assume_ip = true\nreplicate_daily")
FENCE = '[servers.DEMOSERVER.fence]\ncommand = ["/sbin/off", "{server}"]\n'


class Disk:
    """What is at each path; everything else is a well-kept file."""

    def __init__(self, **places: FileFacts) -> None:
        self.places = places

    def __call__(self, path: Path) -> FileFacts:
        return self.places.get(path.name.replace(".", "_"), FileFacts("file"))


def told(files: ConfigFiles, text: str, **facts: Any) -> list[Finding]:
    return explain(files.load(text), facts=Facts(**facts))


def having(findings: list[Finding], part: str) -> list[tuple[str, str]]:
    return [
        (finding.level, finding.subject)
        for finding in findings
        if part in f"{finding.message}|{finding.hint}"
    ]


def test_the_decision_is_explained_with_its_arithmetic(files: ConfigFiles) -> None:
    messages = [finding.message for finding in told(files, SERVER)]

    assert (
        "fails over 31 s after the last answered ping (15 x 2000 ms + 1000 ms); 61 s if it has not "
        "answered since this machine booted"
    ) in messages
    assert (
        "the warning e-mail goes out 11 s after the last answered ping, 20 s before the failover"
    ) in messages


@pytest.mark.parametrize("name", ["minimal.toml", "reference.toml"])
def test_the_examples_give_no_warning(files: ConfigFiles, name: str) -> None:
    findings = told(files, (EXAMPLES / name).read_text("utf-8"), gateway=GATEWAY)

    assert [] == [finding for finding in findings if finding.level == "warning"]


def test_a_well_kept_site_has_only_the_price_of_being_warm(files: ConfigFiles) -> None:
    text = ASSUME.replace('"192.168.11.1"', '"192.168.11.1"\nmanagement_address = "10.0.0.1"')
    findings = told(
        files,
        f"{text}{FENCE}required = true\n",
        gateway=GATEWAY,
        interfaces=(OURS,),
        look=Disk(),
        environ={},
    )

    assert [
        (
            "note",
            "warm standby: up to 24 h of rows are lost at failover, those since the "
            "replication at 01:00:00",
        )
    ] == [(finding.level, finding.message) for finding in findings if finding.level != "ok"]


@pytest.mark.parametrize(
    ("text", "facts", "level", "part"),
    [
        ("# nothing\n", {}, "warning", "no server is configured: nothing is watched"),
        (
            f'{SERVER}[servers.B]\naddress = "10.0.0.2"\n',
            {},
            "note",
            "of 2 servers one can be stood in for at a time",
        ),
        (SERVER, {}, "warning", "no reference target: only the cable is watched"),
        (SERVER, {"gateway": GATEWAY}, "ok", "the gateway 192.168.11.254 shows that our own"),
        (
            f'{SERVER}[servers.B]\naddress = "10.0.0.2"\n',
            {"gateway": GATEWAY},
            "ok",
            "the gateway 192.168.11.254 and the other Primaries show",
        ),
        (
            f'{SERVER}[servers.B]\naddress = "10.0.0.2"\n',
            {},
            "note",
            "only the other Primaries show that our own network works",
        ),
        (
            f'[network]\nreference_targets = ["10.0.0.9"]\n{SERVER}',
            {},
            "note",
            "10.0.0.9 is the only reference target: while it is silent, nothing is taken over",
        ),
        (
            f'[network]\nreference_targets = ["192.168.11.1", "10.0.0.9"]\n{SERVER}',
            {},
            "note",
            "reference target 192.168.11.1 is DEMOSERVER: it does not count",
        ),
        (
            f'[network]\nreference_targets = ["192.168.11.2", "10.0.0.9"]\n{SERVER}',
            {"interfaces": (OURS,)},
            "warning",
            "reference target 192.168.11.2 is this machine itself",
        ),
        (SERVER, {}, "note", "no adapter is named"),
        (
            f'[network]\nadapter = "eth9"\n{SERVER}',
            {"interfaces": ()},
            "warning",
            "the adapter eth9 is not there, or has no IPv4 address to be reached at",
        ),
        (
            f'[network]\nadapter = "eth9"\n{SERVER}',
            {"interfaces": (OURS,)},
            "ok",
            "the adapter eth9 has 192.168.11.2, mask 255.255.255.0",
        ),
        (
            f"[network]\nping_timeout_ms = 3000\n{SERVER}",
            {},
            "note",
            "a ping may be answered after the next one was sent",
        ),
        (
            "[network]\nping_interval_ms = 100\nping_timeout_ms = 61\nwarning_count = 2\n"
            f"failover_count = 3\n{SERVER}",
            {},
            "note",
            "failover after 361 ms does not wait for a switch that restarts",
        ),
        (SERVER, {}, "warning", "no alert will be sent: no smtp_server and no recipients"),
        (
            f'[alerts]\nsmtp_server = "10.0.0.5"\nfrom = "a@b"\n{SERVER}',
            {},
            "warning",
            "no alert will be sent: no recipients",
        ),
        (f'[alerts]\nto = ["a@b"]\n{SERVER}', {}, "warning", "be sent: no smtp_server|"),
        (WARM, {}, "ok", "alerts go to 1 recipient through 192.168.11.5:25"),
        (
            WARM.replace('"192.168.11.5"', '"192.168.11.1"'),
            {},
            "warning",
            "alerts go through DEMOSERVER itself, which is down when they matter",
        ),
        (
            WARM.replace('"192.168.11.5"', '"demoserver"'),
            {},
            "warning",
            "alerts go through DEMOSERVER itself",
        ),
        (
            WARM.replace('"192.168.11.5"', '"mail.example.com"'),
            {},
            "note",
            "mail.example.com is a name: without a name server there are no alerts",
        ),
        (
            WARM.replace(
                "from =",
                'smtp_security = "none"\nusername = "u"\npassword = { env = "P" }\nfrom =',
            ),
            {},
            "warning",
            "sends the password over the network for all to read",
        ),
        (
            WARM.replace("from =", 'smtp_security = "tls"\nsmtp_port = 587\nfrom ='),
            {},
            "warning",
            'port 587 usually speaks "starttls", not "tls"',
        ),
        (
            WARM.replace("from =", 'smtp_security = "starttls"\nsmtp_port = 465\nfrom ='),
            {},
            "warning",
            'port 465 usually speaks "tls", not "starttls"',
        ),
        (SERVER, {}, "warning", "no application is configured: a takeover starts nothing"),
        (
            WARM.replace("ready_port = 100\n", ""),
            {},
            "note",
            "no ready_port: a start counts as done even if the application never answers",
        ),
        (
            WARM.replace("ready_port = 100\n", "ready_port = 101\n"),
            {},
            "note",
            "clients look for port 100, and ready_port is 101",
        ),
        (WARM, {}, "ok", "a takeover is undone when port 100 does not answer within 120 s"),
        (
            WARM.replace('services = ["ipfx.service"]', 'start = ["a", "%ServerName%"]'),
            {},
            "warning",
            "%servername% is not expanded in start|use {server}",
        ),
        (
            WARM.replace('services = ["ipfx.service"]', 'start = ["{vm_local_dir}/a"]'),
            {},
            "warning",
            "start uses {vm_local_dir}, and nothing says where that is",
        ),
        (
            WARM.replace('services = ["ipfx.service"]', 'start = ["a"]'),
            {},
            "note",
            "without a stop command its processes are ended, not asked to",
        ),
        (
            f'[failover_server]\nstate_dir = "/tmp/x"\n{SERVER}',
            {},
            "warning",
            "state_dir /tmp/x is emptied when this machine restarts",
        ),
        (
            f"[failover_server]\nvm_local_dir = '/opt/absent'\n{SERVER}",
            {"look": Disk(absent=FileFacts("missing"))},
            "warning",
            "vm_local_dir /opt/absent is not a directory",
        ),
        (
            f"[failover_server]\ndata_source = 'A\\B'\n{SERVER}",
            {},
            "note",
            "data_source, user_id and password are not used by the sqlite engine",
        ),
        (
            SERVER,
            {"interfaces": (IPv4Interface("192.168.11.1/24"),)},
            "warning",
            "192.168.11.1 is this machine's own address: it would watch itself",
        ),
        (SERVER, {}, "note", "clients must know the Failover Server's own address"),
        (ASSUME, {"interfaces": (OURS,)}, "ok", "192.168.11.1 moves to eth0"),
        (
            ASSUME,
            {"interfaces": (IPv4Interface("10.0.0.2/8"),)},
            "warning",
            "192.168.11.1 is outside of the network of eth0 (10.0.0.0/8)",
        ),
        (
            ASSUME,
            {"interfaces": (IPv4Interface("10.0.0.2/8"), IPv4Interface("192.168.11.1/32"))},
            "warning",
            "192.168.11.1 is outside of the network of eth0 (10.0.0.0/8)",
        ),
        (
            ASSUME.replace("[network]", "[network]\nwarning_count = 1\nfailover_count = 2"),
            {},
            "note",
            "only 1 ARP probe fits before the decision (failover_count 2)",
        ),
        (
            ASSUME.replace("[network]", "[network]\nwarning_count = 1\nfailover_count = 3"),
            {},
            "note",
            "only 2 ARP probes fit before the decision (failover_count 3)",
        ),
        (ASSUME, {}, "note", "only ARP shows that the Primary is back"),
        (ASSUME, {}, "note", "no fence: a Primary that is cut off but alive keeps its address"),
        (
            ASSUME + FENCE.replace("{server}", "%servername%"),
            {},
            "warning",
            "%servername% is not expanded in fence.command|use {server}",
        ),
        (ASSUME + FENCE, {}, "note", "a fence that fails does not stop the takeover"),
        (SERVER, {}, "warning", "no database and no files: the application would stand in with"),
        (
            WARM.replace("[servers.DEMOSERVER.files]\n", ""),
            {},
            "note",
            "no files are copied: voicemail and announcements are missing",
        ),
        (
            f'{SERVER}[servers.DEMOSERVER.files]\ntransport = "path"\npath = "/mnt"\n',
            {},
            "note",
            "no database is copied",
        ),
        (
            WARM.replace('replicate_daily = "01:00:00"\n', ""),
            {},
            "warning",
            "the database is copied by hand only",
        ),
        (WARM, {}, "note", "up to 24 h of rows are lost at failover"),
        (
            WARM.replace("data_source", 'password = { env = "P" }\ndata_source'),
            {},
            "note",
            "user_id and password are not used by the sqlite engine",
        ),
        (WARM + "include = []\n", {}, "warning", "include is empty: no file is copied"),
        (WARM + "real_time = false\n", {}, "note", "files are copied by sync-files only"),
        (
            WARM + "deletion_cap_percent = 100\n",
            {},
            "warning",
            "a Primary's empty disk would empty our copy too",
        ),
        (WARM + "trash_days = 0\n", {}, "note", "deleted and overwritten files are gone at once"),
        (
            f'{SERVER}[servers.DEMOSERVER.files]\ntransport = "path"\npath = "/mnt/vm"\n',
            {"look": Disk(vm=FileFacts("missing"))},
            "warning",
            "files.path /mnt/vm is not a directory|is it mounted?",
        ),
        (
            f'{SERVER}local_vm_dir = "/run/x"\n',
            {},
            "warning",
            "local_vm_dir /run/x is emptied when this machine restarts",
        ),
        (
            f'[failover_server]\nvm_local_dir = "/srv/a/b"\n{SERVER}local_vm_dir = "/srv/a"\n',
            {},
            "warning",
            "vm_local_dir, the application itself, is inside of local_vm_dir",
        ),
        (
            WARM,
            {"look": Disk(key=FileFacts("missing"))},
            "warning",
            "ssh.key_file /etc/ipfx-failover/key is not there",
        ),
        (
            WARM,
            {"look": Disk(key=FileFacts("unreadable"))},
            "warning",
            "ssh.key_file /etc/ipfx-failover/key cannot be read by this user",
        ),
        (
            WARM,
            {"look": Disk(key=FileFacts("directory"))},
            "warning",
            "ssh.key_file /etc/ipfx-failover/key is not a file",
        ),
        (
            WARM,
            {"look": Disk(key=FileFacts("file", "can be read by all"))},
            "warning",
            "key_file /etc/ipfx-failover/key can be read by all|chmod 600 /etc/ipfx-failover/key",
        ),
        (
            WARM,
            {"look": Disk(known_hosts=FileFacts("missing"))},
            "warning",
            "known_hosts is not there: no SSH host key is trusted yet",
        ),
        (
            WARM.replace("replicate_daily", "auto_stop_failover = true\nreplicate_daily"),
            {},
            "warning",
            "all call data and voicemail messages left during failover will be lost",
        ),
    ],
)
def test_what_follows_is_said(
    files: ConfigFiles, text: str, facts: dict[str, Any], level: str, part: str
) -> None:
    found = having(told(files, text, **facts), part)

    assert [level] == [each for each, _ in found]


@pytest.mark.parametrize(
    ("secret", "facts", "expected"),
    [
        ('"hunter2"', {}, [("warning", "alerts")]),
        ('{ env = "P" }', {"environ": {}}, [("note", "alerts")]),
        ('{ env = "P" }', {"environ": {"P": "x"}}, []),
        ('{ env = "P" }', {}, []),
        ('{ keyring = "a/b" }', {}, [("note", "alerts")]),
        ('{ file = "/s/pw" }', {"look": Disk()}, []),
        ('{ file = "/s/pw" }', {"look": Disk(pw=FileFacts("missing"))}, [("warning", "alerts")]),
    ],
)
def test_a_secret_that_may_not_be_had_is_told_of(
    files: ConfigFiles, secret: str, facts: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    text = f'{SERVER}[alerts]\nusername = "u"\npassword = {secret}\n'
    findings = told(files, text, **facts)

    assert expected == having(findings, "password ")
    assert [] == having(findings, "hunter2")


def test_what_is_not_known_of_the_machine_is_not_judged(files: ConfigFiles) -> None:
    findings = told(files, ASSUME)

    assert [] == having(findings, "not there") + having(findings, "outside of the network")


def test_an_address_that_we_took_over_is_not_our_own(files: ConfigFiles) -> None:
    taken = IPv4Interface("192.168.11.1/32")

    assert [] == having(told(files, ASSUME, interfaces=(OURS, taken)), "own address")


def test_a_finding_of_a_server_carries_its_name(files: ConfigFiles) -> None:
    text = f'{SERVER}[servers.B]\naddress = "10.0.0.2"\n'
    findings = told(files, text)

    assert [("ok", "DEMOSERVER"), ("ok", "B")] == having(findings, "fails over")


@pytest.mark.parametrize(
    ("value_ms", "expected"),
    [(61, "61 ms"), (1000, "1 s"), (31_000, "31 s"), (61_500, "61.5 s"), (600_000, "10 min")],
)
def test_durations_are_for_people(value_ms: int, expected: str) -> None:
    assert expected == duration(value_ms)


def test_where_no_address_can_be_taken_over_assume_ip_is_warned_of(files: ConfigFiles) -> None:
    findings = told(files, ASSUME, takes_addresses=False)

    assert [("warning", "DEMOSERVER")] == having(findings, "takes no address over")
    assert [] == having(findings, "moves to eth0")


def test_where_no_address_can_be_taken_over_nobody_is_told_to_ask_for_it(
    files: ConfigFiles,
) -> None:
    findings = told(files, WARM, takes_addresses=False)

    assert [("note", "DEMOSERVER")] == having(findings, "is not taken over")
    assert [] == having(findings, "assume_ip = true")
