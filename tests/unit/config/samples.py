"""Config texts, and shorthands to load them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from ipfx_failover.config.load import load
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.errors import FailoverError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.models import Config

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "config"

SERVER = """\
[servers.DEMOSERVER]
address = "192.168.11.1"
"""
WARM = """\
[network]
adapter = "eth0"
reference_targets = ["192.168.11.253", "192.168.11.254"]
[failover_server.application]
services = ["ipfx.service"]
ready_port = 100
[alerts]
smtp_server = "192.168.11.5"
from = "failover@example.com"
to = ["support@example.com"]
[servers.DEMOSERVER]
address = "192.168.11.1"
replicate_daily = "01:00:00"
[servers.DEMOSERVER.ssh]
user = "ipfx"
key_file = "/etc/ipfx-failover/key"
[servers.DEMOSERVER.database]
data_source = "/VM/DB/ctserver.db"
vm_dir = "/VM"
[servers.DEMOSERVER.files]
"""

any_time = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example writes its file
)
posix_only = pytest.mark.skipif(os.name == "nt", reason="file modes mean nothing on Windows")


class ConfigFiles:
    """Writes config files into a directory of the test, and loads them."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "config.toml"

    def write(self, content: str | bytes, mode: int = 0o600) -> Path:
        data = content.encode() if isinstance(content, str) else content
        self.path.write_bytes(data)
        self.path.chmod(mode)
        return self.path

    def load(self, content: str | bytes) -> Config:
        return load(self.write(content), environ={}).config

    def error(self, content: str | bytes, mode: int = 0o600) -> ConfigError:
        path = self.write(content, mode)
        with pytest.raises(ConfigError) as caught:
            load(path, environ={})
        return caught.value

    def outcome(self, content: str | bytes) -> FailoverError | None:
        """The error that loading ends in, if any; any other exception is the test's failure."""
        path = self.write(content)
        try:
            load(path, environ={})
        except FailoverError as error:
            return error
        return None

    def problems(self, content: str | bytes) -> list[str]:
        """Each problem's line, without the file's name."""
        return [
            str(problem).removeprefix(f"{self.path}").removeprefix(":").strip()
            for problem in self.error(content).problems
        ]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything, for tests that run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
