"""The config that the monitor uses, kept for when the one on disk is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.wiring.looking import CONFIG_IN_USE

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.wiring.site import Site

_MODE: Final = 0o600


def kept(site: Site) -> Path:
    """The file with the config that is in use; the edited one itself where none can be written."""
    from ipfx_failover.adapters.durable import rewrite_file

    file = site.state_dir / CONFIG_IN_USE
    try:
        if not file.exists() or file.read_bytes() != site.config_data:
            rewrite_file(file, site.config_data, mode=_MODE)
    except OSError:
        return site.config_path
    return file
