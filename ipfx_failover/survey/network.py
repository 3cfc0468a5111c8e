"""Whether a Primary answers, and whether its address could be taken."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Refused, Unreachable
from ipfx_failover.standin.probing import any_answers, who_answers
from ipfx_failover.survey.check import Check, failed, ok, warning

if TYPE_CHECKING:
    from ipfx_failover.config.models import NetworkSettings, ServerSettings
    from ipfx_failover.net import Adapter, Address, Addresses
    from ipfx_failover.survey.ports import SurveyPorts

PING: Final = "Ping"
APPLICATION: Final = "Application"
ADDRESS: Final = "Address takeover"

_PINGS: Final = 3
_OURS_BITS: Final = 32


def ping(server: ServerSettings, network: NetworkSettings, ports: SurveyPorts) -> Check:
    """Three pings, each as long as the monitor waits; one answer is enough."""
    _refuse_ours(server, ports)
    timeout_s = network.ping_timeout_ms / 1000
    with closing(ports.echo(None)) as echo:
        for number in range(_PINGS):
            if any_answers(echo, [server.address], number, ports.clock, timeout_s, ports.wait):
                return ok(PING, f"{server.address} answers")
        reason = echo.refusal or f"{server.address} does not answer"
    raise Unreachable(
        reason,
        "see whether it is up and its firewall lets ICMP echo through: who does not answer is "
        "failed over",
    )


def application(server: ServerSettings, ports: SurveyPorts) -> Check:
    """Whether its application answers, which a failover does not depend on."""
    _refuse_ours(server, ports)
    if ports.application_answers():
        return ok(APPLICATION, f"port {server.port} answers")
    return warning(
        APPLICATION,
        f"port {server.port} of {server.address} does not answer",
        f"start the application there, or correct port in [servers.{server.name}]",
    )


def address(server: ServerSettings, adapter_name: str, ports: SurveyPorts) -> Check:
    """Whether its address could be taken on our adapter: cable, subnet, rights, ARP."""
    with closing(ports.addresses()) as addresses:
        adapter = addresses.adapter(adapter_name)
        if (refusal := _unfit(adapter, server.address)) is not None:
            return failed(ADDRESS, refusal)
        if addresses.holder(server.address) is not None:
            return ok(ADDRESS, f"{server.address} is held by this machine already")
        _refuse_without_right(addresses, server.address, adapter_name)
    return _asked_by_arp(server.address, adapter_name, ports)


def _unfit(adapter: Adapter, wanted: Address) -> Refused | None:
    if not adapter.carrier:
        return Refused(
            f"{adapter.name} has no link", "see whether its cable is in and the switch is on"
        )
    networks = [own.network for own in adapter.interfaces if own.network.prefixlen < _OURS_BITS]
    if not any(wanted in network for network in networks):
        listed = ", ".join(str(network) for network in networks) or "no network"
        return Refused(
            f"{wanted} is not in a network of {adapter.name} ({listed}): no client would find it",
            "put the Failover Server into the Primary's subnet, correct adapter in [network], or "
            "set assume_ip = false",
        )
    return None


def _refuse_without_right(addresses: Addresses, wanted: Address, adapter_name: str) -> None:
    try:
        # Giving up what is not ours changes nothing, and needs the right that taking it needs.
        addresses.remove(wanted, adapter_name)
    except Refused as error:
        raise Refused(error.message.replace("release", "take"), error.hint) from None


def _asked_by_arp(wanted: Address, adapter_name: str, ports: SurveyPorts) -> Check:
    with closing(ports.arp(adapter_name)) as arp:
        mac = who_answers(arp, wanted, ports.clock, ports.wait)
    if mac is None:
        return ok(ADDRESS, f"{wanted} is free on {adapter_name} (nobody answers ARP)")
    return ok(ADDRESS, f"possible on {adapter_name} once {mac}, which has {wanted}, is silent")


def _refuse_ours(server: ServerSettings, ports: SurveyPorts) -> None:
    with closing(ports.addresses()) as addresses:
        holder = addresses.holder(server.address)
    if holder is not None:
        raise Refused(
            f"{server.address} is held by this machine ({holder}): it would answer itself",
            f"give it back first: ipfx-failover stop-failover {server.name}",
        )
