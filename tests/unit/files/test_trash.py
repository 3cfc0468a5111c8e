"""What the trash is called, and when it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from ipfx_failover.files.names import refusal
from ipfx_failover.files.trash import expired, trash_name

NOW = datetime(2024, 5, 31, 13, 0, 0, 250_000, tzinfo=UTC)


def test_a_directory_is_named_after_the_start_of_its_pass_in_utc() -> None:
    in_auckland = NOW.astimezone(timezone(timedelta(hours=12)))

    assert "2024-05-31T13-00-00.250000Z" == trash_name(in_auckland)
    assert refusal(trash_name(NOW), windows=True) is None


def test_only_directories_older_than_the_retention_go() -> None:
    names = [trash_name(NOW - timedelta(days=days)) for days in (0, 13, 14, 15, 400)]

    assert sorted(names[3:]) == expired(names, NOW, 14)


def test_what_is_not_ours_stays() -> None:
    assert [] == expired(["keep me", "2001-01-01", "..", ""], NOW, 0)


def test_a_retention_of_zero_days_keeps_nothing_from_earlier_passes() -> None:
    earlier = trash_name(NOW - timedelta(seconds=1))

    assert [earlier] == expired([earlier, trash_name(NOW)], NOW, 0)
