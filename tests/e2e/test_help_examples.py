"""The example in each command's help is run, as it stands there, and ends as it should."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.state.store import DATABASE
from man import commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

    Prepare = Callable[[FailoverServer, Office], object]

EXAMPLES = {
    " ".join(command.path): (example, command)
    for command in commands.commands()
    for example in command.examples
}
METRICS_DIRECTORY = "/srv/metrics"
GO_ON_FOR_EVER = {"monitor"}
# These need an editor, the machine's own systemd, or SQL Servers; their tests bring one.
RUN_ELSEWHERE = {
    "hot enable": "test_help_examples_hot.py",
    "hot disable": "test_help_examples_hot.py",
    "hot show": "test_help_examples_hot.py",
    "sync-rows": "test_help_examples_hot.py",
    "config edit": "test_config_commands.py",
    "schedule remove": "test_schedule_install.py",
    "service remove": "test_service.py",
    "service start": "test_service.py",
    "service stop": "test_service.py",
    "service status": "test_service.py",
}


def stand_in(failover: FailoverServer, office: Office) -> None:
    office.pull_cable(office.primary.host)
    failover.run("failover-now", "DEMOSERVER", "--yes", "--force")


def failback_pending(failover: FailoverServer, office: Office) -> None:
    stand_in(failover, office)
    failover.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)


def no_server(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - they are all alike
    failover.configure({"servers": {"DEMOSERVER": None}})


def suspended(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    failover.run("suspend", "DEMOSERVER")


def silent(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    office.pull_cable(office.primary.host)


def synced(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    failover.with_files()


def no_config(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    failover.config_path.unlink()


def daily(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    failover.configure_server(replicate_daily="01:00:00")


def application_runs(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    office.primary.start_application()


def damaged(failover: FailoverServer, office: Office) -> None:  # noqa: ARG001 - as above
    (failover.state_dir / DATABASE).write_bytes(b"damaged" * 1000)


# What has to be so before an example makes sense.
SCENES: dict[str, Prepare] = {
    "init": no_config,
    "schedule install": daily,
    "failover-now": silent,
    "stop-failover": stand_in,
    "takeover-ip": silent,
    "replicate-to-live": failback_pending,
    "sync-files": synced,
    "resume": suspended,
    "server add": no_server,
    "server edit": synced,
    "server test": application_runs,
    "state reset": damaged,
}


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in RUN_ELSEWHERE])
def test_the_example_of_a_command_runs(
    ready: FailoverServer, office: Office, name: str, tmp_path: Path
) -> None:
    if name in SCENES:
        SCENES[name](ready, office)
    example, command = EXAMPLES[name]
    options = {option for parameter in command.parameters for option in parameter.names}
    words = shlex.split(example.replace(METRICS_DIRECTORY, str(tmp_path)))[1:]
    words = without_config(words) + (["--yes"] if "--yes" in options else [])
    if name in GO_ON_FOR_EVER:
        running = ready.start(*words)
        ready.wait_for_event("monitor_started")

        assert running.stop() == 0
    else:
        ready.run(*words, knows_config="--config" in options)


def test_every_command_has_an_example() -> None:
    assert [command.page_name for command in commands.commands() if not command.examples] == []


def without_config(words: list[str]) -> list[str]:
    """The config is the test's own."""
    if "--config" in words:
        at = words.index("--config")
        return words[:at] + words[at + 2 :]
    return words
