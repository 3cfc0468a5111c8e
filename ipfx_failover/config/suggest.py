"""The likely right key for a wrong one: misspelt, in the wrong table, or in the manual's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Final

from ipfx_failover.config.reference import ENTRY, HOLDERS, NAME, generic_path, tables

Path = tuple[str, ...]

# Labels of the manual's screens, and words that people use for the same thing, in snake_case.
_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "assume_ip_address": ("assume_ip",),
    "automatically_stop_failover": ("auto_stop_failover",),
    "db": ("database",),
    "e_mail_address": ("from",),
    "email": ("alerts",),
    "email_address": ("from",),
    "file_inclusions": ("include",),
    "gateway": ("reference_targets",),
    "host": ("address",),
    "hostname": ("address",),
    "identity_file": ("key_file",),
    "inclusions": ("include",),
    "interface": ("adapter",),
    "ip": ("address",),
    "ip_address": ("address",),
    "ip_port": ("port",),
    "mail": ("alerts",),
    "mail_server": ("smtp_server",),
    "network_adapters": ("adapter",),
    "nic": ("adapter",),
    "notifications": ("alerts",),
    "notify_e_mail_addresses": ("to",),
    "notify_email_addresses": ("to",),
    "pass": ("password",),
    "passwd": ("password",),
    "ping_failure_count": ("failover_count",),
    "private_key": ("key_file",),
    "pwd": ("password",),
    "real_time_replication": ("real_time",),
    "recipients": ("to",),
    "sender": ("from",),
    "smtp": ("alerts",),
    "smtp_host": ("smtp_server",),
    "smtp_server_address": ("smtp_server",),
    "smtp_server_port": ("smtp_port",),
    "sql": ("database",),
    "sqlite": ("database",),
    "sqlserver": ("database",),
    "subdir": ("dir",),
    "subdirectory": ("dir",),
    "user": ("username",),
    "user_name": ("username", "user"),
    "username": ("user",),
    "vip": ("assume_ip",),
    "virtual_ip": ("assume_ip",),
}
# What no other key replaces.
_SPECIAL: Final[Mapping[tuple[Path, str], str]] = {
    (("servers", NAME, "ssh"), "password"): "SSH logs in with the key in key_file only",
    (("servers", NAME, "ssh"), "passphrase"): "the key in key_file must be without a passphrase",
}
_UNIT: Final = re.compile(r"_(ms|s|days|percent|bytes)$")
_SAME: Final = 1.0
_SYNONYM: Final = 0.95
_PART: Final = 0.88
_ENOUGH: Final = 0.64
_SURE: Final = 0.82
_ELSEWHERE: Final = 0.14
_NEAR: Final = 0.1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The likely right key."""

    text: str = ""
    """In words; empty when nothing is close."""
    path: Path = ()
    """Where the value probably belongs, with the server's own name; empty when that is unsure."""


@dataclass(frozen=True, slots=True)
class _Known:
    table: Path
    key: str
    is_table: bool


@cache
def _known() -> tuple[_Known, ...]:
    keys = [_Known(row.table, row.key, is_table=False) for table in tables() for row in table.rows]
    paths = [table.path for table in tables() if table.path[-1] not in {NAME, ENTRY}]
    paths += HOLDERS
    return (*keys, *(_Known(path[:-1], path[-1], is_table=True) for path in paths))


def suggest_key(table: Path, key: str, value: object) -> Suggestion:
    """What to do about a key that nobody knows.

    Args:
        table: where it was found, such as `("servers", "DEMOSERVER")`; ENTRY for list entries.
        key: the unknown key.
        value: what it is set to; only whether it is a table, and of what, matters.
    """
    generic = generic_path(table)
    if special := _special(generic, key, value):
        return Suggestion(special)
    is_table = isinstance(value, Mapping)
    score, best = max(
        (
            (_closeness(key, known.key) - _distance(generic, known), known)
            for known in _known()
            if known.is_table is is_table
        ),
        key=lambda pair: pair[0],
    )
    if score < _ENOUGH:
        return Suggestion()
    path = (*_actual(best.table, table), best.key)
    sure = (is_table or score >= _SURE) and not {NAME, ENTRY} & set(path)
    return Suggestion(_in_words(table, key, best), path if sure else ())


def _special(table: Path, key: str, value: object) -> str:
    if table == () and _holds_address(value, depth=1):
        return f"a server's table is named [servers.{key}]"
    if table == ("servers", NAME) and _holds_address(value, depth=5):
        return "a server's name has no dots; the network name without the domain will do"
    return _SPECIAL.get((table, _plain(key)), "")


def _holds_address(value: object, *, depth: int) -> bool:
    if not isinstance(value, Mapping) or not depth:
        return False
    return "address" in value or any(
        _holds_address(inner, depth=depth - 1) for inner in value.values()
    )


def suggest_label(label: str) -> str:
    """The key that a label of the manual stands for, wherever it belongs; empty when none."""
    keys = [known.key for known in _known() if not known.is_table]
    best = max(keys, key=lambda known: _closeness(label, known))
    return best if _closeness(label, best) >= _PART else ""


def suggest_choice(given: object, choices: tuple[str, ...]) -> str:
    """The choice that was probably meant; empty when nothing is close."""
    if given is False and "off" in choices:
        return 'write "off"'
    close = get_close_matches(_plain(str(given)), choices, n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"?' if close else ""


def _distance(table: Path, known: _Known) -> float:
    if known.table == table:
        return 0.0
    return _NEAR if known.table[:2] == table[:2] == ("servers", NAME) else _ELSEWHERE


def _closeness(given: str, known: str) -> float:
    bare, target = _UNIT.sub("", _plain(given)), _UNIT.sub("", known)
    if bare.replace("_", "") == target.replace("_", ""):
        return _SAME
    if known in _SYNONYMS.get(bare, ()):
        return _SYNONYM
    if len(bare) > 2 and set(bare.split("_")) < set(target.split("_")):
        return _PART
    match = SequenceMatcher(a=bare, b=target)
    return 0.97 * match.ratio() if match.quick_ratio() > _ENOUGH else 0.0


@cache
def _plain(given: str) -> str:
    """`pingInterval`, `Ping interval: (ms)` and `ping-interval` are all `ping_interval`."""
    text = re.sub(r"\(.*?\)", "", given[:80])
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _in_words(table: Path, key: str, known: _Known) -> str:
    generic = generic_path(table)
    if known.is_table:
        path = (*_actual(known.table, table), known.key)
        return f"did you mean [{'.'.join(path)}]?"
    if known.table == generic:
        return f'did you mean "{known.key}"?'
    home = f"[{'.'.join(_actual(known.table, table))}]"
    if known.table[-1] == ENTRY:
        home = "an entry of include"
    if key == known.key:
        return f'"{key}" belongs in {home}'
    return f'did you mean "{known.key}", which belongs in {home}?'


def _actual(known: Path, table: Path) -> Path:
    """The table with the name that the other one has, where both are of the same thing."""
    generic = generic_path(table)
    return tuple(
        table[at] if part == NAME and generic[: at + 1] == known[: at + 1] else part
        for at, part in enumerate(known)
    )
