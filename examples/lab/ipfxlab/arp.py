"""Who says what by ARP: a watcher on one host, whose packets one can wait for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipfxlab.process import GENEROUS_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfxlab.host import Host

NOBODY = "0.0.0.0"  # noqa: S104 - the sender of a probe, no interface to listen on


@dataclass(frozen=True)
class ArpPacket:
    """A packet as it was received; RFC 5227 names its kinds."""

    monotonic_s: float
    is_reply: bool
    mac: str
    sender: str
    target: str

    @property
    def is_probe(self) -> bool:
        return not self.is_reply and self.sender == NOBODY

    @property
    def is_announcement(self) -> bool:
        return self.sender == self.target


class ArpWatch:
    """Records the ARP packets that reach `host`."""

    def __init__(self, host: Host) -> None:
        self.process = host.popen(
            *(host.python, "-m", "ipfxlab.arp_watch", host.interface),
            name=f"the ARP watcher on {host.name}",
            env={"PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        self.process.wait_for_line("^ready$")

    @property
    def packets(self) -> list[ArpPacket]:
        return [ArpPacket(**json.loads(line)) for line in self.process.lines if line[0] == "{"]

    def wait_for(
        self, wanted: Callable[[ArpPacket], bool], what: str, *, timeout_s: float = GENEROUS_S
    ) -> ArpPacket:
        """The first packet that is `wanted`.

        Raises:
            Failed: it did not come in `timeout_s`.
        """
        return self.process.wait_for(
            lambda: next(filter(wanted, self.packets), None), what, timeout_s=timeout_s
        )
