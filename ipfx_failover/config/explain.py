"""What follows from a config, in plain words: what an operator would want to have been told.

Pure: facts about this machine come in as values, and what is at a path through a callable.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ipfx_failover.config.explain_hooks import explain_hooks
from ipfx_failover.config.explain_server import explain_server
from ipfx_failover.config.explain_sqlserver import explain_ours, has_sqlserver
from ipfx_failover.config.findings import (
    Facts,
    Finding,
    duration,
    in_commands,
    note,
    ok,
    secret_findings,
    volatile,
    warning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.models import AlertSettings, Config

__all__ = ["Facts", "Finding", "explain"]

_NO_FACTS: Final = Facts()
_HASTY_MS: Final = 3000
_SWITCH_S: Final = 30
"""What a switch takes to forward again after a restart (spanning tree: 2 x 15 s)."""


def explain(config: Config, *, facts: Facts = _NO_FACTS) -> list[Finding]:
    """What follows from the config, the general first, then server by server.

    Args:
        config: a config that holds together.
        facts: what is known about this machine; what is not known is not judged.
    """
    findings = [
        *_fleet(config),
        *_timing(config),
        *_references(config, facts),
        *_adapter(config, facts),
        *_alerts(config, facts),
        *explain_hooks(config, facts),
        *_application(config),
        *_failover_server(config, facts),
    ]
    for server in config.servers.values():
        findings += explain_server(config, server, facts)
    return findings


def _fleet(config: Config) -> Iterator[Finding]:
    if not config.servers:
        yield warning(
            "servers",
            "no server is configured: nothing is watched",
            "add one with: ipfx-failover server add NAME",
        )
    elif len(config.servers) > 1:
        yield note(
            "servers",
            f"of {len(config.servers)} servers one can be stood in for at a time: the first that "
            "fails; for the others there is an alert only",
        )


def _timing(config: Config) -> Iterator[Finding]:
    network = config.network
    interval_ms, timeout_ms = network.ping_interval_ms, network.ping_timeout_ms
    warned_ms = network.warning_count * interval_ms + timeout_ms
    decided_ms = network.failover_count * interval_ms + timeout_ms
    yield ok(
        "network",
        f"the warning e-mail goes out {duration(warned_ms)} after the last answered ping, "
        f"{duration(decided_ms - warned_ms)} before the failover",
    )
    if timeout_ms > interval_ms:
        yield note(
            "network",
            f"a ping may be answered after the next one was sent (ping_timeout_ms {timeout_ms}, "
            f"ping_interval_ms {interval_ms})",
        )
    if decided_ms < _HASTY_MS and config.servers:
        yield note(
            "network",
            f"failover after {duration(decided_ms)} does not wait for a switch that restarts, "
            f"which takes about {_SWITCH_S} s",
            "raise failover_count, unless every switch is redundant",
        )


def _references(config: Config, facts: Facts) -> Iterator[Finding]:
    targets = config.network.reference_targets
    by_address = {server.address: name for name, server in config.servers.items()}
    for target in targets:
        if target in by_address:
            yield note(
                "network",
                f"reference target {target} is {by_address[target]}: it does not count when that "
                "is the server that is silent",
            )
        if target in facts.own_addresses:
            yield warning(
                "network", f"reference target {target} is this machine itself: it proves nothing"
            )
    if len(targets) == 1:
        yield note(
            "network",
            f"{targets[0]} is the only reference target: while it is silent, nothing is taken over",
            "name a second one, such as another switch or a name server",
        )
    elif not targets:
        yield from _implied_references(config, facts)


def _implied_references(config: Config, facts: Facts) -> Iterator[Finding]:
    others = len(config.servers) > 1
    if facts.gateway is not None:
        who = f"the gateway {facts.gateway}{' and the other Primaries' if others else ''}"
        yield ok("network", f"{who} {'show' if others else 'shows'} that our own network works")
    elif others:
        yield note(
            "network",
            "only the other Primaries show that our own network works: when all are silent at "
            "once, none is taken over",
            "set reference_targets in [network], such as the switch's address",
        )
    else:
        yield warning(
            "network",
            "no reference target: only the cable is watched, and a broken switch looks like a "
            "dead Primary",
            "set reference_targets in [network], such as the gateway's address",
        )


def _adapter(config: Config, facts: Facts) -> Iterator[Finding]:
    adapter = config.network.adapter
    if adapter is None:
        yield note(
            "network",
            "no adapter is named: a pulled cable of our own is not seen, and no address can be "
            "taken over",
            "set adapter in [network]",
        )
    elif facts.interfaces is not None and not facts.interfaces:
        yield warning(
            "network",
            f"the adapter {adapter} is not there, or has no IPv4 address to be reached at",
            "correct adapter in [network]",
        )
    elif facts.interfaces:
        known = ", ".join(f"{each.ip}, mask {each.netmask}" for each in facts.interfaces)
        yield ok("network", f"the adapter {adapter} has {known}")


def _alerts(config: Config, facts: Facts) -> Iterator[Finding]:
    alerts = config.alerts
    lacking = [
        words
        for missing, words in (
            (not alerts.smtp_server, "no smtp_server"),
            (not alerts.to, "no recipients"),
        )
        if missing
    ]
    if lacking:
        what = "mail" if alerts.hooks else "alert"
        yield warning(
            "alerts",
            f"no {what} will be sent: {' and '.join(lacking)}",
            "set smtp_server, from and to in [alerts]",
        )
    else:
        people = "1 recipient" if len(alerts.to) == 1 else f"{len(alerts.to)} recipients"
        yield ok("alerts", f"alerts go to {people} through {alerts.smtp_server}:{alerts.smtp_port}")
    if alerts.smtp_server:
        yield from _mail_server(config, alerts.smtp_server)
        yield from _mail_security(alerts)
    yield from secret_findings("alerts", "password", alerts.password, facts)


def _mail_server(config: Config, host: str) -> Iterator[Finding]:
    for name, server in config.servers.items():
        known = {str(server.address), name.casefold(), str(server.management_address)}
        if host.casefold() in known or (server.ssh and host == server.ssh.host):
            yield warning(
                "alerts",
                f"alerts go through {name} itself, which is down when they matter",
                "use a mail server that no Primary runs on",
            )
            return
    if not host.replace(".", "").isdigit() and ":" not in host:
        yield note(
            "alerts",
            f"{host} is a name: without a name server there are no alerts",
            "use its address if the name server may fail together with a Primary",
        )


def _mail_security(alerts: AlertSettings) -> Iterator[Finding]:
    security, port = alerts.smtp_security, alerts.smtp_port
    if security == "none" and alerts.password is not None:
        yield warning(
            "alerts",
            'smtp_security = "none" sends the password over the network for all to read',
            'set smtp_security = "auto"',
        )
    if (security, port) in {("tls", 25), ("tls", 587), ("starttls", 465)}:
        usual = "tls" if port == 465 else "starttls"
        yield warning(
            "alerts",
            f'port {port} usually speaks "{usual}", not "{security}"',
            f'set smtp_security = "{usual}", or "auto"',
        )


def _application(config: Config) -> Iterator[Finding]:
    application = config.failover_server.application
    if not (application.services or application.start):
        yield warning(
            "application",
            "no application is configured: a takeover starts nothing, and nobody answers calls",
            "set services, or start and stop, in [failover_server.application]",
        )
        return
    yield from in_commands(config, "application", "start", application.start)
    yield from in_commands(config, "application", "stop", application.stop)
    if application.start and not application.stop:
        yield note("application", "without a stop command its processes are ended, not asked to")
    yield from _readiness(config)


def _readiness(config: Config) -> Iterator[Finding]:
    application = config.failover_server.application
    port = application.ready_port
    if port is None:
        yield note(
            "application",
            "no ready_port: a start counts as done even if the application never answers",
            "set ready_port in [failover_server.application]",
        )
        return
    yield ok(
        "application",
        f"a takeover is undone when port {port} does not answer within "
        f"{application.ready_timeout_s:g} s of the start",
    )
    ports = Counter(server.port for server in config.servers.values())
    if ports and port not in ports:
        asked = ports.most_common(1)[0][0]
        yield note("application", f"clients look for port {asked}, and ready_port is {port}")


def _failover_server(config: Config, facts: Facts) -> Iterator[Finding]:
    settings = config.failover_server
    yield from volatile("failover_server", "state_dir", settings.state_dir)
    yield from secret_findings("failover_server", "password", settings.password, facts)
    if has_sqlserver(config):
        yield from explain_ours(settings, facts)
    elif settings.password is not None or settings.data_source:
        yield note(
            "failover_server", "data_source, user_id and password are not used by the sqlite engine"
        )
    application = settings.vm_local_dir
    if application and facts.look and facts.look(application).kind != "directory":
        yield warning("failover_server", f"vm_local_dir {application} is not a directory")
