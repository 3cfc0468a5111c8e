"""Settings that are right one by one and wrong together."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.config import conflicts_sqlserver
from ipfx_failover.config.conflict import Conflict, Key
from ipfx_failover.config.kinds import is_name, is_whole_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.models import (
        AlertSettings,
        ApplicationSettings,
        Config,
        DatabaseSettings,
        FenceSettings,
        FileSettings,
        NetworkSettings,
        ServerSettings,
        WebhookSettings,
    )


def in_application(settings: ApplicationSettings) -> Iterator[Conflict]:
    if settings.services and (settings.start or settings.stop):
        yield Conflict(
            (("start",), ("stop",), ("services",)),
            "the application is started either by services or by start and stop, not both",
        )
    elif settings.stop and not settings.start:
        yield Conflict((("stop",), ("start",)), "stop needs start, the command that starts it")
    yield from _placeholders("services", settings.services)
    yield from _placeholders("start", settings.start)
    yield from _placeholders("stop", settings.stop)


def in_fence(settings: FenceSettings) -> Iterator[Conflict]:
    yield from _placeholders("command", settings.command)


def _placeholders(key: str, arguments: tuple[str, ...]) -> Iterator[Conflict]:
    """What would only be noticed when the command is to run, in the middle of a takeover."""
    if not any("{" in argument or "}" in argument for argument in arguments):
        return
    from ipfx_failover.config.placeholders import check_placeholders

    for complaint in check_placeholders(arguments):
        yield Conflict(((key,),), complaint)


def in_network(settings: NetworkSettings) -> Iterator[Conflict]:
    counts = ("warning_count", "failover_count", "failover_count_after_reboot")
    for smaller, larger in pairwise(counts):
        first, second = getattr(settings, smaller), getattr(settings, larger)
        if first > second:
            yield Conflict(
                ((smaller,), (larger,)),
                f"{smaller} ({first}) must not be larger than {larger} ({second})",
                f"set {smaller} to {second} or less, or raise {larger}",
            )


def in_alerts(settings: AlertSettings) -> Iterator[Conflict]:
    if settings.smtp_server and not settings.from_:
        yield Conflict(
            (("smtp_server",), ("from",)),
            "alerts need from, the address that they appear to come from",
            'add from = "failover@example.com"',
        )
    if settings.username and settings.password is None:
        yield Conflict(
            (("username",), ("password",)),
            "username needs a password",
            'add password = { file = "…" }',
        )
    if settings.password is not None and not settings.username:
        yield Conflict((("password",), ("username",)), "password needs a username")
    for key, hooks in (("webhooks", settings.webhooks), ("commands", settings.commands)):
        for name in hooks:
            if not is_name(name):
                yield Conflict(
                    ((key, name),),
                    "a hook's name must be 1 to 63 letters, digits, - and _, and not begin with -",
                )


def in_webhook(settings: WebhookSettings) -> Iterator[Conflict]:
    if settings.template is not None and settings.template_file is not None:
        yield Conflict(
            (("template",), ("template_file",)),
            "the body comes either from template or from template_file, not from both",
            "remove one of them",
        )


def in_database(settings: DatabaseSettings) -> Iterator[Conflict]:
    if settings.engine == "sqlserver":
        yield from conflicts_sqlserver.in_sqlserver(settings)
    elif not is_whole_path(settings.data_source):
        yield Conflict(
            (("data_source",), ("engine",)),
            "must be the whole path of the SQLite file on the live server",
            'for a SQL Server instance add engine = "sqlserver"',
        )


def in_files(settings: FileSettings) -> Iterator[Conflict]:
    if settings.transport == "path" and settings.path is None:
        yield Conflict(
            (("transport",), ("path",)),
            'transport = "path" needs path, where the live VM directory is mounted',
        )
    if settings.transport != "path" and settings.path is not None:
        yield Conflict(
            (("path",), ("transport",)),
            f'path is not used with transport = "{settings.transport}"',
            'set transport = "path", or remove path',
        )


def in_server(server: ServerSettings) -> Iterator[Conflict]:
    if server.assume_ip and server.auto_stop_failover:
        yield Conflict(
            (("auto_stop_failover",), ("assume_ip",)),
            "auto_stop_failover is not available with assume_ip",
            "remove one of them",
        )
    if server.management_address == server.address:
        yield Conflict(
            (("management_address",), ("address",)),
            "management_address must be another address than address: that one may be ours",
        )
    yield from _in_replication(server)
    if server.database is not None and server.database.engine == "sqlserver":
        yield from conflicts_sqlserver.in_server_with_sqlserver(server, server.database)


def _in_replication(server: ServerSettings) -> Iterator[Conflict]:
    if server.real_time != "off" and server.database and server.database.engine == "sqlite":
        yield Conflict(
            (("real_time",), ("database", "engine"), ("database",)),
            'the sqlite engine is warm only, it needs real_time = "off"',
        )
    for key in ("replicate_daily", "real_time"):
        if getattr(server, key) not in {None, "off"} and server.database is None:
            yield Conflict(
                ((key,), ("database",)),
                f"{key} needs a database to replicate",
                f"add [servers.{server.name}.database]",
            )
    if server.needs_ssh and server.ssh is None:
        needed_by = (("database",),) if server.database else (("files", "transport"), ("files",))
        yield Conflict(
            (*needed_by, ("ssh",), ("database", "engine")),
            "the live server is reached by SSH, and no [ssh] table says how",
            f"add [servers.{server.name}.ssh] with user and key_file",
        )
    if server.files and server.files.transport == "sftp" and server.live_vm_dir is None:
        yield Conflict(
            (("files",), ("database", "vm_dir"), ("database",), ("files", "transport")),
            "files are copied from the live VM directory, and nothing says where that is",
            f"set vm_dir in [servers.{server.name}.database]",
        )


def between_servers(config: Config) -> Iterator[Conflict]:
    """What is wrong between two servers, or a server and the rest."""
    yield from _names(config)
    yield from _same_addresses(config)
    yield from _same_catalogs(config)
    yield from _overlapping_directories(config)
    yield from conflicts_sqlserver.between_sqlservers(config)
    for name, server in config.servers.items():
        if server.assume_ip:
            yield from _cannot_assume(config, name)


def _names(config: Config) -> Iterator[Conflict]:
    seen: dict[str, str] = {}
    for name, server in config.servers.items():
        if server.name != name:
            yield Conflict(
                (("servers", name, "name"),),
                f"the server's name is that of its table, [servers.{name}]",
                "remove name, or rename the table",
            )
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield Conflict(
                (("servers", name), ("servers", other)),
                f"there is a server {other} already; names differ by more than case",
            )


def _same_addresses(config: Config) -> Iterator[Conflict]:
    seen: dict[object, tuple[str, str]] = {}
    for name, server in config.servers.items():
        for key in ("address", "management_address"):
            address = getattr(server, key)
            if address is None or (key != "address" and address == server.address):
                continue
            other = seen.setdefault(address, (name, key))
            if other != (name, key):
                yield Conflict(
                    (("servers", name, key), ("servers", *other)),
                    f"{address} is the {other[1]} of {other[0]} too",
                    "every server needs its own",
                )


def _same_catalogs(config: Config) -> Iterator[Conflict]:
    seen: dict[str, str] = {}
    for name, server in config.servers.items():
        catalog = server.standby_catalog
        if catalog is None:
            continue
        other = seen.setdefault(catalog.casefold(), name)
        if other != name and other.casefold() != name.casefold():
            yield Conflict(
                (("servers", name, "database", "catalog"), ("servers", other), ("servers", name)),
                f"its catalog here would be {catalog}, which is that of {other} already",
                "rename one of the servers",
            )


def _overlapping_directories(config: Config) -> Iterator[Conflict]:
    """Each directory against the one that may hold it: sorted, a holder comes right before."""
    places: list[tuple[tuple[str, ...], Key]] = [
        (_parts(server.local_vm_dir), ("servers", name, "local_vm_dir"))
        for name, server in config.servers.items()
    ]
    places.append((_parts(config.failover_server.state_dir), ("failover_server", "state_dir")))
    held: dict[Key, list[Key]] = {}
    holders: list[tuple[tuple[str, ...], Key]] = []
    for parts, key in sorted(places):
        while holders and parts[: len(holders[-1][0])] != holders[-1][0]:
            holders.pop()
        # Servers' directories below state_dir are the default; the other way round the file sync
        # would find a state store among the files that it may delete.
        if holders and (holders[-1][1][-1] != "state_dir" or parts == holders[-1][0]):
            held.setdefault(holders[-1][1], []).append(key)
        holders.append((parts, key))
    for holder, keys in held.items():
        yield _overlap(holder, keys)


def _overlap(holder: Key, held: list[Key]) -> Conflict:
    shown = ", ".join(".".join(key) for key in held[:3])
    more = f" and {len(held) - 3} more" if len(held) > 3 else ""
    blamed = sorted((holder, *held), key=lambda key: key[-1] == "state_dir")
    tables = tuple(("servers", key[1]) for key in blamed if key[0] == "servers")
    held_words = "them" if held[1:] else "it"
    return Conflict(
        (*blamed, *tables),
        f"{'.'.join(holder)} is the same directory as {shown}{more}, or holds {held_words}",
        "give each a directory of its own",
    )


def _parts(path: os.PathLike[str]) -> tuple[str, ...]:
    return Path(os.path.normcase(os.path.normpath(path))).parts


def _cannot_assume(config: Config, name: str) -> Iterator[Conflict]:
    key = ("servers", name, "assume_ip")
    if not config.network.adapter:
        yield Conflict(
            (key, ("network", "adapter")),
            "assume_ip needs to know the network adapter that takes the address",
            'set adapter in [network], such as adapter = "eth0"',
        )
    if config.network.failover_count < 2:
        yield Conflict(
            (key, ("network", "failover_count")),
            "assume_ip needs a failover_count of 2 or more: the address is probed by ARP between "
            "the first failed ping and the decision",
        )
