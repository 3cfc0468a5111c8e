"""The directories by which backups are exchanged are looked at first (simulated SQL Servers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.sqlserver_pair import Pair

FAILED = 1


@pytest.mark.parametrize("way", [("replicate-from-live",), ("replicate-to-live", "--overwrite")])
def test_a_share_that_is_not_mounted_is_told_before_a_backup_is_written_that_nobody_finds(
    pair: Pair, way: tuple[str, ...]
) -> None:
    pair.replicated()
    before = list((pair.vm_dir / "DB").iterdir())
    (pair.directory / "mount point").mkdir()
    pair.configure_server(files={"path": str(pair.directory / "mount point")})
    ended = pair.run(way[0], "DEMOSERVER", *way[1:], "--yes")

    assert FAILED == ended.code, ended
    assert "the SQL Server of DEMOSERVER does not find what we write to" in ended.err
    assert "is the share mounted?" in ended.err
    assert before == list((pair.vm_dir / "DB").iterdir())


def test_a_directory_of_our_own_that_our_sql_server_does_not_find_is_told_before_the_backup(
    pair: Pair,
) -> None:
    code = "Operating system error 3(Das System kann den angegebenen Pfad nicht finden.)"
    pair.fault(
        pair.standby,
        statement="FILELISTONLY",
        errors=[{"number": 3201, "text": code}, {"number": 3013}],
    )
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert FAILED == ended.code, ended
    assert "the SQL Server of the Failover Server does not find what we write to" in ended.err
    assert [] == [said for said in pair.live.said if said.startswith("BACKUP")]
