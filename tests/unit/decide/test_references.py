"""Which addresses show that our own network works."""

from __future__ import annotations

from ipaddress import IPv4Address

from ipfx_failover.decide.references import references

SUSPECT, OTHER, GATEWAY, CONFIGURED = (IPv4Address(f"10.0.0.{n}") for n in (1, 2, 254, 253))


def test_the_configured_ones_are_used_alone() -> None:
    chosen = references(
        configured=[CONFIGURED],
        gateway=GATEWAY,
        primaries=[SUSPECT, OTHER],
        suspect=SUSPECT,
        ours=(),
    )

    assert (CONFIGURED,) == chosen


def test_without_configured_ones_the_gateway_and_the_other_primaries_are() -> None:
    chosen = references(
        configured=[], gateway=GATEWAY, primaries=[SUSPECT, OTHER], suspect=SUSPECT, ours=()
    )

    assert (GATEWAY, OTHER) == chosen


def test_an_address_that_is_ours_proves_nothing() -> None:
    chosen = references(
        configured=[], gateway=None, primaries=[SUSPECT, OTHER], suspect=SUSPECT, ours={OTHER}
    )

    assert () == chosen


def test_the_suspect_is_no_reference_though_it_is_configured() -> None:
    chosen = references(
        configured=[SUSPECT, CONFIGURED, CONFIGURED],
        gateway=None,
        primaries=[],
        suspect=SUSPECT,
        ours=(),
    )

    assert (CONFIGURED,) == chosen
