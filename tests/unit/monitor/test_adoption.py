"""What another config means for what runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ipfx_failover.config.changes import changes
from ipfx_failover.config.models import Config
from ipfx_failover.decide.fleet import Fleet
from ipfx_failover.decide.liveness import Liveness, ServerLiveness
from ipfx_failover.errors import Refused
from ipfx_failover.monitor.adoption import counted_on, fitting, in_words

L = Liveness
STATE_DIR = Path("/var/lib/x").absolute()
SUSPECT = ServerLiveness(L.SUSPECT, answered_since_boot=True, misses=3, first_miss_ns=7)


def raw(**tables: Any) -> dict[str, Any]:
    return {
        "failover_server": {"state_dir": str(STATE_DIR), **tables.get("failover_server", {})},
        "network": {"adapter": "eth0", **tables.get("network", {})},
        "servers": tables.get("servers", {"A": {"address": "10.0.0.1"}}),
    }


def config(**tables: Any) -> Config:
    return Config.model_validate(raw(**tables))


OLD = config(servers={"A": {"address": "10.0.0.1"}, "B": {"address": "10.0.0.2"}})


def test_without_a_role_everything_fits() -> None:
    wanted = config(network={"adapter": "eth1"}, servers={})

    assert (wanted, "") == fitting(wanted, OLD, None)


def test_what_a_role_was_taken_with_waits_until_it_is_given_back() -> None:
    wanted = config(
        failover_server={"application": {"services": ["other"]}},
        network={"adapter": "eth1", "failover_count": 20},
        servers={"C": {"address": "10.0.0.3"}},
    )
    fitted, waits = fitting(wanted, OLD, "a")

    assert "[servers.A], [failover_server], network.adapter until the role of A is given back" == (
        waits
    )
    assert {"A", "C"} == set(fitted.servers)
    assert (OLD.servers["A"], OLD.failover_server) == (fitted.servers["A"], fitted.failover_server)
    assert ("eth0", 20) == (fitted.network.adapter, fitted.network.failover_count)


def test_what_has_nothing_to_do_with_the_role_waits_for_nothing() -> None:
    wanted = config(network={"failover_count": 20}, servers={"A": {"address": "10.0.0.1"}})

    assert (wanted, "") == fitting(wanted, OLD, "A")


def test_other_settings_of_the_server_that_is_stood_in_for_wait() -> None:
    wanted = config(servers={"a": {"address": "10.0.0.9"}})
    fitted, waits = fitting(wanted, OLD, "A")

    assert {"A": OLD.servers["A"]} == fitted.servers
    assert "[servers.A] until the role of A is given back" == waits


def test_the_state_does_not_move_under_a_running_monitor() -> None:
    elsewhere = str(STATE_DIR.with_name("elsewhere"))
    wanted = config(failover_server={"state_dir": elsewhere})
    expected = re.escape(f"state_dir is another one ({elsewhere})")

    with pytest.raises(Refused, match=expected) as refused:
        fitting(wanted, OLD, None)
    assert "restart the monitor" in refused.value.hint


def test_changes_are_told_by_server_and_by_key_with_both_values() -> None:
    before = raw(servers={"A": {"address": "10.0.0.1"}, "B": {"address": "10.0.0.2"}})
    after = raw(
        network={"failover_count": 20},
        servers={"A": {"address": "10.0.0.9"}, "C": {"address": "10.0.0.3", "port": 7}},
    )
    said = in_words(changes(before, after), Config.model_validate(before), config(**after))

    assert (
        "C added; B removed; network.failover_count: 15 (default) -> 20; "
        'servers.A.address: "10.0.0.1" -> "10.0.0.9"' == said
    )


def test_many_changes_are_counted() -> None:
    after = config(servers={f"S{n}": {"address": f"10.0.0.{n + 1}"} for n in range(30)})
    said = in_words((), config(servers={}), after)

    assert said.startswith("S0 added; S1 added; ")
    assert said.endswith("; S4 added; and 25 more")


def test_a_server_whose_every_key_changed_is_told_on_a_short_line() -> None:
    before = raw(servers={"A": {"address": "10.0.0.1"}})
    after = raw(servers={"A": {f"key_{n}": "x" * 500 for n in range(20)}})
    after["servers"]["A"] |= {"local_vm_dir": f"/{'x' * 500}"}
    said = in_words(changes(before, after), OLD, OLD)

    assert said.endswith("; and 17 more")
    assert len(said) < 550


def test_no_password_is_told() -> None:
    before, after = raw(), raw()
    before["alerts"] = {"password": "correct horse", "smtp_server": "a"}
    after["alerts"] = {"password": "battery staple", "smtp_server": "b"}
    said = in_words(changes(before, after), OLD, OLD)

    assert 'alerts.smtp_server: "a" -> "b"' in said
    assert "horse" not in said
    assert "battery" not in said


def test_who_is_new_is_unknown_who_is_removed_is_forgotten_who_stays_is_counted_on() -> None:
    fleet = Fleet({"A": SUSPECT, "B": SUSPECT}, "the cable")
    wanted = config(servers={"A": {"address": "10.0.0.1"}, "C": {"address": "10.0.0.3"}})
    after = counted_on(fleet, OLD, wanted, {"C"})

    assert {"A": SUSPECT, "C": ServerLiveness(answered_since_boot=True)} == after.servers
    assert "the cable" == after.isolation


@pytest.mark.parametrize(
    "changed", [{"address": "10.0.0.9"}, {"management_address": "10.0.0.8"}, {"assume_ip": True}]
)
def test_another_machine_under_an_old_name_is_unknown(changed: dict[str, Any]) -> None:
    wanted = config(servers={"A": {"address": "10.0.0.1", **changed}})
    after = counted_on(Fleet({"A": SUSPECT}), OLD, wanted, set())

    assert {"A": ServerLiveness()} == after.servers


@pytest.mark.parametrize(
    "changed", [{"ping_interval_ms": 3000}, {"ping_timeout_ms": 500}, {"failover_count": 20}]
)
def test_other_ping_values_begin_a_fresh_count_of_what_is_silent(changed: dict[str, int]) -> None:
    wanted = config(network=changed)
    after = counted_on(Fleet({"A": SUSPECT}), OLD, wanted, set())

    assert (L.SUSPECT, 0, None) == (
        after.servers["A"].liveness,
        after.servers["A"].misses,
        after.servers["A"].first_miss_ns,
    )
