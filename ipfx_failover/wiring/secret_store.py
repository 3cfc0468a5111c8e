"""Where passwords are put, so that the config only has to say where they are.

Reading them is `ipfx_failover.config.secrets`: whoever adds a place adds it to both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ipfx_failover.adapters.durable import rewrite_file
from ipfx_failover.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Place = Literal["file", "keyring"]

_SERVICE = "ipfx-failover"
_DIRECTORY = "secrets"


def store_secret(
    key: Sequence[str], value: str, *, config: Path, place: Place = "file"
) -> dict[str, str]:
    """Put a password where only its owner reads it; the reference that the config gets.

    Args:
        key: the config's key that it is for, such as `("alerts", "password")`; it names the file.
        value: the password, one line.
        config: the config file; `secrets` beside it is where the files are.
        place: a file of its own, or this user's keyring.

    Raises:
        UsageError: it is empty or has a line break in it.
        Refused: it cannot be stored.
    """
    if not value or set(value) & set("\r\n\0"):
        raise UsageError("a password is one line, and not empty", "give it again")
    name = ".".join(key)
    if place == "keyring":
        return _in_keyring(name, value)
    return put_in_file(config.resolve().parent / _DIRECTORY / name, value)


def put_in_file(file: Path, value: str) -> dict[str, str]:
    """Write a password into this file, which only its owner reads; its reference.

    Raises:
        Refused: it cannot be written.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        rewrite_file(file, f"{value}\n".encode(), mode=0o600)
    except OSError as error:
        raise Refused(
            f"the secret file {file} cannot be written: {error.strerror or error}",
            "run this as the file's owner or as root, and see that the disk is not full",
        ) from None
    return {"file": str(file)}


def _in_keyring(name: str, value: str) -> dict[str, str]:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise Refused(
            "the package keyring is not installed",
            "pip install 'ipfx-failover[keyring]', or keep the password in a file",
        ) from None
    try:
        keyring.set_password(_SERVICE, name, value)
    except KeyringError as error:
        raise Refused(
            f"the keyring takes no password: {type(error).__name__}",
            "a keyring needs a desktop session: keep the password in a file instead",
        ) from None
    return {"keyring": f"{_SERVICE}/{name}"}
