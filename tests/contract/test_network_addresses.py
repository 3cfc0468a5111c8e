"""What every `Addresses` does."""

from __future__ import annotations

from ipaddress import IPv4Interface
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import UsageError
from tests.support.network_sites import ADAPTER, FREE, GATEWAY, OWN

if TYPE_CHECKING:
    from tests.support.network_sites import Site

OUR_INTERFACE = IPv4Interface(f"{OWN}/24")
TAKEN_INTERFACE = IPv4Interface(f"{FREE}/32")


def test_an_adapter_is_described(site: Site) -> None:
    adapter = site.addresses().adapter(ADAPTER)

    assert (ADAPTER, True, True) == (adapter.name, adapter.up, adapter.carrier)
    assert (OUR_INTERFACE,) == adapter.interfaces
    assert site.arp().mac == adapter.mac
    assert adapter.description


def test_all_adapters_are_listed(site: Site) -> None:
    addresses = site.addresses()

    assert addresses.adapter(ADAPTER) in addresses.adapters()


def test_an_unknown_adapter_is_refused_with_those_that_exist(site: Site) -> None:
    addresses = site.addresses()
    for question in (
        lambda: addresses.adapter("nope"),
        lambda: addresses.gateway("nope"),
        lambda: addresses.add(FREE, "nope"),
        lambda: addresses.remove(FREE, "nope"),
    ):
        with pytest.raises(UsageError, match="no network adapter 'nope'") as raised:
            question()
        assert ADAPTER in raised.value.hint


def test_the_gateway_is_the_one_of_the_default_route(site: Site) -> None:
    assert GATEWAY == site.addresses().gateway(ADAPTER)


def test_a_pulled_cable_is_seen_at_once(site: Site) -> None:
    addresses = site.addresses()
    site.unplug()

    assert not addresses.carrier(ADAPTER)
    assert not addresses.adapter(ADAPTER).carrier
    assert addresses.adapter(ADAPTER).up


def test_a_cable_that_is_back_is_seen(site: Site) -> None:
    addresses = site.addresses()
    site.unplug()
    site.plug()

    site.wait(lambda: addresses.carrier(ADAPTER))


def test_an_adapter_that_is_switched_off_has_no_carrier(site: Site) -> None:
    addresses = site.addresses()
    site.switch_off()

    assert not addresses.carrier(ADAPTER)
    assert not addresses.adapter(ADAPTER).up


def test_an_adapter_that_does_not_exist_has_no_carrier(site: Site) -> None:
    assert not site.addresses().carrier("nope")


def test_the_holder_of_our_own_address_is_our_adapter(site: Site) -> None:
    assert ADAPTER == site.addresses().holder(OWN)


def test_nobody_here_holds_an_address_that_was_not_taken(site: Site) -> None:
    assert site.addresses().holder(FREE) is None


def test_a_taken_address_is_a_single_one_beside_our_own(site: Site) -> None:
    addresses = site.addresses()
    addresses.add(FREE, ADAPTER)

    assert ADAPTER == addresses.holder(FREE)
    assert (OUR_INTERFACE, TAKEN_INTERFACE) == addresses.adapter(ADAPTER).interfaces


def test_taking_an_address_twice_is_no_error(site: Site) -> None:
    addresses = site.addresses()
    addresses.add(FREE, ADAPTER)
    addresses.add(FREE, ADAPTER)

    assert (OUR_INTERFACE, TAKEN_INTERFACE) == addresses.adapter(ADAPTER).interfaces


def test_a_released_address_is_gone(site: Site) -> None:
    addresses = site.addresses()
    addresses.add(FREE, ADAPTER)
    addresses.remove(FREE, ADAPTER)

    assert addresses.holder(FREE) is None


def test_releasing_an_address_twice_is_no_error(site: Site) -> None:
    addresses = site.addresses()
    addresses.add(FREE, ADAPTER)
    addresses.remove(FREE, ADAPTER)
    addresses.remove(FREE, ADAPTER)

    assert (OUR_INTERFACE,) == addresses.adapter(ADAPTER).interfaces


def test_an_address_of_our_own_is_not_released(site: Site) -> None:
    addresses = site.addresses()
    addresses.remove(OWN, ADAPTER)

    assert ADAPTER == addresses.holder(OWN)


def test_another_process_sees_what_was_taken(site: Site) -> None:
    site.addresses().add(FREE, ADAPTER)

    assert ADAPTER == site.addresses().holder(FREE)


def test_any_thread_may_take_and_look(site: Site) -> None:
    addresses = site.addresses()
    holders: list[str | None] = []

    def work() -> None:
        addresses.add(FREE, ADAPTER)
        holders.append(addresses.holder(FREE))

    thread = Thread(target=work)
    thread.start()
    thread.join()

    assert [ADAPTER] == holders
