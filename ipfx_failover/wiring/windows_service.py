"""The monitor as a service of Windows: how it is installed, and what it is when it runs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from site import getusersitepackages
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.adapters.service.log_file import log_file, opened
from ipfx_failover.adapters.service.sc_commands import NAME, SYSTEM, Wanted
from ipfx_failover.adapters.service.windows import WindowsService, installed_account
from ipfx_failover.adapters.windows.service_host import ServiceHost
from ipfx_failover.errors import Refused
from ipfx_failover.wiring.service import foreign_commands, secret_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.monitor.supervision import Host
    from ipfx_failover.wiring.site import Site


def of(site: Site, user: str | None) -> WindowsService:
    """The service that this config asks for.

    Raises:
        Refused: this program is installed for one user alone.
        UsageError: it cannot run as this account.
    """
    require_for_all(Path(__file__), Path(getusersitepackages()))
    account = installed_account(user)
    config = str(site.config_path.absolute())
    interpreter, environment = _interpreter()
    wanted = Wanted(
        # -I: what is in the directory or the environment of an account is not imported.
        (interpreter, "-I", "-m", "ipfx_failover", "service", "run", "--config", config),
        account,
        is_confined=not any(foreign_commands(site.config)),
        environment=environment,
    )
    notes = tuple(_notes(site, account))
    return WindowsService(wanted, notes=notes, log=log_file(), clock=SystemClock())


def as_it_is() -> WindowsService:
    """The service, whatever the config says."""
    return WindowsService(None, log=log_file(), clock=SystemClock())


@contextmanager
def hosted() -> Iterator[Host]:
    """This process as the service.

    Raises:
        Refused: the service manager has not started it.
    """
    if not WINDOWS:
        raise Refused("this is what Windows starts as a service", "run: ipfx-failover monitor")
    with ServiceHost(NAME) as host:
        sys.stderr = opened(log_file(), SystemClock()) or sys.stderr
        yield host


def require_for_all(module: Path, user_site: Path) -> None:
    """Refuse what pip has installed for one user, whom the service is not."""
    if module.is_relative_to(user_site):
        raise Refused(
            "ipfx-failover is installed for you alone, and the service would not find it",
            "from an elevated prompt: pip uninstall ipfx-failover; then pip install it again",
        )


def _interpreter() -> tuple[str, tuple[str, ...]]:
    """The interpreter itself, and what tells it where it is.

    That of a virtual environment, and the script ipfx-failover.exe, start another process, which
    the service manager would not take for its own.
    """
    real = getattr(sys, "_base_executable", sys.executable)
    if Path(real) == Path(sys.executable):
        return sys.executable, ()
    # As multiprocessing starts it there.
    return real, (f"__PYVENV_LAUNCHER__={sys.executable}",)


def _notes(site: Site, account: str) -> Iterator[str]:
    yield from secret_notes(site.config)
    if commands := ", ".join(foreign_commands(site.config)):
        yield f"It keeps all privileges of its account: without them {commands} might not work."
    if account != SYSTEM:
        yield (
            f"{account} has to be a member of Administrators: pings, and the services of the "
            "application, take one."
        )
    yield f"Why it did not start, and warnings, are in {log_file()}."
