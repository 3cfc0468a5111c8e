"""Fixtures that several contract suites share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sqlserver import drivers
from tests.support.network_sites import linux_site, site
from tests.support.systemd import systemd

if TYPE_CHECKING:
    from tests.sqlserver.drivers import Driver

__all__ = ["driver", "linux_site", "site", "systemd"]


@pytest.fixture(params=[drivers.free_tds, drivers.microsoft], ids=["FreeTDS", "Microsoft"])
def driver(request: pytest.FixtureRequest) -> Driver:
    found: Driver = request.param()
    return found
