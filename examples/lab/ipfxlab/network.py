"""The switch and its cables: hosts come and go, cables are pulled and plugged in again."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

from ipfx_failover.errors import Failed, Refused
from ipfxlab.host import NEEDS, Host

if TYPE_CHECKING:
    from types import TracebackType

SUBNET = "192.168.11"
GATEWAY = f"{SUBNET}.254"
PREFIX_LENGTH = 24
_OWNED = re.compile(r"^ipfx-lab-(\d+)-(\d+)-")


def address_in_lab(last: int) -> str:
    """The lab's address that ends in `last`, with its prefix length: "192.168.11.1/24"."""
    return f"{SUBNET}.{last}/{PREFIX_LENGTH}"


def _owner_tag() -> str:
    me = psutil.Process()
    return f"ipfx-lab-{me.pid}-{int(me.create_time())}-"


def _owner_lives(pid: int, created: int) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - created) <= 1
    except psutil.NoSuchProcess:
        return False


def remove_stale_directories() -> list[Path]:
    """Removes what labs left whose owner was killed; all else of theirs died with the owner."""
    stale = []
    for path in Path(tempfile.gettempdir()).glob("ipfx-lab-*"):
        owner = _OWNED.match(path.name)
        if owner and not _owner_lives(int(owner[1]), int(owner[2])):
            shutil.rmtree(path, ignore_errors=True)
            stale.append(path)
    return stale


class Network:
    """A switch with hosts on it. Use it as a context: on leaving, nothing of it is left.

    Raises (on entering):
        Refused: not root, or namespaces cannot be made here.
        Failed: a tool is missing.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.directory = Path()
        self._ports: dict[str, str] = {}
        self._pulled: set[str] = set()

    def __enter__(self) -> Self:
        self._refuse_early()
        remove_stale_directories()
        self.directory = Path(tempfile.mkdtemp(prefix=_owner_tag()))
        self.directory.chmod(0o755)
        self.switch = Host("switch", self.directory / "switch", gateway=None)
        try:
            self.switch.start()
            self.switch.await_start()
            self.switch.ip("link add bridge type bridge stp_state 0", "link set bridge up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Switches everything off and removes the lab's directory."""
        for host in [*self.hosts.values(), self.switch]:
            host.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def _refuse_early() -> None:
        if os.geteuid() != 0:
            raise Refused("the lab network needs root", "run it with sudo")
        if missing := [tool for tool in NEEDS if not shutil.which(tool)]:
            raise Failed(
                f"the lab network needs {', '.join(missing)}",
                "install them: apt-get install iproute2 util-linux mount",
            )

    def add_host(self, name: str, *addresses: str, gateway: str | None = GATEWAY) -> Host:
        """Adds a host and switches it on; `addresses` with prefix length, none for a bare one."""
        host = Host(name, self.directory / name, addresses=addresses, gateway=gateway)
        self.hosts[name] = host
        self._ports[name] = f"port{len(self._ports) + 1}"
        self.power_on(host)
        return host

    def port(self, host: Host) -> str:
        """The switch's interface in which the host's cable ends."""
        return self._ports[host.name]

    def power_on(self, host: Host) -> None:
        """Boots a host; its cable is plugged in, unless it was pulled before."""
        host.start()
        host.await_start()
        port, mac = self.port(host), self._mac(host)
        self.switch.ip(
            f"link add {port} type veth peer name {host.interface} "
            f"address {mac} netns {host.init_pid}",
            f"link set {port} master bridge",
        )
        host.ip(
            f"link set {host.interface} up",
            *(f"address add {address} dev {host.interface}" for address in host.addresses),
        )
        if host.gateway and host.addresses:
            host.ip(f"route add default via {host.gateway} dev {host.interface}")
        if host.name not in self._pulled:
            self.plug_cable(host)

    def power_off(self, host: Host) -> None:
        """Cuts a host's power: its processes die, what was not on disk is lost."""
        with contextlib.suppress(Failed):
            self.switch.ip(f"link del {self.port(host)}")
        host.stop()

    def reboot(self, host: Host) -> None:
        """Power off and on: a new boot ID, persistent addresses only, an empty /run."""
        self.power_off(host)
        self.power_on(host)

    def pull_cable(self, host: Host) -> None:
        """Pulls the cable out of the switch: the host loses its carrier, no frame passes.

        The switch side is pulled because a host whose processes are merely stopped still answers
        pings: its kernel does.
        """
        self._pulled.add(host.name)
        self.switch.ip(f"link set {self.port(host)} down")

    def is_pulled(self, host: Host) -> bool:
        """Whether its cable is out."""
        return host.name in self._pulled

    def plug_cable(self, host: Host) -> None:
        self._pulled.discard(host.name)
        self.switch.ip(f"link set {self.port(host)} up")

    def _mac(self, host: Host) -> str:
        """A hardware address that survives reboots: from the first address, else from the port."""
        if host.addresses:
            number = int(IPv4Interface(host.addresses[0]).ip)
        else:
            number = int(self.port(host).removeprefix("port"))
        return ":".join(f"{byte:02x}" for byte in (2, 0, *number.to_bytes(4, "big")))
