"""Which secrets a config refers to, and who is not to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.config.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.config.models import Config


def secrets_in(config: Config) -> Iterator[tuple[str, Secret]]:
    """Every secret of a config, with its key in dots."""
    for key, secret in _below(config, ()):
        yield ".".join(key), secret


def without_secrets(environ: Mapping[str, str], config: Config) -> dict[str, str]:
    """What commands of other people inherit: not the variables that our secrets come from."""
    # In capitals: to Windows a variable is the same in any case.
    hidden = {each.reference.upper() for _, each in secrets_in(config) if each.source == "env"}
    return {name: value for name, value in environ.items() if name.upper() not in hidden}


def _below(value: object, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Secret]]:
    from pydantic import BaseModel

    if isinstance(value, Secret):
        yield key, value
    elif isinstance(value, BaseModel | dict):
        for name, each in value.items() if isinstance(value, dict) else value:
            yield from _below(each, (*key, name))
