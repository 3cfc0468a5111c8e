"""The fence: a command that makes sure that a dead Primary stays dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.config.placeholders import fill
from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.config.models import FenceSettings
    from ipfx_failover.standin.application import Role


def fence(settings: FenceSettings, role: Role, environ: Mapping[str, str]) -> None:
    """Run the fence command; return when it has fenced the server (exit code 0).

    Placeholders and IPFX_* variables are the application's. Out of time, it is killed with all
    that it has started.

    Raises:
        Failed: it cannot be run, ended with another code, or not in time.
    """
    ended = run_command(
        fill(settings.command, role.placeholders()),
        timeout_s=settings.timeout_s,
        env={**environ, **role.environment()},
    )
    if complaint := ended.complaint(settings.timeout_s):
        raise Failed(
            f"the fence command of {role.server} {complaint}",
            f"make sure that {role.server} is off, and try its fence command by hand",
        )
