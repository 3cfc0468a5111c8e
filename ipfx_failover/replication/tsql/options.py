"""PURE: the options of a catalog, read and set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.replication.tsql.text import name, text

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.options import CatalogOptions

_Value = str | bool | int


def read(catalog: str) -> str:
    """As `CatalogOptions` has them, in its order; a change that is under way counts as made."""
    return (
        "SELECT recovery_model_desc, page_verify_option_desc, is_auto_close_on, "  # noqa: S608 - quoted
        "is_auto_shrink_on, is_auto_update_stats_async_on, is_trustworthy_on, is_db_chaining_on, "
        "is_read_committed_snapshot_on, CASE WHEN snapshot_isolation_state IN (1, 3) THEN 1 ELSE 0 "
        "END, is_broker_enabled, CONVERT(int, compatibility_level), "
        f"ISNULL(SUSER_SNAME(owner_sid), N'') FROM sys.databases WHERE name = {text(catalog)}"
    )


def change(catalog: str, now: CatalogOptions, wanted: CatalogOptions) -> list[str]:
    """What makes `wanted` of `now`, but for the owner, and the broker, which a catalog beside has.

    Each is a statement of its own: some cannot stand together.
    """
    pairs: list[tuple[str, _Value, _Value]] = [
        ("RECOVERY", now.recovery, wanted.recovery),
        ("PAGE_VERIFY", now.page_verify, wanted.page_verify),
        ("AUTO_CLOSE", now.is_auto_close, wanted.is_auto_close),
        ("AUTO_SHRINK", now.is_auto_shrink, wanted.is_auto_shrink),
        ("AUTO_UPDATE_STATISTICS_ASYNC", now.is_statistics_async, wanted.is_statistics_async),
        ("TRUSTWORTHY", now.is_trustworthy, wanted.is_trustworthy),
        ("DB_CHAINING", now.is_db_chaining, wanted.is_db_chaining),
        (
            "READ_COMMITTED_SNAPSHOT",
            now.is_read_committed_snapshot,
            wanted.is_read_committed_snapshot,
        ),
        ("ALLOW_SNAPSHOT_ISOLATION", now.is_snapshot_isolation, wanted.is_snapshot_isolation),
        ("COMPATIBILITY_LEVEL", now.compatibility, wanted.compatibility),
    ]
    return [_set(catalog, option, to) for option, is_now, to in pairs if is_now != to]


def _set(catalog: str, option: str, value: _Value) -> str:
    word = ("ON" if value else "OFF") if isinstance(value, bool) else str(value)
    sign = " = " if option == "COMPATIBILITY_LEVEL" else " "
    return f"ALTER DATABASE {name(catalog)} SET {option}{sign}{word}"
