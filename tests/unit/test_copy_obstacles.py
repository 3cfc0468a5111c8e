"""Why a database file could not come into use; of a SQL Server's catalog: tests/e2e."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

from ipfx_failover.config.models import Config
from ipfx_failover.wiring.copy_in_use import copy_obstacles
from ipfx_failover.wiring.site import Site
from tests.support.replication import DEMO, Copies

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_missed_that_is_gone_or_cannot_be_looked_at(tmp_path: Path) -> None:
    site = Site(Config.model_validate({}), tmp_path / "config.toml", (), b"")
    with closing(Copies(tmp_path)) as copies:

        def obstacle() -> str | None:
            return copy_obstacles(site, [copies.server])[DEMO]

        gone = obstacle()
        copies.replicator().from_live()
        there = obstacle()
        shutil.rmtree(copies.standby.parent)
        copies.standby.parent.touch()
        unseen = obstacle()

    assert (f"there is no {copies.standby}", None) == (gone, there)
    assert f"{copies.standby}: Not a directory" == unseen
