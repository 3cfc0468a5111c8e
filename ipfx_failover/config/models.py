"""The settings: key, unit, default and meaning, each said once, here.

The man page, the example config, `config check` and every workflow read these models. They are
frozen: what a workflow receives cannot change under it. Labels and defaults are the manual's
("Settings for the Failover Server", "Adding an IPFX Server to be monitored", "File replication").
"""

from __future__ import annotations

import re
from datetime import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from ipfx_failover.config.secrets import Secret

Port = Annotated[int, Field(ge=1, le=65535)]
Command = Annotated[tuple[str, ...], Field(min_length=1)]
ServerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,63}$")]
MailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")]

_DAILY = re.compile(r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")


class Settings(BaseModel):
    """Base of every table: frozen, and a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ApplicationSettings(Settings):
    """The Failover Server's own copy of the application, started while standing in.

    Either `services`, or `start` (and mostly `stop`). Commands may use the placeholders {server},
    {address}, {port}, {catalog}, {database}, {vm_dir} and {vm_local_dir}; the same values are in
    the environment as IPFX_SERVER, IPFX_ADDRESS and so on.
    """

    services: tuple[str, ...] = ()
    """System services (systemd units; Windows services) to start in this order."""
    start: tuple[str, ...] = ()
    """Command and arguments that start the application; no shell is involved. It may stay in the
    foreground or return 0 when the application runs."""
    stop: tuple[str, ...] = ()
    """Command and arguments that stop it; without one, the processes that `start` left are
    ended."""
    ready_port: Port | None = None
    """TCP port on which the application answers when it is ready; none: ready once started."""
    ready_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Seconds to wait for the port before the start counts as failed and is undone."""
    stop_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds to wait for the application to end before it is killed."""

    @model_validator(mode="after")
    def _one_way_to_start(self) -> ApplicationSettings:
        if self.services and (self.start or self.stop):
            raise ValueError("give either services, or start and stop commands, not both")
        if self.stop and not self.start:
            raise ValueError("a stop command needs a start command")
        return self


class FailoverServerSettings(Settings):
    """General tab: the machine that this runs on."""

    data_source: str = ""
    """The Failover Server's data source: its SQL Server instance, such as `AKLFAILOVER\\CTSERVER`.
    Not used by the sqlite engine, which keeps its copies under each server's `local_vm_dir`."""
    user_id: str = "sa"
    """The user ID for SQL on the Failover Server."""
    password: Secret | None = None
    """The password that goes with `user_id`."""
    vm_local_dir: Path | None = None
    """Where the application is installed on the Failover Server (VMLocal)."""
    state_dir: Path | None = None
    """Where state, journal and log are kept; the default is the system's place for such data."""
    application: ApplicationSettings = ApplicationSettings()


class NetworkSettings(Settings):
    """Network tab: how servers are watched. The manual warns: change these values on advice only."""

    adapter: str | None = None
    """Network adapter that takes addresses over and announces them; needed by `assume_ip`."""
    ping_interval_ms: Annotated[int, Field(ge=20, le=3_600_000)] = 2000
    """Milliseconds between two pings to a server."""
    ping_timeout_ms: Annotated[int, Field(ge=10, le=600_000)] = 1000
    """Milliseconds to wait for an answer."""
    warning_count: Annotated[int, Field(ge=1)] = 5
    """Consecutive failed pings before the warning e-mail."""
    failover_count: Annotated[int, Field(ge=1)] = 15
    """Consecutive failed pings before failover in normal operation."""
    failover_count_after_reboot: Annotated[int, Field(ge=1)] = 30
    """Consecutive failed pings before failover of a server that has not answered since this
    machine booted."""
    reference_targets: tuple[IPv4Address, ...] = ()
    """Addresses that show whether our own network works; empty: the gateway and the other
    Primaries."""
    management_interval_ms: Annotated[int, Field(ge=20, le=3_600_000)] = 2000
    """Milliseconds between two looks at an address that we hold: still ours, still announced."""

    @model_validator(mode="after")
    def _counts_in_order(self) -> NetworkSettings:
        if self.warning_count > self.failover_count:
            raise ValueError("warning_count must not be larger than failover_count")
        if self.failover_count > self.failover_count_after_reboot:
            raise ValueError("failover_count must not be larger than failover_count_after_reboot")
        return self


class AlertSettings(Settings):
    """Alerts tab: who is told by e-mail, and how."""

    smtp_server: str | None = None
    """Mail server that takes our alerts; none: no alerts are sent."""
    smtp_port: Port = 25
    """Its port."""
    smtp_security: Literal["auto", "none", "starttls", "tls"] = "auto"
    """auto: STARTTLS where offered (and always before a password is sent; `tls` on port 465)."""
    username: str | None = None
    """User name for the mail server."""
    password: Secret | None = None
    """The password that goes with `username`."""
    from_: Annotated[MailAddress | None, Field(alias="from")] = None
    """E-mail address from which alerts appear to be sent."""
    to: tuple[MailAddress, ...] = ()
    """Notify E-mail Addresses: who receives alerts."""

    @model_validator(mode="after")
    def _complete(self) -> AlertSettings:
        if self.smtp_server and not self.from_:
            raise ValueError("smtp_server needs a from address")
        if self.username and self.password is None:
            raise ValueError("username needs a password")
        return self


class SshSettings(Settings):
    """How the Primary is reached by SSH."""

    user: str
    """User name on the Primary."""
    key_file: Path
    """Private key, readable by its owner only."""
    host: str | None = None
    """Host name or address, where it is not the server's `address`."""
    port: Port = 22
    """TCP port of the SSH server."""
    known_hosts_file: Path | None = None
    """Host keys that are trusted; the default is `known_hosts` in `state_dir`."""
    connect_timeout_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """Seconds to wait for the connection."""


class DatabaseSettings(Settings):
    """Database tab: the live server's database."""

    engine: Literal["sqlite"]
    """Which database engine the application uses."""
    data_source: str
    """sqlite: path of the database file on the live server."""
    catalog: ServerName
    """Name of the catalog; on the Failover Server it becomes `<SERVER>_<catalog>`."""
    vm_dir: str | None = None
    """The live server's VM directory, the root of its replicated files."""
    vm_local_dir: str | None = None
    """The live server's VMLocal directory, where its application is installed."""


class Inclusion(Settings):
    """A row of the file inclusion table."""

    dir: str
    """Subdirectory of the VM directory; `/` and `\\` both separate."""
    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    """File name patterns (`*`, `?`), without regard to case."""
    recursive: bool = True
    """Whether directories below are included."""

    @field_validator("dir")
    @classmethod
    def _inside(cls, value: str) -> str:
        parts = value.replace("\\", "/").strip("/").split("/")
        if ".." in parts or ":" in value or value.startswith(("/", "\\")):
            raise ValueError("must be a directory below the VM directory")
        return "/".join(part for part in parts if part not in {"", "."})


MANUAL_INCLUSIONS = (
    Inclusion(dir="Extn", patterns=("*.wav", "*.vox")),
    Inclusion(dir="Custom", patterns=("*.wav", "*.vox")),
    Inclusion(dir="Mail", patterns=("*",)),
    Inclusion(dir="Music", patterns=("*",)),
    Inclusion(dir="Upload/Ext", patterns=("*",)),
)


class FileSettings(Settings):
    """File replication: what is kept in sync, and how carefully."""

    transport: Literal["sftp", "path"] = "sftp"
    """sftp: over SSH; path: the live VM directory is mounted (or a UNC path) at `path`."""
    path: Path | None = None
    """Where the live VM directory is mounted (transport `path`)."""
    real_time: bool = True
    """Whether a running monitor keeps the files in sync all the time."""
    poll_interval_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 2000
    """Milliseconds between two looks for changed files."""
    deletion_cap_percent: Annotated[int, Field(ge=0, le=100)] = 25
    """A pass that would delete more than this share of the files is refused."""
    trash_days: Annotated[int, Field(ge=0, le=3650)] = 14
    """Days that deleted and overwritten files stay in the trash."""
    include: tuple[Inclusion, ...] = MANUAL_INCLUSIONS
    """The file inclusion table."""

    @model_validator(mode="after")
    def _path_for_path(self) -> FileSettings:
        if self.transport == "path" and self.path is None:
            raise ValueError('transport = "path" needs path')
        return self


class FenceSettings(Settings):
    """A command that makes sure that a dead Primary stays dead (power switch, hypervisor)."""

    command: Command
    """Command and arguments, run before the address is taken; exit 0 means fenced."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """Seconds before it counts as failed."""
    required: bool = False
    """Whether a failed fence stops the takeover."""


class ServerSettings(Settings):
    """Server Details: one Primary Server."""

    name: ServerName
    """Network name of the server (the table's own name; not a key)."""
    address: IPv4Address
    """Its IP address."""
    port: Port = 100
    """TCP port of its application."""
    local_vm_dir: Path
    """Directory on the Failover Server for this server's replicated files."""
    assume_ip: bool = False
    """Whether the Failover Server adopts the failed server's address."""
    auto_stop_failover: bool = False
    """Stop failover when the failed server is back. All call data and voicemail left during
    failover are lost. Not available with `assume_ip`."""
    replicate_daily: time | None = None
    """Local time of the daily replication; none: only by hand."""
    real_time: Literal["off", "configuration", "all"] = "off"
    """Real time replication of the database (hot). The sqlite engine is warm only: `off`."""
    management_address: IPv4Address | None = None
    """A second address of the Primary, to see it return while we hold its first."""
    ssh: SshSettings | None = None
    database: DatabaseSettings | None = None
    files: FileSettings | None = None
    fence: FenceSettings | None = None

    @field_validator("replicate_daily", mode="before")
    @classmethod
    def _time_of_day(cls, value: object) -> object:
        if isinstance(value, str) and not _DAILY.match(value):
            raise ValueError('must be a time of day such as "01:00:00"')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> ServerSettings:
        if self.assume_ip and self.auto_stop_failover:
            raise ValueError("auto_stop_failover is not available with assume_ip")
        if self.real_time != "off" and self.database and self.database.engine == "sqlite":
            raise ValueError('the sqlite engine is warm only: real_time = "off"')
        if self.replicate_daily and self.database is None:
            raise ValueError("replicate_daily needs a [database] table")
        if self.needs_ssh and self.ssh is None:
            raise ValueError("needs an [ssh] table to reach the live server")
        if self.files and self.files.transport == "sftp" and self.live_vm_dir is None:
            raise ValueError("files need the live VM directory: database.vm_dir")
        return self

    @property
    def needs_ssh(self) -> bool:
        """Whether something of this server is only reached by SSH."""
        return self.database is not None or (
            self.files is not None and self.files.transport == "sftp"
        )

    @property
    def live_vm_dir(self) -> str | None:
        """The root of the live server's files, as the live server names it."""
        return self.database.vm_dir if self.database else None

    @property
    def standby_catalog(self) -> str | None:
        """The catalog's name on the Failover Server (manual, "Catalog name")."""
        return f"{self.name}_{self.database.catalog}" if self.database else None


class Config(Settings):
    """The whole config file."""

    failover_server: FailoverServerSettings = FailoverServerSettings()
    network: NetworkSettings = NetworkSettings()
    alerts: AlertSettings = AlertSettings()
    servers: dict[str, ServerSettings] = {}

    @model_validator(mode="after")
    def _servers_fit(self) -> Config:
        seen: dict[str, str] = {}
        for name, server in self.servers.items():
            if (other := seen.setdefault(name.casefold(), name)) != name:
                raise ValueError(f"servers {other} and {name} differ only in case")
            if server.assume_ip and not self.network.adapter:
                raise ValueError(f"servers.{name}.assume_ip needs network.adapter")
            if server.assume_ip and self.network.failover_count < 2:
                raise ValueError(
                    "assume_ip needs a failover_count of 2 or more: the address is probed by ARP "
                    "between the first failed ping and the decision"
                )
        return self
