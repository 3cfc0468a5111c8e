"""What follows from the config for one Primary Server. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.config.explain_sqlserver import explain_sqlserver, unused_by_sqlite
from ipfx_failover.config.findings import (
    duration,
    file_findings,
    in_commands,
    note,
    ok,
    secret_findings,
    volatile,
    warning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.findings import Facts, Finding
    from ipfx_failover.config.models import Config, FileSettings, ServerSettings

_ARP_PROBES: Final = 3
"""RFC 5227, section 1.1: PROBE_NUM."""


def explain_server(config: Config, server: ServerSettings, facts: Facts) -> Iterator[Finding]:
    """What follows from the config for this server."""
    yield _decision(config, server)
    yield from _address(config, server, facts)
    yield from _copies(server)
    yield from _database(server, facts)
    if server.files is not None:
        yield from _files(server.name, server.files, facts)
    yield from _rights(config, server, facts)
    if server.auto_stop_failover:
        yield warning(
            server.name,
            "automatically stop failover: all call data and voicemail messages left during "
            "failover will be lost",
            "leave auto_stop_failover out to fail back by hand, with everything kept",
        )


def _decision(config: Config, server: ServerSettings) -> Finding:
    network = config.network
    interval_ms, timeout_ms = network.ping_interval_ms, network.ping_timeout_ms
    normal, rebooted = network.failover_count, network.failover_count_after_reboot
    return ok(
        server.name,
        f"fails over {duration(normal * interval_ms + timeout_ms)} after the last answered ping "
        f"({normal} x {interval_ms} ms + {timeout_ms} ms); "
        f"{duration(rebooted * interval_ms + timeout_ms)} if it has not answered since this "
        "machine booted",
    )


def _address(config: Config, server: ServerSettings, facts: Facts) -> Iterator[Finding]:
    if server.address in facts.own_addresses:
        yield warning(
            server.name,
            f"{server.address} is this machine's own address: it would watch itself",
            "set address to the Primary's",
        )
    if server.assume_ip and not facts.takes_addresses:
        yield warning(
            server.name,
            "on Windows this version takes no address over: the monitor refuses to start",
            "leave assume_ip off, and have clients try both addresses",
        )
        return
    if server.assume_ip:
        yield from _takeover(config, server, facts)
        return
    yield note(
        server.name,
        f"clients must know the Failover Server's own address: {server.address} is not taken over",
        "set assume_ip = true to have it taken over" if facts.takes_addresses else "",
    )
    if server.fence is None:
        return
    yield from _fence(config, server)


def _takeover(config: Config, server: ServerSettings, facts: Facts) -> Iterator[Finding]:
    adapter = config.network.adapter
    networks = [own.network for own in facts.interfaces or () if own.network.prefixlen < 32]
    if networks and not any(server.address in network for network in networks):
        yield warning(
            server.name,
            f"{server.address} is outside of the network of {adapter} "
            f"({', '.join(map(str, networks))}): taken over there, nobody would find it",
            "leave assume_ip off, or name the adapter that is in the Primary's network",
        )
    else:
        yield ok(server.name, f"{server.address} moves to {adapter}; clients keep their settings")
    probes = config.network.failover_count - 1
    if probes < _ARP_PROBES:
        fit = "1 ARP probe fits" if probes == 1 else f"{probes} ARP probes fit"
        yield note(
            server.name,
            f"only {fit} before the decision (failover_count {probes + 1}), where RFC 5227 wants "
            f"{_ARP_PROBES}: an owner that is slow to answer may be overlooked",
            f"set failover_count to {_ARP_PROBES + 1} or more",
        )
    if server.management_address is None:
        yield note(
            server.name,
            "while we hold its address, only ARP shows that the Primary is back",
            "set management_address to a second address of it, if it has one",
        )
    yield from _fence(config, server)


def _fence(config: Config, server: ServerSettings) -> Iterator[Finding]:
    if server.fence is None:
        yield note(
            server.name,
            "no fence: a Primary that is cut off but alive keeps its address, and both have it "
            "when the cut heals",
            f"set a command that switches it off in [servers.{server.name}.fence]",
        )
        return
    yield from in_commands(config, server.name, "fence.command", server.fence.command)
    if not server.fence.required:
        yield note(
            server.name,
            "a fence that fails does not stop the takeover",
            "set required = true to rather have no service than two owners",
        )


def _copies(server: ServerSettings) -> Iterator[Finding]:
    if server.database is None and server.files is None:
        yield warning(
            server.name,
            "no database and no files: the application would stand in with nothing",
            f"add [servers.{server.name}.database] and [servers.{server.name}.files]",
        )
    elif server.files is None:
        yield note(
            server.name,
            "no files are copied: voicemail and announcements are missing after a failover",
            f"add [servers.{server.name}.files]",
        )
    elif server.database is None:
        yield note(server.name, "no database is copied: only files are there after a failover")


def _database(server: ServerSettings, facts: Facts) -> Iterator[Finding]:
    if server.database is None:
        return
    if server.real_time == "off":
        yield _warm(server)
    if server.database.engine == "sqlserver":
        yield from explain_sqlserver(server, server.database, facts)
    else:
        yield from unused_by_sqlite(server.name, server.database)


def _warm(server: ServerSettings) -> Finding:
    if server.replicate_daily is None:
        return warning(
            server.name,
            "the database is copied by hand only: whatever came after the last time is lost at "
            "failover",
            'set replicate_daily, such as replicate_daily = "01:00:00"',
        )
    return note(
        server.name,
        "warm standby: up to 24 h of rows are lost at failover, those since the replication "
        f"at {server.replicate_daily:%H:%M:%S}",
    )


def _files(name: str, files: FileSettings, facts: Facts) -> Iterator[Finding]:
    if not files.include:
        yield warning(
            name, "include is empty: no file is copied", "remove include to have the manual's table"
        )
    if not files.real_time:
        yield note(name, "files are copied by sync-files only, not as they change")
    if files.deletion_cap_percent == 100:
        yield warning(
            name,
            "deletion_cap_percent = 100: a Primary's empty disk would empty our copy too",
            "leave it at 25",
        )
    if files.trash_days == 0:
        yield note(name, "trash_days = 0: deleted and overwritten files are gone at once")
    if files.path is not None and facts.look and facts.look(files.path).kind != "directory":
        yield warning(name, f"files.path {files.path} is not a directory", "is it mounted?")


def _rights(config: Config, server: ServerSettings, facts: Facts) -> Iterator[Finding]:
    yield from volatile(server.name, "local_vm_dir", server.local_vm_dir)
    application = config.failover_server.vm_local_dir
    if application and application.is_relative_to(server.local_vm_dir):
        yield warning(
            server.name,
            "vm_local_dir, the application itself, is inside of local_vm_dir, where files of the "
            "Primary are copied to and deleted",
            "keep the application in a directory of its own",
        )
    if server.database is not None:
        yield from secret_findings(
            server.name, "database.password", server.database.password, facts
        )
    if server.ssh is None:
        return
    yield from file_findings(server.name, "ssh.key_file", server.ssh.key_file, facts)
    known_hosts = server.ssh.known_hosts_file or config.failover_server.state_dir / "known_hosts"
    if facts.look and facts.look(known_hosts).kind == "missing":
        yield warning(
            server.name,
            f"{known_hosts} is not there: no SSH host key is trusted yet",
            f"compare and trust it: ipfx-failover server trust {server.name}",
        )
