"""The config that the monitor uses, kept for its children: an edit that is wrong stops none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.wiring.site import Site

NAME: Final = "config-in-use.toml"
"""In the state directory; of the monitor that ran last. Only its owner may read it."""
_MODE: Final = 0o600


def kept(site: Site) -> Path:
    """The file with the config that is in use; the edited one itself where none can be written."""
    from ipfx_failover.adapters.durable import rewrite_file

    file = site.state_dir / NAME
    try:
        if not file.exists() or file.read_bytes() != site.config_data:
            rewrite_file(file, site.config_data, mode=_MODE)
    except OSError:
        return site.config_path
    return file
