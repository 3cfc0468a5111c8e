"""Every key of the config, as rows: the one source of the man page, the example and the messages.

Rows are read off the models (ipfx_failover.config.models); the texts are the string literals
below each key there, read from the source only when somebody asks, so that loading stays fast.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import types
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ipfx_failover.adapters.paths import places
from ipfx_failover.config import models
from ipfx_failover.config.kinds import Kind
from ipfx_failover.config.literal import literal
from ipfx_failover.config.secrets import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME: Final = "NAME"
"""Stands for a server's or hook's name in a row's table."""
HOLDERS: Final = (("servers",), ("alerts", "webhooks"), ("alerts", "commands"))
"""The tables whose tables have names of the user's choice."""
ENTRY: Final = "*"
"""Stands for an entry of a list of tables."""

_UNITS: Final = {
    "ms": "milliseconds",
    "s": "seconds",
    "days": "days",
    "percent": "percent",
    "bytes": "bytes",
}
_PLAIN: Final = {
    bool: Kind("true or false", "true or false"),
    str: Kind("a text", "texts"),
    Secret: Kind('a secret: { file = "…" }, { env = "…" } or { keyring = "…" }', "secrets"),
}
_LINUX: Final = places({}, windows=False)
_WINDOWS: Final = places({}, windows=True)
_DEFAULTS: Final = {
    "state_dir": (_LINUX.state_dir.as_posix(), str(_WINDOWS.state_dir).replace("/", "\\")),
    "local_vm_dir": (_LINUX.local_vm_dir, _WINDOWS.local_vm_dir),
}

_EXAMPLES: Final = {
    "adapter": '"eth0"',
    "address": '"192.168.11.1"',
    "after_restore": "[\"UPDATE [Reports] SET [Server] = N'FAILOVER'\"]",
    "backup_dir": '"/VM/DB"',
    "column": '"Greeting"',
    "configuration_tables": '["Extension", "dbo.Queue"]',
    "driver": '"ODBC Driver 18 for SQL Server"',
    "command": '["/usr/local/sbin/power-off", "{server}"]',
    "data_source": '"/VM/DB/ctserver.db"',
    "dir": '"Mail"',
    "events": '["stand_in_started", "takeover_failed"]',
    "failover_server.data_source": r"'AKLFAILOVER\CTSERVER'",
    "from": '"failover@example.com"',
    "host": '"demoserver.example.com"',
    "key_file": '"/etc/ipfx-failover/secrets/id_ed25519"',
    "known_hosts_file": '"/etc/ipfx-failover/known_hosts"',
    "management_address": '"192.168.12.1"',
    "password": '{ file = "/etc/ipfx-failover/secrets/password" }',
    "path": '"/mnt/demoserver/VM"',
    "path_conversions": (
        "[{ table = 'Profile', column = 'Path', from = '/VM/', to = '/srv/%servername%/VM/' }]"
    ),
    "patterns": '["*"]',
    "ready_port": "100",
    "reference_targets": '["192.168.11.254"]',
    "replicate_daily": '"01:00:00"',
    "services": '["ipfx-server.service"]',
    "smtp_server": '"192.168.11.5"',
    "template": """'{ "text": "$subject" }'""",
    "template_file": '"/etc/ipfx-failover/slack.json"',
    "alerts.commands.NAME.command": '["/usr/local/bin/page-somebody"]',
    "start": '["/opt/ipfx/bin/server", "--data", "{vm_dir}"]',
    "stop": '["/opt/ipfx/bin/server", "--stop"]',
    "url": '{ file = "/etc/ipfx-failover/secrets/webhook" }',
    "to": '["support@example.com", "it_management@example.com"]',
    "user": '"ipfx"',
    "username": '"failoverserver"',
    "vm_dir": '"/VM"',
    "vm_local_dir": '"/opt/ipfx"',
}
"""Values to show where the default says nothing, by key, or by table and key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One key."""

    table: tuple[str, ...]
    """Such as `("servers", NAME, "ssh")`."""
    key: str
    type: str
    """In words, with article, unit and range: "a whole number of milliseconds from …"."""
    entry_type: str
    """For a list: what each entry is; else the type again."""
    required: bool
    default: str
    """As TOML, on Linux; empty where there is none."""
    default_on_windows: str
    example: str
    """As TOML: a plausible value where the default is none or empty, else the default."""
    unit: str
    doc: str
    choices: tuple[str, ...] = ()
    base: Any = str
    """The Python type of the value, or of a list's entries."""
    is_list: bool = False
    limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """`ge`, `gt` and `le` of a number, `min_length` of a list."""
    pattern: str = ""
    """What a text must look like, as far as a regular expression can say it."""

    @property
    def is_secret(self) -> bool:
        return self.base is Secret

    @property
    def path(self) -> tuple[str, ...]:
        """Such as `("servers", NAME, "port")`."""
        return (*self.table, self.key)


@dataclass(frozen=True, slots=True)
class Table:
    """One table, with its keys in the order of the models."""

    path: tuple[str, ...]
    doc: str
    always: bool
    """Whether it is there, made of defaults, when the file has none."""
    rows: tuple[Row, ...]


@cache
def tables() -> tuple[Table, ...]:
    """Every table, parents first."""
    return tuple(_tables(models.Config, (), always=True))


@cache
def rows() -> tuple[Row, ...]:
    """Every key of every table."""
    return tuple(row for table in tables() for row in table.rows)


def generic_path(path: Iterable[str | int]) -> tuple[str, ...]:
    """A path in a config, with NAME for a server's or hook's name and ENTRY for each index."""
    parts = [ENTRY if isinstance(part, int) else part for part in path]
    for holder in HOLDERS:
        if tuple(parts[: len(holder)]) == holder and len(parts) > len(holder):
            parts[len(holder)] = NAME
    return (*parts,)


def _tables(
    model: type[models.Settings], path: tuple[str, ...], *, always: bool
) -> Iterator[Table]:
    fields = {
        key: (field, _Shape.of(field.annotation, field.metadata))
        for key, field in _fields_of(model)
        if (path, key) != (("servers", NAME), "name")
    }
    docs = _docs()[model.__name__]
    own = tuple(
        _row(path, key, field, shape, docs.get(key, ""))
        for key, (field, shape) in fields.items()
        if shape.model is None or shape.is_list
    )
    if path:
        yield Table(path, inspect.cleandoc(model.__doc__ or ""), always, own)
    for key, (field, shape) in fields.items():
        if shape.model is not None:
            entry = (ENTRY,) if shape.is_list else (NAME,) if shape.is_map else ()
            has_default = field.default_factory is not None and not entry
            yield from _tables(shape.model, (*path, key, *entry), always=has_default)


def _fields_of(model: type[models.Settings]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _names(model: type[models.Settings]) -> Iterator[tuple[str, str]]:
    """Each attribute, and the key that the file has for it."""
    for name, field in model.model_fields.items():
        yield name, field.alias or name


def _row(path: tuple[str, ...], key: str, field: FieldInfo, shape: _Shape, doc: str) -> Row:
    unit = _UNITS.get(key.rpartition("_")[2], "") if "_" in key else ""
    linux, windows = _DEFAULTS.get(key) or (field.get_default(call_default_factory=True),) * 2
    required = field.is_required()
    return Row(
        table=path,
        key=key,
        type=shape.words(unit),
        entry_type=shape.entry_words(unit),
        required=required,
        default="" if required else as_toml(linux),
        default_on_windows="" if required else as_toml(windows),
        example=_EXAMPLES.get(".".join((*path, key))) or _EXAMPLES.get(key) or as_toml(linux),
        unit=unit,
        doc=doc,
        choices=shape.choices,
        base=shape.base,
        limits=shape.limits,
        pattern=shape.pattern,
        is_list=shape.is_list,
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an annotation allows, as far as people care."""

    base: Any
    metadata: tuple[Any, ...] = ()
    is_list: bool = False
    is_map: bool = False

    @classmethod
    def of(cls, annotation: Any, metadata: Any = ()) -> _Shape:
        extra = tuple(_flat(metadata))
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return cls.of(args[0], (*args[1:], *extra))
        if origin in {Union, types.UnionType}:
            return cls.of(args[0] if args[1] is type(None) else args[1], extra)
        if origin is tuple:
            entry = cls.of(args[0])
            return cls(entry.base, (*entry.metadata, *extra), is_list=True)
        if origin is dict:
            return cls(args[1], extra, is_map=True)
        return cls(annotation, extra)

    @property
    def model(self) -> type[models.Settings] | None:
        is_model = isinstance(self.base, type) and issubclass(self.base, models.Settings)
        return self.base if is_model else None

    @property
    def choices(self) -> tuple[str, ...]:
        return get_args(self.base) if get_origin(self.base) is Literal else ()

    def words(self, unit: str) -> str:
        if not self.is_list:
            return self.entry_words(unit)
        return "a list of tables" if self.model else f"a list of {self._kind.plural}"

    def entry_words(self, unit: str) -> str:
        if self.model is not None:
            keys = ", ".join(key for key, _ in _fields_of(self.model))
            return f"a table {{ {keys} }}"
        if self.choices:
            quoted = [f'"{choice}"' for choice in self.choices]
            return " or ".join(part for part in (", ".join(quoted[:-1]), quoted[-1]) if part)
        if self.base in {int, float}:
            return self._number(unit)
        return self._kind.words

    def _number(self, unit: str) -> str:
        what = "a whole number" if self.base is int else "a number"
        if unit == "percent":
            what, unit = "a percentage", ""
        return what + (f" of {unit}" if unit else "") + self._range()

    @property
    def pattern(self) -> str:
        return next((item.pattern for item in self.metadata if isinstance(item, Kind)), "")

    @property
    def _kind(self) -> Kind:
        own = [item for item in self.metadata if isinstance(item, Kind)]
        return own[0] if own else _PLAIN[self.base]

    @property
    def limits(self) -> dict[str, int]:
        return {
            name: getattr(item, name)
            for item in self.metadata
            for name in ("ge", "gt", "le", "min_length")
            if hasattr(item, name)
        }

    def _range(self) -> str:
        limits = self.limits
        least = f"from {limits['ge']} to" if "ge" in limits else f"above {limits['gt']}, up to"
        return f" {least} {limits['le']}"


def _flat(metadata: Any) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        else:
            yield item


def as_toml(value: Any) -> str:
    """A value of the models as TOML writes it; empty for None, which TOML cannot say."""
    return "" if value is None else literal(plain(value))


def plain(value: Any) -> Any:
    """A value of the models as the file has it: no more than texts, numbers, lists and tables."""
    if isinstance(value, Secret):
        return MASK if value.is_literal else {value.source: value.reference}
    if isinstance(value, models.Settings):
        fields = ((key, getattr(value, name)) for name, key in _names(type(value)))
        return {key: plain(item) for key, item in fields if item is not None}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value if isinstance(value, bool | int | float | str | None) else str(value)


@cache
def _docs() -> dict[str, dict[str, str]]:
    """For each class of models.py, the string literal that follows each of its keys."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(models)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        docs = found.setdefault(node.name, {})
        for assigned, text in zip(node.body, node.body[1:], strict=False):
            if not isinstance(assigned, ast.AnnAssign) or not isinstance(text, ast.Expr):
                continue
            if isinstance(assigned.target, ast.Name) and isinstance(text.value, ast.Constant):
                key = assigned.target.id.removesuffix("_")
                docs[key] = " ".join(str(text.value.value).split())
    return found
