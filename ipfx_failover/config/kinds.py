"""The kinds of value that a setting can have, with their name in words.

`Kind` rides along in the annotation: pydantic ignores it, the reference and the error messages
read it. Reasons that are said here never quote what was given: it may be a misplaced password.
"""

from __future__ import annotations

import re
from datetime import time
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ipfx_failover.config.templates import check_template
from ipfx_failover.events import EventKind

SERVERNAME: Final = re.compile("%servername%", re.IGNORECASE)

_ADDRESS_LIKE: Final = re.compile(r"[0-9.]+")
_HOST: Final = re.compile(r"[^\s/@]+")
_MAIL: Final = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")
NAME_PATTERN: Final = f"^{_NAME.pattern}$"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DEVICES: Final = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)


class Kind(NamedTuple):
    """What a value is, for people."""

    words: str
    """With its article: "an IPv4 address"."""
    plural: str
    """For a list of them."""
    pattern: str = ""
    """What it looks like, for editors; the models judge."""


def wrong_kind() -> PydanticCustomError:
    """The value is of another type; the words are found where the error is rendered."""
    return PydanticCustomError("wrong_kind", "is of the wrong kind")


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise wrong_kind()
    if not given.strip():
        raise ValueError("is empty")
    if (control := _CONTROL.search(given)) is not None:
        raise ValueError(_about_control(control[0]))
    return given


def _about_control(character: str) -> str:
    name = {"\t": "a tab", "\n": "a line break", "\r": "a carriage return", "\b": "a backspace"}
    return (
        f"contains {name.get(character, 'a control character')}: between double quotes a \\ "
        "begins an escape; write Windows paths between single quotes"
    )


def _statement(given: object) -> str:
    if not isinstance(given, str):
        raise wrong_kind()
    if not given.strip() or "\0" in given:
        raise ValueError("is no statement")
    return given


def _argument(given: object) -> str:
    if not isinstance(given, str):
        raise wrong_kind()
    if "\0" in given:
        raise ValueError("contains a NUL character")
    return given


def _command(given: tuple[str, ...]) -> tuple[str, ...]:
    if given and not given[0].strip():
        raise ValueError("must begin with the program's name")
    return given


def _address(given: object) -> IPv4Address:
    if isinstance(given, IPv4Address):
        return given
    text = _text(given).strip()
    try:
        address = IPv4Address(text)
    except AddressValueError:
        address = None
    if address is None:
        raise ValueError(_why_no_address(text))
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        raise ValueError(f"{address} is not the address of a host")
    return address


def _why_no_address(text: str) -> str:
    if _ADDRESS_LIKE.fullmatch(text):
        return "is not an IPv4 address: four numbers from 0 to 255, without leading zeros"
    host, separator, port = text.partition(":")
    if separator and _ADDRESS_LIKE.fullmatch(host) and port.isdigit():
        return "must be an address alone; the port is a key of its own"
    if text.count(":") > 1:
        return "looks like an IPv6 address; IPv4 is what this version watches and takes over"
    if "/" in text:
        return "must be one address, not a network"
    return "must be an IPv4 address, not a name: names need DNS, which may be what has failed"


def _local_path(given: object) -> Path:
    path = given if isinstance(given, Path) else Path(_text(given))
    text = str(given)
    if SERVERNAME.search(text):
        raise ValueError("%servername% has a meaning below [servers.NAME] only")
    if path.is_absolute():
        return path
    if text.startswith("~"):
        raise ValueError("must be a whole path: ~ is not expanded, a service has another home")
    if isinstance(path, PurePosixPath) and PureWindowsPath(text).drive:
        raise ValueError("is a Windows path, and this machine's paths begin with /")
    raise ValueError("must be a whole path: services run in another directory")


def _live_path(given: object) -> str:
    text = _text(given)
    if not is_whole_path(text):
        raise ValueError("must be a whole path, as the live server names it")
    return text


def is_whole_path(text: str) -> bool:
    """Whether a path is absolute on the live server, whose system we do not know."""
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _mail_address(given: object) -> str:
    if not _MAIL.fullmatch(_text(given)):
        raise wrong_kind()
    return str(given)


def _host(given: object) -> str:
    text = _text(given)
    if not _HOST.fullmatch(text):
        raise wrong_kind()
    if _ADDRESS_LIKE.fullmatch(text):  # no name is all digits and dots
        _address(text)
    return text


def is_name(text: str) -> bool:
    """Whether a table may have this name of the user's choice."""
    return _NAME.fullmatch(text) is not None


def _name(given: object) -> str:
    if not is_name(_text(given)):
        raise ValueError("must be 1 to 63 letters, digits, - and _, and not begin with -")
    if _DEVICES.fullmatch(str(given)):
        raise ValueError("is the name of a device on Windows, where no directory can have it")
    return str(given)


def _time_of_day(given: object) -> time:
    if isinstance(given, time):
        return given.replace(microsecond=0, tzinfo=None)
    if not _TIME.fullmatch(_text(given)):
        raise wrong_kind()
    return time.fromisoformat(str(given))


def _pattern(given: object) -> str:
    if {"/", "\\"} & set(_text(given)):
        raise ValueError("must be a pattern for file names; directories belong in dir")
    return str(given)


def _event_kind(given: object) -> str:
    text = _text(given)
    kinds = [str(kind) for kind in EventKind if not kind.startswith("hook_")]
    if text not in kinds:
        from difflib import get_close_matches

        near = get_close_matches(text.lower(), kinds, n=1)
        guess = f'did you mean "{near[0]}"?' if near else "such as stand_in_started"
        raise ValueError(f"is no kind of event; {guess}")
    return text


def _template(given: object) -> str:
    if not isinstance(given, str):
        raise wrong_kind()
    if complaint := check_template(given):
        raise ValueError(complaint)
    return given


def _subdirectory(given: object) -> str:
    text = "/".join(part for part in _text(given).split("\\"))
    parts = text.split("/")
    if ".." in parts or ":" in text or text.startswith("/"):
        raise ValueError("must be a directory below the VM directory")
    return "/".join(part for part in parts if part not in {"", "."})


Text = Annotated[str, BeforeValidator(_text), Kind("a text", "texts")]
Address = Annotated[
    IPv4Address,
    BeforeValidator(_address),
    Kind("an IPv4 address", "IPv4 addresses", r"^\s*\d{1,3}(\.\d{1,3}){3}\s*$"),
]
LocalPath = Annotated[Path, BeforeValidator(_local_path), Kind("a path", "paths")]
LivePath = Annotated[
    str,
    BeforeValidator(_live_path),
    Kind("a path on the live server", "paths on the live server"),
]
MailAddress = Annotated[
    str,
    BeforeValidator(_mail_address),
    Kind("an e-mail address such as ops@example.com", "e-mail addresses", f"^{_MAIL.pattern}$"),
]
Host = Annotated[
    str,
    BeforeValidator(_host),
    Kind("a host name or address", "host names or addresses", f"^{_HOST.pattern}$"),
]
Name = Annotated[str, BeforeValidator(_name), Kind("a name", "names", NAME_PATTERN)]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    Kind('a time of day such as "01:00:00"', "times of day", f"^{_TIME.pattern}$"),
]
Pattern = Annotated[
    str,
    BeforeValidator(_pattern),
    Kind("a file name pattern", "file name patterns", r"^[^/\\]+$"),
]
Subdirectory = Annotated[
    str,
    BeforeValidator(_subdirectory),
    Kind("a directory below the VM directory", "directories below the VM directory"),
]
EventName = Annotated[str, BeforeValidator(_event_kind), Kind("a kind of event", "kinds of events")]
Template = Annotated[
    str, BeforeValidator(_template), Kind("a text that is JSON", "texts that are JSON")
]
Flag = Annotated[bool, Field(strict=True)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Statement = Annotated[str, BeforeValidator(_statement), Kind("a SQL statement", "SQL statements")]
Argument = Annotated[str, BeforeValidator(_argument), Kind("a text", "texts")]
Command = Annotated[tuple[Argument, ...], AfterValidator(_command)]
