"""The adapters that psutil finds, on any system, are those that Linux itself tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.adapters.interfaces import found_adapters
from ipfx_failover.wiring.network import addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.net import Adapter


def by_netlink() -> list[Adapter]:
    here = addresses()
    try:
        return here.adapters()
    finally:
        here.close()


@pytest.mark.parametrize(
    "told",
    [
        lambda adapter: adapter.name,
        lambda adapter: (adapter.name, set(adapter.interfaces)),
        lambda adapter: (adapter.name, adapter.up),
    ],
    ids=["names", "addresses with their masks", "whether they are up"],
)
def test_both_say_the_same(told: Callable[[Adapter], Any]) -> None:
    expected, actual = by_netlink(), found_adapters()

    assert sorted(map(str, map(told, expected))) == sorted(map(str, map(told, actual)))


def test_hardware_addresses_are_lower_case_with_colons() -> None:
    expected = {each.name: each.mac for each in by_netlink() if each.mac}

    assert expected == {each.name: each.mac for each in found_adapters() if each.name in expected}
