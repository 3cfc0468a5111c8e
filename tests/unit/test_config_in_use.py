"""What the monitor's children read: the config that it uses, not the one that is being edited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.wiring.config_in_use import kept
from ipfx_failover.wiring.site import Site, open_site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = tmp_path / "config.toml"
    path.write_text(f"[failover_server]\nstate_dir = '{tmp_path}'\n")
    return open_site(path)


def test_it_is_kept_as_it_was_read_for_its_owner_only(site: Site) -> None:
    file = kept(site)
    site.config_path.write_text("[broken")

    assert open_site(file).config == site.config
    assert 0o600 == file.stat().st_mode & 0o777


def test_the_one_that_follows_takes_its_place(site: Site) -> None:
    kept(site)
    file = kept(replace(site, config_data=b"# another\n"))

    assert b"# another\n" == file.read_bytes()


def test_where_it_cannot_be_kept_the_edited_one_serves(site: Site, tmp_path: Path) -> None:
    (tmp_path / "config-in-use.toml").mkdir()

    assert site.config_path == kept(site)
