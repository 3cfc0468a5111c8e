"""Whether a catalog can live on another server, and come back: decided before anything is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.replication.sqlserver import fitness
from ipfx_failover.replication.sqlserver.fitness import CatalogLook, Instance

GIB = 1 << 30
LIVE = Instance("DEMO", "16.0.4085.2", "Standard Edition (64-bit)", 2)
HERE = Instance("the Failover Server", "16.0.1000.6", "Express Edition (64-bit)", 4)
LOOK = CatalogLook("CT", "ONLINE", False, False, 2 * GIB, 1 * GIB, 1 * GIB, ())  # noqa: FBT003


@pytest.mark.parametrize(
    ("live", "here", "said"),
    [
        ("16.0.1.0", "16.0.9.0", None),
        ("10.50.1600.1", "10.50.6000.34", None),
        (
            "10.50.1600.1",
            "10.0.6000.29",
            "DEMO has SQL Server 2008 R2, the Failover Server has SQL",
        ),
        ("15.0.1.0", "16.0.1.0", "a copy could not come back"),
        ("9.0.5000.0", "9.0.5000.0", "older than 2008"),
        ("17.0.1.0", "16.0.1.0", "DEMO has SQL Server 17.0.1.0"),
    ],
)
def test_versions_must_be_the_same_but_for_their_updates(
    live: str, here: str, said: str | None
) -> None:
    refusal = fitness.instance_refusal(replace(LIVE, version=live), replace(HERE, version=here))

    assert said is None if refusal is None else said is not None and said in refusal.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"state": "RESTORING"}, "CT on DEMO is RESTORING"),
        ({"is_read_only": True}, "read-only"),
        ({"data_bytes": 10 * GIB}, None),
        ({"data_bytes": 10 * GIB + 1}, "takes 10 GiB (1827)"),
        ({"log_bytes": 100 * GIB}, None),
        ({"features": ("Compression", "TDE")}, "uses Compression, TDE, which"),
    ],
)
def test_what_a_catalog_is_like_must_fit(changes: dict[str, object], said: str | None) -> None:
    look = replace(LOOK, **changes)  # type: ignore[arg-type]
    refusal = fitness.catalog_refusal(look, LIVE, HERE)

    assert said is None if refusal is None else said is not None and said in refusal.message


def test_express_2008_takes_four_gibibytes_and_other_editions_any() -> None:
    sizes = [
        replace(HERE, version="10.0.1.0").largest_bytes,
        replace(HERE, version="10.50.1.0").largest_bytes,
        LIVE.largest_bytes,
    ]

    assert [4 * GIB, 10 * GIB, None] == sizes


def test_features_are_no_matter_where_the_edition_has_all() -> None:
    look = replace(LOOK, features=("Compression",))
    developer = replace(HERE, edition="Developer Edition (64-bit)", engine=3)

    assert None is fitness.catalog_refusal(look, LIVE, developer)


def test_room_is_wanted_for_what_is_used_and_for_the_files_as_they_are() -> None:
    wanted = [
        fitness.bytes_of_backup(LOOK, compressed=False),
        fitness.bytes_of_backup(LOOK, compressed=True),
        fitness.bytes_of_copy(LOOK),
    ]

    assert [int(1.1 * GIB), int(1.1 * GIB) // 3, 3 * GIB] == wanted
