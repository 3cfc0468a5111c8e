from __future__ import annotations

import pytest

from ipfx_failover.config.edit import Set, Unset
from ipfx_failover.config.given import below_server, judge, place_of, understand
from ipfx_failover.errors import UsageError

SERVERS = ("DEMOSERVER", "SECOND")


def error(*settings: str, unset: tuple[str, ...] = ()) -> UsageError:
    with pytest.raises(UsageError) as caught:
        understand(settings, unset, SERVERS)
    return caught.value


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ("network.warning_count=7", ("network", "warning_count"), 7),
        (
            "failover_server.application.ready_timeout_s=1.5",
            ("failover_server", "application", "ready_timeout_s"),
            1.5,
        ),
        ("alerts.from=a@example.com", ("alerts", "from"), "a@example.com"),
        ("alerts.to=a@example.com, b@x.org", ("alerts", "to"), ["a@example.com", "b@x.org"]),
        ("alerts.to=", ("alerts", "to"), []),
        ('alerts.to=["a@example.com"]', ("alerts", "to"), ["a@example.com"]),
        ("servers.demoserver.assume_ip=yes", ("servers", "DEMOSERVER", "assume_ip"), True),
        ("servers.SECOND.assume_ip=0", ("servers", "SECOND", "assume_ip"), False),
        (
            'failover_server.application.start=["/bin/x", "--a=b,c"]',
            ("failover_server", "application", "start"),
            ["/bin/x", "--a=b,c"],
        ),
        ("alerts.password=file:/f", ("alerts", "password"), {"file": "/f"}),
        ('alerts.password={ env = "E" }', ("alerts", "password"), {"env": "E"}),
        (
            "alerts.commands.pager.timeout_s=5",
            ("alerts", "commands", "pager", "timeout_s"),
            5,
        ),
    ],
)
def test_a_value_has_the_type_of_its_key(given: str, key: tuple[str, ...], value: object) -> None:
    assert (Set(key, value),) == understand([given], [], SERVERS).edits  # type: ignore[arg-type]


def test_a_key_and_its_values_may_be_words_of_their_own() -> None:
    listed = understand(["alerts.to", "a@example.com", "b@example.com"], [], SERVERS)
    one = understand(["network.adapter", "eth=0"], [], SERVERS)

    assert (Set(("alerts", "to"), ["a@example.com", "b@example.com"]),) == listed.edits
    assert (Set(("network", "adapter"), "eth=0"),) == one.edits


def test_of_a_server_the_keys_alone_are_meant_by_their_place_and_not_the_values() -> None:
    edited = understand(["ssh.user", "bob"], ["port"], SERVERS, below="servers.SECOND.")
    added = below_server("a.b", ["address", "10.0.0.7"])

    assert (
        Set(("servers", "SECOND", "ssh", "user"), "bob"),
        Unset(("servers", "SECOND", "port")),
    ) == edited.edits
    assert (Set(("servers", "a.b", "address"), "10.0.0.7"),) == added.edits


def test_the_name_of_a_server_is_told_to_stay() -> None:
    assert "a name is not changed" in error("servers.SECOND.name=THIRD").hint


def test_a_password_named_alone_is_to_be_asked_for() -> None:
    given = understand(["alerts.username=ops", "alerts.password"], [], SERVERS)
    first = understand(["alerts.password", "alerts.username=ops"], [], SERVERS)

    assert (("alerts", "password"),) == given.passwords == first.passwords
    assert (Set(("alerts", "username"), "ops"),) == given.edits == first.edits


def test_keys_and_tables_are_unset_but_no_server() -> None:
    given = understand([], ["alerts.to", "servers.second.ssh"], SERVERS)

    assert (Unset(("alerts", "to")), Unset(("servers", "SECOND", "ssh"))) == given.edits
    assert "server remove" in error(unset=("servers.SECOND",)).hint


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ([], "nothing is to be set", "KEY=VALUE"),
        (["network.adpter=x"], "no key network.adpter", "did you mean network.adapter?"),
        (["adapter=x"], "no key adapter", "did you mean network.adapter?"),
        (["netwrk.adapter=x"], "no key netwrk.adapter", "did you mean network.adapter?"),
        (["zzz=x"], "no key zzz", "config show"),
        (["network=x"], "network is a table", "ping_interval_ms"),
        (["network.adapter"], "network.adapter has no value", 'network.adapter="eth0"'),
        (["network.adapter", "a", "b"], "network.adapter has one value, not 2", "KEY=VALUE"),
        (["network.warning_count=many"], "warning_count must be a whole number", "=5"),
        (["servers.DEMOSERVER.assume_ip=maybe"], "must be true or false", "=false"),
        (["servers.THIRD.port=1"], "no server named 'THIRD'", "DEMOSERVER, SECOND"),
        (["servers.DEMOSERVER.sh.user=u"], "no key", "did you mean servers.DEMOSERVER.ssh.user?"),
        (["network.warning_count=nan"], "warning_count must be a whole number", "=5"),
        (["network.warning_count=1e999"], "warning_count must be a whole number", "=5"),
        (["network.adapter=\udcff"], "the value for adapter is not UTF-8 text", "again"),
        (["alerts.to=[1"], "the value for to is not TOML", "to = ["),
    ],
)
def test_what_cannot_be_is_answered_with_what_can(
    settings: list[str], message: str, hint: str
) -> None:
    found = error(*settings)

    assert message in found.message
    assert hint in found.hint


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    found = error("alerts.password=hunter2")

    assert "hunter2" not in f"{found.message}{found.hint}"
    assert "file:PATH" in found.hint


def test_a_table_is_a_place_too() -> None:
    assert (("servers", "DEMOSERVER"), None) == place_of("servers.DemoServer", SERVERS)


def test_a_value_is_judged_alone_in_the_words_of_config_check() -> None:
    judge(("alerts", "smtp_server"), "192.0.2.1")
    judge(("network", "warning_count"), 3)
    with pytest.raises(UsageError, match="to: entry 2: must be an e-mail address"):
        judge(("alerts", "to"), ["a@example.com", "b"])
