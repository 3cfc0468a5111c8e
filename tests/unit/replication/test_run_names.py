"""Names tell what a killed run left from everything else, which is never touched."""

from __future__ import annotations

from datetime import UTC, datetime

from ipfx_failover.replication.sqlserver import names

S, RUN, LATER = "DEMO_CT", "20261122T010000000", "20261123T010000123"


def test_a_run_finds_its_catalogs_names_again() -> None:
    new = names.new(S, RUN)

    assert (S, RUN) == (names.current_of(new), names.run_of(new))


def test_strays_are_this_catalogs_own() -> None:
    mine = [names.new(S, RUN), names.previous(S, LATER), names.new(S.lower(), RUN)]
    others = ["master", "DEMO_CT__new_by_hand", names.new("DEMO_CT2", RUN), f"X{mine[0]}"]

    assert mine == names.stray_catalogs(S, [S, *others, *mine])


def test_without_a_catalog_its_predecessor_is_never_a_stray() -> None:
    previous = names.previous(S, RUN)

    assert [] == names.stray_catalogs(S, ["master", previous])


def test_stray_files_are_backups_under_way_and_data_files_of_runs() -> None:
    stray = [
        names.backup_name(S, RUN),
        f"{S}.{RUN}_1.mdf",
        f"{S}.{RUN}_12.ndf",
        f"{S}.{RUN}_2.ldf",
    ]
    kept = names.kept_backup_name(S, datetime(2026, 11, 22, 1, tzinfo=UTC))
    others = [kept, names.safety_name(S, RUN), "DEMO_CT.mdf", f"{S}2.{RUN}_1.mdf", "notes.txt"]

    assert stray == names.stray_files(S, [*others, *stray])


def test_each_kind_of_file_gets_its_ending_and_a_directory_none() -> None:
    made = [
        names.data_file(r"D:\DB", S, RUN, *each)
        for each in [(1, "D"), (2, "L"), (3, "D"), (9, "S")]
    ]

    assert [rf"D:\DB\{S}.{RUN}_{end}" for end in ("1.mdf", "2.ldf", "3.ndf", "9")] == made
    assert [True] * 4 == [names.is_of_a_run(path) for path in made]
    assert not names.is_of_a_run("CTSERVER.mdf")


def test_kept_backups_are_sorted_by_their_time() -> None:
    moments = (datetime(2026, 12, 1, 1, 2, 3, us, tzinfo=UTC) for us in (80_000, 9_000))
    found = [names.kept_backup_name(S, moment) for moment in moments]
    others = [names.backup_name(S, RUN), names.safety_name(S, RUN), "x.bak"]

    assert found[::-1] == names.kept_backups(S, [*found, *others])
