"""Secrets as references: where a password is kept is in the config, the password is not.

`Secret.reveal()` looks it up at the moment of use. Nothing else gives the value away: not repr,
str, JSON, pickle, nor a validation error. Who may read a file, and how it is encrypted, differs
between operating systems: ipfx_failover.adapters.paths and .sealing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NoReturn

from ipfx_failover.adapters import paths, sealing
from ipfx_failover.errors import MissingPackage, Refused

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core.core_schema import CoreSchema

Source = Literal["file", "env", "keyring", "literal"]

MASK: Final = "********"
_MAX_FILE_BYTES: Final = 64 * 1024
_FORMS: Final = '{ file = "…" }, { env = "…" } or { keyring = "service/user" }'


class Secret:
    """A password by reference: a file, an environment variable, a keyring entry, or a literal."""

    __slots__ = ("_value", "reference", "source")

    sources: ClassVar[tuple[Source, ...]] = ("file", "env", "keyring")

    reference: str
    """The path, the variable's name or `service/user`; the mask for a literal."""
    source: Source
    _value: str

    def __init__(self, source: Source, value: str) -> None:
        problem = _problem_with(source, value)
        if problem:
            raise ValueError(problem)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "reference", MASK if source == "literal" else value)
        object.__setattr__(self, "_value", value)

    @classmethod
    def parse(cls, given: object) -> Secret:
        """The secret that a config value stands for.

        Raises:
            ValueError: with a reason in words that never contains the value.
        """
        if isinstance(given, Secret):
            return given
        if isinstance(given, str):
            return cls("literal", given)
        if not isinstance(given, dict):
            raise ValueError(f"must be one of {_FORMS}")  # noqa: TRY004 - pydantic wants ValueError
        if len(given) != 1:
            raise ValueError(f"must have exactly one key: {_FORMS}")
        ((source, value),) = given.items()
        if source not in cls.sources:
            raise ValueError(f"names no known place for a secret; use {_FORMS}")
        if not isinstance(value, str):
            raise ValueError(f"{source} must be a text")  # noqa: TRY004 - as above
        return cls(source, value)

    @property
    def is_literal(self) -> bool:
        """Whether the value itself is in the config file."""
        return self.source == "literal"

    def reveal(self) -> str:
        """The value, looked up now.

        Raises:
            Refused: it cannot be had, or others could read it too; the hint says what to do.
        """
        if self.source == "file":
            return _from_file(Path(self.reference))
        if self.source == "env":
            return _from_environment(self.reference)
        if self.source == "keyring":
            return _from_keyring(self.reference)
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.source}={self.reference})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self.source, self._value) == (other.source, other._value)

    def __hash__(self) -> int:
        return hash((self.source, self.reference))

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        raise AttributeError(f"a Secret is immutable: {name}")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: type, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(Secret._dump),
        )

    def _dump(self) -> str | dict[Source, str]:
        return MASK if self.is_literal else {self.source: self.reference}


def _problem_with(source: Source, value: str) -> str | None:
    if not value:
        return f"is empty; use {_FORMS}, or leave the key out"
    if "\0" in value:
        return "contains a NUL character"
    if source == "file" and not Path(value).is_absolute():
        return "file must be a whole path: services run in another directory"
    if source == "env" and "=" in value:
        return "env must be the name of an environment variable"
    if source == "keyring" and not all(value.partition("/")):
        return 'keyring must be "service/user"'
    return None


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            exposed = paths.exposure(file.fileno())
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Refused(
            f"the secret file {path} cannot be read: {reason}",
            "create it with the secret in it, readable by its owner only: "
            f"{paths.how_to_narrow(path)}",
        ) from None
    if exposed:
        raise Refused(f"the secret file {path} {exposed}", paths.how_to_narrow(path))
    return _text_of(path, _unsealed(path, content))


def _unsealed(path: Path, content: bytes) -> bytes:
    try:
        return sealing.unseal(content)
    except OSError as error:
        raise Refused(
            f"the secret file {path} cannot be decrypted: {error.strerror or error}",
            "it is read on the machine that wrote it only: store the password anew with config set",
        ) from None


def _text_of(path: Path, content: bytes) -> str:
    hint = "write the secret alone into it, as one line of UTF-8 text"
    if len(content) > _MAX_FILE_BYTES:
        raise Refused(f"the secret file {path} is larger than {_MAX_FILE_BYTES} bytes", hint)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
        readable = False
    else:
        readable = True
    if not readable:  # outside of the handler: the error's context would hold the bytes
        raise Refused(f"the secret file {path} is not UTF-8 text", hint)
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise Refused(f"the secret file {path} is empty", hint)
    return text


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise Refused(
            f"the environment variable {name} is not set, and a secret is to come from it",
            f"set {name} for the service too (systemd: EnvironmentFile=), or use {{ file = … }}",
        )
    return value


def _from_keyring(entry: str) -> str:
    service, _, user = entry.partition("/")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingPackage(
            f"the secret {entry}", "keyring", extra="keyring", otherwise=", or use { file = … }"
        ) from None
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise Refused(
            f"the keyring cannot be read for {entry}: {type(error).__name__}",
            "a keyring belongs to one user, and a service has none: use { file = … } there",
        ) from None
    if not value:
        raise Refused(
            f"the keyring has nothing for {entry}",
            f"store it as the user that runs this: keyring set {service} {user}",
        )
    return value
