"""What `status` needs to know of the config, read without the models.

Loading and checking the whole config takes longer than everything else that `status` does; and at
3 a.m. it should answer even when a key that it does not need is wrong.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.paths import places
from ipfx_failover.config import defaults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfx_failover.config.models import Config
    from ipfx_failover.config.problems import ConfigError


@dataclass(frozen=True, slots=True)
class Watched:
    """A server, as far as `status` is concerned; `replicate_daily` is local time."""

    name: str
    address: str
    port: int
    replicate_daily: time | None
    has_database: bool
    has_files: bool
    is_hot: bool = False
    follows_all: bool = False
    row_interval_ms: int = defaults.ROW_INTERVAL_MS


@dataclass(frozen=True, slots=True)
class Outline:
    """`problem`: why the file says none of this now; it is what was known of it before."""

    state_dir: Path
    ping_interval_ms: int
    servers: tuple[Watched, ...]
    problem: ConfigError | None = None

    @property
    def warning(self) -> str | None:
        """What is to be said of the problem."""
        if self.problem is None:
            return None
        return self.problem.warning("shown is what is known from before")


def outline_of(config: Config) -> Outline:
    """The outline of a loaded config."""
    return Outline(
        state_dir=config.failover_server.state_dir,
        ping_interval_ms=config.network.ping_interval_ms,
        servers=tuple(
            Watched(
                name=server.name,
                address=str(server.address),
                port=server.port,
                replicate_daily=server.replicate_daily,
                has_database=server.database is not None,
                has_files=server.files is not None,
                is_hot=server.real_time != "off",
                follows_all=server.real_time == "all",
                row_interval_ms=(
                    server.database.row_interval_ms if server.database else defaults.ROW_INTERVAL_MS
                ),
            )
            for server in config.servers.values()
        ),
    )


def read_outline(file: Path, environ: Mapping[str, str]) -> Outline | None:
    """The outline of a config file; None when in doubt: then the whole is to be loaded."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        network = raw.get("network", {})
        state_dir = raw.get("failover_server", {}).get("state_dir")
        return Outline(
            state_dir=Path(_text(state_dir)) if state_dir else places(environ).state_dir,
            ping_interval_ms=_number(network.get("ping_interval_ms", defaults.PING_INTERVAL_MS)),
            servers=tuple(_watched(name, table) for name, table in raw.get("servers", {}).items()),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def state_dir_of_broken(file: Path) -> Path | None:
    """Where the state is, by a file that cannot be parsed: each line by itself may be sound."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith("state_dir"):
                return Path(_text(tomllib.loads(line)["state_dir"]))
    return None


def _watched(name: str, table: dict[str, Any]) -> Watched:
    daily, database = table.get("replicate_daily"), table.get("database", {})
    return Watched(
        name=name,
        address=_text(table["address"]),
        port=_number(table.get("port", defaults.PORT)),
        replicate_daily=time.fromisoformat(_text(daily)) if daily is not None else None,
        has_database="database" in table,
        has_files="files" in table,
        is_hot=table.get("real_time", "off") != "off",
        follows_all=table.get("real_time") == "all",
        row_interval_ms=_number(database.get("row_interval_ms", defaults.ROW_INTERVAL_MS)),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
