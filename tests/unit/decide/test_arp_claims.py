"""What our ARP probes of an address have shown."""

from __future__ import annotations

import pytest

from ipfx_failover.decide.arp_claims import AddressClaims, counts_as_claim
from ipfx_failover.decide.evidence import ArpEvidence

PRIMARY, STRANGER = "02:00:00:00:00:01", "02:00:00:00:00:99"


def test_a_probe_is_silent_once_its_time_has_passed() -> None:
    claims = AddressClaims().probed(100).probed(200).probed(300)

    assert ArpEvidence(silent=2) == claims.evidence(now_ns=450, timeout_ns=200)
    assert ArpEvidence(silent=3) == claims.evidence(now_ns=500, timeout_ns=200)


def test_a_claim_voids_the_probes_before_it() -> None:
    claims = AddressClaims().probed(100).probed(200).claimed(STRANGER, 250, well=False).probed(300)

    assert ArpEvidence(silent=1, mac=STRANGER) == claims.evidence(now_ns=900, timeout_ns=100)


def test_the_primarys_own_adapter_is_learnt_while_it_is_well() -> None:
    claims = AddressClaims().claimed(PRIMARY, 50, well=True).fresh().probed(100)

    assert ArpEvidence(1) == claims.evidence(900, 100)
    assert ArpEvidence(0, PRIMARY, is_known=True) == claims.claimed(
        PRIMARY, 150, well=False
    ).evidence(900, 100)
    assert ArpEvidence(0, STRANGER, is_known=False) == claims.claimed(
        STRANGER, 150, well=False
    ).evidence(900, 100)


def test_a_long_silence_takes_no_more_memory() -> None:
    claims = AddressClaims()
    for sent_ns in range(10_000):
        claims = claims.probed(sent_ns)

    assert 16 == len(claims.sent_ns)


@pytest.mark.parametrize(
    ("expected", "is_probe", "mac", "our_mac"),
    [
        (True, False, STRANGER, PRIMARY),
        (True, True, "02:00:00:00:00:01", "02:00:00:00:00:02"),
        (False, True, "02:00:00:00:00:03", "02:00:00:00:00:02"),
    ],
    ids=["in use", "a probe of the lower MAC goes first", "a probe of the higher MAC gives way"],
)
def test_of_two_that_probe_at_the_same_time_exactly_one_gives_way(
    expected: bool,  # noqa: FBT001 - a column of the table
    is_probe: bool,  # noqa: FBT001
    mac: str,
    our_mac: str,
) -> None:
    assert expected is counts_as_claim(is_probe=is_probe, mac=mac, known_mac=None, our_mac=our_mac)


def test_a_probe_of_the_primary_itself_always_counts() -> None:
    assert counts_as_claim(
        is_probe=True, mac=PRIMARY, known_mac=PRIMARY, our_mac="02:00:00:00:00:00"
    )
