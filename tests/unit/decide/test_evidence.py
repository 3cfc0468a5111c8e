"""What speaks against taking over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.decide.evidence import (
    ArpEvidence,
    Candidate,
    Limitation,
    Network,
    Obstacle,
    limitation,
)
from ipfx_failover.records import Mode

SECOND = 1_000_000_000
NOW = 100 * SECOND
GOOD_NETWORK = Network(
    carrier=True,
    has_reference=True,
    reference_answer_ns=99 * SECOND,
    newest_allowed_age_ns=7 * SECOND,
)
SILENT = ArpEvidence(silent=3)
DEAD = Candidate(
    name="DEMO",
    mode=Mode.MONITORING,
    failback_pending=False,
    interrupted=False,
    missing=None,
    attempts=0,
    dues=1,
    first_miss_ns=70 * SECOND,
    arp=SILENT,
    arp_needed=3,
)


def verdict(
    candidate: Candidate = DEAD, network: Network = GOOD_NETWORK, standing_in: str | None = None
) -> Limitation | None:
    return limitation(candidate, network, standing_in, NOW)


def obstacle(*given: object) -> Obstacle | None:
    found = verdict(*given)  # type: ignore[arg-type]
    return found.obstacle if found else None


def test_a_dead_server_with_good_evidence_may_be_taken_over() -> None:
    assert verdict() is None


@pytest.mark.parametrize(
    "candidate",
    [
        replace(DEAD, mode=Mode.SUSPENDED),
        replace(DEAD, mode=Mode.STOPPED),
        replace(DEAD, failback_pending=True),
        replace(DEAD, interrupted=True),
        replace(DEAD, attempts=1, dues=1),
        replace(DEAD, attempts=3, dues=7),
        replace(DEAD, attempts=7, dues=127),
        replace(DEAD, attempts=60, dues=64 * 55 - 1),
    ],
)
def test_what_the_operator_or_a_workflow_inhibits_is_not_even_reported(
    candidate: Candidate,
) -> None:
    assert Obstacle.INHIBITED is obstacle(candidate)


@pytest.mark.parametrize(("attempts", "dues"), [(1, 2), (3, 8), (6, 64), (7, 128), (60, 64 * 55)])
def test_after_failed_takeovers_it_waits_twice_as_long_and_at_last_64_counts_each_time(
    attempts: int, dues: int
) -> None:
    assert verdict(replace(DEAD, attempts=attempts, dues=dues)) is None


def test_one_role_at_a_time() -> None:
    found = verdict(DEAD, GOOD_NETWORK, "OTHER")

    assert found is not None
    assert Obstacle.ALREADY_STANDING_IN is found.obstacle
    assert "OTHER" in found.reason


def test_its_own_stand_in_is_no_obstacle_whatever_the_case_of_the_name() -> None:
    assert verdict(DEAD, GOOD_NETWORK, "demo") is None


@pytest.mark.parametrize(
    "network",
    [
        replace(GOOD_NETWORK, carrier=False),
        replace(GOOD_NETWORK, reference_answer_ns=None),
        replace(GOOD_NETWORK, reference_answer_ns=70 * SECOND - 1),
        replace(GOOD_NETWORK, reference_answer_ns=93 * SECOND - 1),
    ],
    ids=["no carrier", "never answered", "older than the first miss", "expired"],
)
def test_without_evidence_that_our_own_network_works_there_is_no_takeover(
    network: Network,
) -> None:
    assert Obstacle.ISOLATED is obstacle(DEAD, network)


def test_evidence_counts_up_to_its_age() -> None:
    assert verdict(DEAD, replace(GOOD_NETWORK, reference_answer_ns=93 * SECOND)) is None


def test_with_no_reference_left_only_the_carrier_decides() -> None:
    alone = Network(
        carrier=True, has_reference=False, reference_answer_ns=None, newest_allowed_age_ns=0
    )

    assert verdict(DEAD, alone) is None
    assert Obstacle.ISOLATED is obstacle(DEAD, replace(alone, carrier=False))


def test_what_a_server_lacks_is_said_with_a_way_to_look() -> None:
    found = verdict(replace(DEAD, missing="its database has never been replicated"))

    assert (
        Limitation(
            Obstacle.VETO,
            "its database has never been replicated",
            "ipfx-failover failover-now DEMO --plan",
        )
        == found
    )


@pytest.mark.parametrize(
    ("arp", "words"),
    [
        (ArpEvidence(silent=2), "only 2 of 3 ARP probes could be sent"),
        (ArpEvidence(0, "02:00:00:00:00:01", is_known=True), "it ignores pings but is alive"),
        (ArpEvidence(0, "02:00:00:00:00:02", is_known=False), "not the adapter of DEMO"),
        (ArpEvidence(0, "02:00:00:00:00:03"), "02:00:00:00:00:03 answers ARP"),
    ],
)
def test_an_address_in_use_is_not_taken_and_the_alert_says_by_whom(
    arp: ArpEvidence, words: str
) -> None:
    found = verdict(replace(DEAD, arp=arp))

    assert found is not None
    assert Obstacle.VETO is found.obstacle
    assert words in found.reason
    assert "failover-now DEMO" in found.advice


def test_the_address_of_a_server_whose_address_stays_is_not_looked_at() -> None:
    assert verdict(replace(DEAD, arp=None)) is None


def test_a_claim_that_was_followed_by_enough_silence_is_over() -> None:
    assert verdict(replace(DEAD, arp=ArpEvidence(3, "02:00:00:00:00:01", is_known=True))) is None


def test_cut_off_while_standing_in_we_do_not_say_of_others_that_they_are_offline() -> None:
    assert Obstacle.ISOLATED is obstacle(DEAD, replace(GOOD_NETWORK, carrier=False), "OTHER")


def test_what_the_operator_wants_comes_before_everything_else() -> None:
    suspended = replace(DEAD, mode=Mode.SUSPENDED, missing="a copy", arp=ArpEvidence(0))

    assert Obstacle.INHIBITED is obstacle(suspended, replace(GOOD_NETWORK, carrier=False), "OTHER")
