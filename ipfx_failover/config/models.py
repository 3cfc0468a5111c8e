"""The settings: key, unit, default and meaning, each said once, here.

The man page, the example config, `config check` and every workflow read these models. They are
frozen: what a workflow receives cannot change under it. Labels and defaults are the manual's
("Settings for the Failover Server", "Adding an IPFX Server to be monitored", "File replication").

The texts below the keys are documentation for users: ipfx_failover.config.reference reads them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ipfx_failover.adapters.paths import places
from ipfx_failover.config import conflicts, defaults
from ipfx_failover.config.kinds import (
    SERVERNAME,
    Address,
    Command,
    Count,
    EventName,
    Flag,
    Host,
    LivePath,
    LocalPath,
    MailAddress,
    Name,
    Pattern,
    Port,
    Statement,
    Subdirectory,
    Template,
    Text,
    TimeOfDay,
)
from ipfx_failover.config.secrets import MASK, Secret

if TYPE_CHECKING:
    from pydantic import ModelWrapValidatorHandler
    from pydantic_core import InitErrorDetails

    from ipfx_failover.config.conflict import Conflict

PATH_KEYS: Final = (
    ("local_vm_dir",),
    ("ssh", "key_file"),
    ("ssh", "known_hosts_file"),
    ("database", "data_source"),
    ("database", "vm_dir"),
    ("database", "vm_local_dir"),
    ("database", "password", "file"),
    ("database", "backup_dir"),
    ("database", "path_conversions", "to"),
    ("files", "path"),
)
"""Keys below [servers.NAME] in which `%servername%` is expanded."""


class Settings(BaseModel):
    """Base of every table: frozen, and a key that nobody knows is an error.

    An error never holds what was given: it may be a password, or a table with one in it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,  # one validator for the whole tree, built at first use
    )

    def conflicts(self) -> Iterable[Conflict]:
        """What is wrong between this table's keys, each of which is right."""
        return ()

    @classmethod
    def prepare(cls, given: object) -> object:
        """The table as it is given, with what is filled in before its keys are looked at."""
        return given

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, given: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            table = handler(cls.prepare(given))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            table = None
        else:
            details = []
        if table is None:
            raise ValidationError.from_exception_data(
                cls.__name__, [_without_input(detail) for detail in details], hide_input=True
            )
        found = tuple(table.conflicts())
        if found:
            raise ValidationError.from_exception_data(
                cls.__name__, [{"type": _conflict_error(found), "input": MASK}], hide_input=True
            )
        return table


def _without_input(detail: Any) -> InitErrorDetails:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind in {"conflict", "wrong_kind"}:
        kind = PydanticCustomError(kind, "{text}", {"text": detail["msg"], **context})
    return {"type": kind, "loc": detail["loc"], "input": MASK, "ctx": context}


def _conflict_error(found: tuple[Conflict, ...]) -> PydanticCustomError:
    text = "; ".join(conflict.message for conflict in found)
    return PydanticCustomError("conflict", "{text}", {"text": text, "conflicts": found})


class ApplicationSettings(Settings):
    """The Failover Server's own copy of the application, started while standing in.

    Either `services`, or `start` (and mostly `stop`). They may use the placeholders {server},
    {address}, {port}, {catalog}, {database}, {vm_dir} and {vm_local_dir}; a literal brace is
    written twice. Commands have the same values in their environment, as IPFX_SERVER,
    IPFX_ADDRESS and so on.
    """

    services: tuple[Text, ...] = ()
    """System services (systemd units; Windows services) to start in this order."""
    start: Command = ()
    """Command and arguments that start the application; no shell is involved. It may stay in the
    foreground or return 0 when the application runs."""
    stop: Command = ()
    """Command and arguments that stop it; without one, the processes that `start` left are
    ended."""
    ready_port: Port | None = None
    """TCP port on which the application answers when it is ready; none: ready once started."""
    ready_timeout_s: Annotated[float, Field(strict=True, gt=0, le=3600)] = 120.0
    """Seconds to wait for the port before the start counts as failed and is undone."""
    stop_timeout_s: Annotated[float, Field(strict=True, gt=0, le=3600)] = 60.0
    """Seconds to wait for the application to end before it is killed."""

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_application(self)


class SqlServerSettings(Settings):
    """How a SQL Server is talked to (engine `sqlserver`)."""

    login: Literal["sql", "windows"] = "sql"
    """sql: by `user_id` and `password`; windows: as the account that this runs as."""
    driver: Text | None = None
    """ODBC driver: its name, or the path of its library; none: the best one that is installed
    (Microsoft's 18, 17, then FreeTDS)."""
    encrypt: Flag = True
    """Whether the connection is encrypted. Without, whoever is on the way reads passwords."""
    trust_server_certificate: Flag = False
    """Whether any certificate is accepted. Then whoever is on the way can pose as the server."""
    connect_timeout_s: Annotated[int, Field(strict=True, ge=1, le=600)] = 15
    """Seconds to wait for a connection."""
    statement_timeout_s: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 120
    """Seconds that a statement may take; backup and restore have `stall_timeout_s` instead."""
    stall_timeout_s: Annotated[int, Field(strict=True, ge=10, le=86_400)] = 900
    """Seconds that a backup or a restore may make no progress before it is ended."""


class FailoverServerSettings(Settings):
    """General tab: the machine that this runs on."""

    data_source: str = ""
    """The Failover Server's data source: its SQL Server instance, such as `AKLFAILOVER\\CTSERVER`.
    Not used by the sqlite engine, which keeps its copies under each server's `local_vm_dir`."""
    user_id: Text = "sa"
    """The user ID for SQL on the Failover Server. Not used by the sqlite engine."""
    password: Secret | None = None
    """The password that goes with `user_id`. Not used by the sqlite engine."""
    vm_local_dir: LocalPath | None = None
    """Where the application is installed on the Failover Server (VMLocal)."""
    state_dir: LocalPath = Field(default_factory=lambda: places(os.environ).state_dir)
    """Where state, journal and log are kept."""
    sql: SqlServerSettings = Field(default_factory=lambda: SqlServerSettings())
    application: ApplicationSettings = Field(default_factory=lambda: ApplicationSettings())


class NetworkSettings(Settings):
    """Network tab: how servers are watched.

    The manual warns: do not modify these values except on advice.
    """

    adapter: Text | None = None
    """Network adapter that takes addresses over and announces them; needed by `assume_ip`."""
    ping_interval_ms: Annotated[int, Field(strict=True, ge=20, le=3_600_000)] = (
        defaults.PING_INTERVAL_MS
    )
    """Milliseconds between two pings to a server."""
    ping_timeout_ms: Annotated[int, Field(strict=True, ge=10, le=600_000)] = 1000
    """Milliseconds to wait for an answer."""
    warning_count: Count = 5
    """Consecutive failed pings before the warning e-mail."""
    failover_count: Count = 15
    """Consecutive failed pings before failover in normal operation."""
    failover_count_after_reboot: Count = 30
    """Consecutive failed pings before failover of a server that has not answered since this
    machine booted."""
    reference_targets: tuple[Address, ...] = ()
    """Addresses that show whether our own network works; empty: the gateway and the other
    Primaries."""
    management_interval_ms: Annotated[int, Field(strict=True, ge=20, le=3_600_000)] = 2000
    """Milliseconds between two looks at an address that we hold: still ours, still announced."""

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_network(self)


class WebhookSettings(Settings):
    """A web address that is told of events, beside the mails: a JSON body, sent by POST.

    What cannot be sent is kept and tried again, as mails are, and delays nothing else. A redirect
    to another host is not followed.
    """

    url: Secret
    """The address, a secret because there is mostly a token in it. `https` certificates are
    verified; `http` can be read by whoever is on the way."""
    template: Template | None = None
    """The body: JSON, with $subject, $text, $next_step, $body, $kind, $level, $server, $at and
    $host between its quotes. None: the event as a JSON object."""
    template_file: LocalPath | None = None
    """A file with the template in it; examples for Slack and Teams are in examples/webhooks."""
    events: tuple[EventName, ...] = ()
    """Kinds of events to tell of, as `log --json` names them; none: whatever is mailed."""
    timeout_s: Annotated[float, Field(strict=True, gt=0, le=60)] = 10.0
    """Seconds until the answer must be there."""

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_webhook(self)


class CommandHookSettings(Settings):
    """A command that is told of events, beside the mails.

    It gets the event as a JSON object on standard input, and in variables: IPFX_FAILOVER_SUBJECT,
    _TEXT, _NEXT_STEP, _BODY, _KIND, _LEVEL, _SERVER, _AT and _HOST. Of our own variables it has
    only those that programs need to run (PATH, HOME, LANG and their like), and none with a secret.
    What it prints goes to the log. One that fails is run again later, as mails are sent again.
    """

    command: Annotated[Command, Field(min_length=1)]
    """Command and arguments; no shell is involved. Exit 0 means told."""
    events: tuple[EventName, ...] = ()
    """Kinds of events to tell of, as `log --json` names them; none: whatever is mailed."""
    timeout_s: Annotated[float, Field(strict=True, gt=0, le=60)] = 10.0
    """Seconds before it is killed, with what it has started."""


class AlertSettings(Settings):
    """Alerts tab: who is told by e-mail, and how."""

    model_config = ConfigDict(populate_by_name=True)

    smtp_server: Host | None = None
    """Mail server that takes our alerts; none: no alerts are sent."""
    smtp_port: Port = 25
    """Its port."""
    smtp_security: Literal["auto", "none", "starttls", "tls"] = "auto"
    """auto: STARTTLS where offered (and always before a password is sent; `tls` on port 465)."""
    username: Text | None = None
    """User name for the mail server."""
    password: Secret | None = None
    """The password that goes with `username`."""
    from_: Annotated[MailAddress | None, Field(alias="from")] = None
    """E-mail address from which alerts appear to be sent."""
    to: tuple[MailAddress, ...] = ()
    """Notify E-mail Addresses: who receives alerts."""
    webhooks: dict[str, WebhookSettings] = Field(default_factory=dict)
    commands: dict[str, CommandHookSettings] = Field(default_factory=dict)

    @property
    def hooks(self) -> dict[str, WebhookSettings | CommandHookSettings]:
        """All webhooks and commands, by the channel that each has in the outbox and in messages."""
        return {
            **{f"webhook {name}": hook for name, hook in self.webhooks.items()},
            **{f"command {name}": hook for name, hook in self.commands.items()},
        }

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_alerts(self)


class SshSettings(Settings):
    """How the Primary is reached by SSH."""

    user: Text
    """User name on the Primary."""
    key_file: LocalPath
    """Private key, readable by its owner only."""
    host: Host | None = None
    """Host name or address, where it is not the server's `address`."""
    port: Port = 22
    """TCP port of the SSH server."""
    known_hosts_file: LocalPath | None = None
    """Host keys that are trusted; none: `known_hosts` in `state_dir`."""
    connect_timeout_s: Annotated[float, Field(strict=True, gt=0, le=600)] = 10.0
    """Seconds to wait for the connection."""


class PathConversion(Settings):
    """A column with paths in it, which are others on the Failover Server (profile paths)."""

    model_config = ConfigDict(populate_by_name=True)

    table: Text
    """The table: `name` or `schema.name`."""
    column: Text
    """The column."""
    from_: Annotated[Text, Field(alias="from")]
    """How a path begins on the live server, such as `C:\\VM\\`."""
    to: Text
    """How it begins on the Failover Server, such as `C:\\VM\\%servername%\\VM\\`."""


class DatabaseSettings(Settings):
    """Database tab: the live server's database."""

    engine: Literal["sqlserver", "sqlite"] = "sqlite"
    """Which database engine the application uses."""
    data_source: Text
    """sqlserver: the instance, `HOST\\INSTANCE` or `HOST,PORT`; sqlite: path of the database file
    on the live server."""
    catalog: Name = "CTSERVER"
    """Name of the catalog; on the Failover Server it becomes `<SERVER>_<catalog>`."""
    user_id: Text = "sa"
    """The user ID for SQL on the live server. Not used by the sqlite engine."""
    password: Secret | None = None
    """The password that goes with `user_id`. Not used by the sqlite engine."""
    vm_dir: LivePath | None = None
    """The live server's VM directory, the root of its replicated files."""
    vm_local_dir: LivePath | None = None
    """The live server's VMLocal directory, where its application is installed."""
    backup_dir: LivePath | None = None
    """Directory of the backup file on the live server, which its SQL Server and we write and read;
    none: `DB` in `vm_dir`. Not used by the sqlite engine."""
    keep_backups: Annotated[int, Field(strict=True, ge=0, le=366)] = 1
    """How many nights' backup files stay on the Failover Server. Not used by the sqlite engine."""
    path_conversions: tuple[PathConversion, ...] = ()
    """Columns whose paths are converted on the way to the Failover Server, and back. Not used by
    the sqlite engine."""
    after_restore: tuple[Statement, ...] = ()
    """SQL statements that are executed in each restored copy on the Failover Server, such as the
    manual's "Reports DB details". With real_time, a row that the live server changes later comes as
    it is there: let them change only what is not followed. Not used by the sqlite engine."""
    configuration_tables: tuple[Text, ...] = ()
    """The tables that `real_time = "configuration"` follows: `name` or `schema.name`."""
    row_interval_ms: Annotated[int, Field(strict=True, ge=20, le=3_600_000)] = (
        defaults.ROW_INTERVAL_MS
    )
    """Milliseconds between two looks for changed rows (hot)."""
    sql: SqlServerSettings = Field(default_factory=lambda: SqlServerSettings())

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_database(self)


class Inclusion(Settings):
    """A row of the file inclusion table."""

    dir: Subdirectory
    """Subdirectory of the VM directory; `/` and `\\` both separate."""
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    """File name patterns (`*`, `?`), without regard to case."""
    recursive: Flag = True
    """Whether directories below are included."""


def _row(dir_: str, *patterns: str) -> Inclusion:
    # Known to be right, and validating them would build their validator at every start.
    return Inclusion.model_construct(dir=dir_, patterns=patterns, recursive=True)


MANUAL_INCLUSIONS: Final = (
    _row("Extn", "*.wav", "*.vox"),
    _row("Custom", "*.wav", "*.vox"),
    _row("Mail", "*"),
    _row("Music", "*"),
    _row("Upload/Ext", "*"),
)


class FileSettings(Settings):
    """File replication: what is kept in sync, and how carefully."""

    transport: Literal["sftp", "path"] = "sftp"
    """sftp: over SSH; path: the live VM directory is mounted (or a UNC path) at `path`."""
    path: LocalPath | None = None
    """Where the live VM directory is mounted (transport `path`)."""
    real_time: Flag = True
    """Whether a running monitor keeps the files in sync all the time."""
    poll_interval_ms: Annotated[int, Field(strict=True, ge=100, le=3_600_000)] = 2000
    """Milliseconds between two looks for changed files."""
    deletion_cap_percent: Annotated[int, Field(strict=True, ge=0, le=100)] = 25
    """A pass that would delete more than this share of the files is refused."""
    trash_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 14
    """Days that deleted and overwritten files stay in the trash."""
    include: tuple[Inclusion, ...] = MANUAL_INCLUSIONS
    """The file inclusion table."""

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_files(self)


class FenceSettings(Settings):
    """A command that makes sure that a dead Primary stays dead (power switch, hypervisor)."""

    command: Annotated[Command, Field(min_length=1)]
    """Command and arguments, run before the address is taken; exit 0 means fenced. Placeholders
    as for the application."""
    timeout_s: Annotated[float, Field(strict=True, gt=0, le=600)] = 10.0
    """Seconds before it counts as failed."""
    required: Flag = False
    """Whether a failed fence stops the takeover."""

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_fence(self)


class ServerSettings(Settings):
    """Server Details: one Primary Server."""

    name: Name
    """Network name of the server (the table's own name; not a key)."""
    address: Address
    """Its IP address."""
    port: Port = defaults.PORT
    """TCP port of its application."""
    local_vm_dir: LocalPath = Path(places(os.environ).local_vm_dir)
    """Directory on the Failover Server for this server's replicated files."""
    assume_ip: Flag = False
    """Whether the Failover Server adopts the failed server's address."""
    auto_stop_failover: Flag = False
    """Stop failover when the failed server is back. All call data and voicemail left during
    failover are lost. Not available with `assume_ip`."""
    replicate_daily: TimeOfDay | None = None
    """Local time of the daily replication; none: only by hand."""
    real_time: Literal["off", "configuration", "all"] = "off"
    """Real time replication of the database (hot). The sqlite engine is warm only: `off`."""
    management_address: Address | None = None
    """A second address of the Primary, to see it return while we hold its first."""
    ssh: SshSettings | None = None
    database: DatabaseSettings | None = None
    files: FileSettings | None = None
    fence: FenceSettings | None = None

    @classmethod
    def prepare(cls, given: object) -> object:
        """With `%servername%` expanded in paths; `local_vm_dir` filled in where it is absent."""
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return given
        table = {"local_vm_dir": places(os.environ).local_vm_dir, **given}
        for key in PATH_KEYS:
            table = _expanded(table, key, given["name"])
        return table

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.in_server(self)

    @property
    def needs_ssh(self) -> bool:
        """Whether something of this server is only reached by SSH.

        A SQL Server is spoken to by itself, and its backup is read where its directory is mounted.
        """
        if self.files is not None and self.files.transport == "path":
            return self.database is not None and self.database.engine == "sqlite"
        return self.database is not None or self.files is not None

    @property
    def live_vm_dir(self) -> str | None:
        """The root of the live server's files, as the live server names it."""
        return self.database.vm_dir if self.database else None

    @property
    def standby_catalog(self) -> str | None:
        """The catalog's name on the Failover Server (manual, "Catalog name")."""
        return f"{self.name}_{self.database.catalog}" if self.database else None


def _expanded(table: dict[str, Any], key: tuple[str, ...], name: str) -> dict[str, Any]:
    """A copy of the table with `%servername%` replaced at this key, if it is there."""
    value = table.get(key[0])
    if isinstance(value, list) and key[1:]:
        entries = [
            _expanded(each, key[1:], name) if isinstance(each, dict) else each for each in value
        ]
        return {**table, key[0]: entries}
    if isinstance(value, dict) and key[1:]:
        return {**table, key[0]: _expanded(value, key[1:], name)}
    if isinstance(value, str | Path) and not key[1:] and "%" in str(value):
        return {**table, key[0]: SERVERNAME.sub(lambda _: name, str(value))}
    return table


class Config(Settings):
    """The whole config file."""

    failover_server: FailoverServerSettings = Field(
        default_factory=lambda: FailoverServerSettings()
    )
    network: NetworkSettings = Field(default_factory=lambda: NetworkSettings())
    alerts: AlertSettings = Field(default_factory=lambda: AlertSettings())
    servers: dict[str, ServerSettings] = Field(default_factory=dict)

    @classmethod
    def prepare(cls, given: object) -> object:
        """With each server's name filled in from its table's name."""
        if not isinstance(given, dict) or not isinstance(given.get("servers"), dict):
            return given
        named = {
            name: {"name": name, **table} if isinstance(table, Mapping) else table
            for name, table in given["servers"].items()
        }
        return {**given, "servers": named}

    def conflicts(self) -> Iterable[Conflict]:
        return conflicts.between_servers(self)
