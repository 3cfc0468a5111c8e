"""Fixtures that several contract suites share."""

from __future__ import annotations

from tests.support.network_sites import linux_site, site
from tests.support.systemd import systemd

__all__ = ["linux_site", "site", "systemd"]
