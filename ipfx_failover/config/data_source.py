r"""PURE: where a SQL Server is: `HOST`, `HOST,PORT` or `HOST\INSTANCE`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

DEFAULT_PORT: Final = 1433
LOCAL: Final = frozenset({"(local)", ".", "localhost"})
"""What SQL Server's own tools call this machine."""

_HOST: Final = re.compile(r"[^\s\\/,;:{}=@'\"]+")
_INSTANCE: Final = re.compile(r"[A-Za-z_#&][A-Za-z0-9_#$@&]{0,15}")
_DEFAULT_INSTANCES: Final = frozenset({"default", "mssqlserver"})


@dataclass(frozen=True, slots=True)
class DataSource:
    """`instance`: None is the one without a name; `port`: None is to be asked for."""

    host: str
    instance: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a data source, with or without `tcp:` before it.

        Raises:
            ValueError: it is none; the reason, which follows its name and quotes nothing.
        """
        given = text.strip().removeprefix("tcp:")
        host_and_instance, comma, port = given.partition(",")
        host, backslash, instance = host_and_instance.partition("\\")
        if not _HOST.fullmatch(host):
            raise ValueError(r"must be HOST\INSTANCE, HOST,PORT or HOST")
        if backslash and not _INSTANCE.fullmatch(instance):
            raise ValueError(
                r"must have an instance's name behind the \: 1 to 16 letters, digits, _, $, # and &"
            )
        if comma:
            # The port decides, whatever the instance is called; so it is for every driver.
            return cls(host, None, _port(port.strip()))
        if not backslash or instance.casefold() in _DEFAULT_INSTANCES:
            return cls(host, None, DEFAULT_PORT)
        return cls(host, instance)

    @property
    def is_this_machine(self) -> bool:
        return self.host.casefold() in LOCAL

    def __str__(self) -> str:
        if self.instance is not None:
            return f"{self.host}\\{self.instance}"
        return self.host if self.port == DEFAULT_PORT else f"{self.host},{self.port}"


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError("must have a port from 1 to 65535 behind the comma")
    return int(text)
