"""Where passwords are put, so that the config only has to say where they are.

Reading them is `ipfx_failover.config.secrets`: whoever adds a place adds it to both.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ipfx_failover.adapters.durable import rewrite_file
from ipfx_failover.adapters.paths import narrow
from ipfx_failover.adapters.sealing import seal
from ipfx_failover.config.literal import is_text
from ipfx_failover.errors import MissingPackage, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

Place = Literal["file", "keyring"]

_SERVICE = "ipfx-failover"
_DIRECTORY = "secrets"


def store_secret(
    key: Sequence[str], value: str, *, config: Path, place: Place = "file"
) -> dict[str, str]:
    """Put a password where only its owner reads it; the reference that the config gets.

    Args and errors are those of `reference_for` and `put_secret`.
    """
    reference = reference_for(key, config=config, place=place)
    put_secret(reference, value)
    return reference


def reference_for(
    key: Sequence[str], *, config: Path, place: Place = "file", there: object = None
) -> dict[str, str]:
    """Where a password belongs.

    Args:
        key: the config's key that it is for, such as `("alerts", "password")`; it names the file.
        config: the config file; `secrets` beside it is where the files are.
        place: a file of its own, or this user's keyring.
        there: what the config says now; a file that it names gets the new password.
    """
    name = ".".join(key)
    if place == "file" and isinstance(there, dict) and "%" not in there.get("file", "%"):
        return there
    if place == "keyring":
        return {"keyring": f"{_SERVICE}/{name}"}
    return {"file": str(config.resolve().parent / _DIRECTORY / name)}


def put_secret(reference: Mapping[str, str], value: str) -> None:
    """Store a password where a reference says, in place of what may be there.

    Raises:
        UsageError: it is empty, has a line break in it, or is no text.
        Refused: it cannot be stored.
    """
    if not value or set(value) & set("\r\n\0") or not is_text(value):
        raise UsageError("a password is one line of text, and not empty", "give it again")
    if "keyring" in reference:
        _in_keyring(reference["keyring"], value)
    else:
        _in_file(Path(reference["file"]), value)


def _in_file(file: Path, value: str) -> None:
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(mode=0o700, parents=True)
            narrow(file.parent)
        rewrite_file(file, seal(value.encode()), mode=0o600)
    except OSError as error:
        raise Refused(
            f"the secret file {file} cannot be written: {error.strerror or error}",
            "run this as the file's owner, as root or elevated, and see that the disk is not full",
        ) from None


def see_that_it_takes(place: Place) -> None:
    """See whether passwords can be put there, before anybody is asked for one.

    Raises:
        MissingPackage, Refused: they cannot.
    """
    if place == "keyring":
        with _keyring() as keyring:
            keyring.get_password(_SERVICE, _SERVICE)


def _in_keyring(entry: str, value: str) -> None:
    service, _, user = entry.partition("/")
    with _keyring() as keyring:
        keyring.set_password(service, user, value)


@contextmanager
def _keyring() -> Iterator[ModuleType]:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingPackage(
            "the keyring", "keyring", extra="keyring", otherwise=", or keep the password in a file"
        ) from None
    try:
        yield keyring
    except KeyringError as error:
        raise Refused(
            f"the keyring takes no password: {type(error).__name__}",
            "a keyring needs a desktop session: keep the password in a file instead",
        ) from None
