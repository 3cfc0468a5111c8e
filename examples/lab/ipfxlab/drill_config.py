"""The config of the lab's Failover Server: the product's own, with shortened intervals."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from ipfxlab.network import GATEWAY
from ipfxlab.phone import APPLICATION, PORT

if TYPE_CHECKING:
    from ipfxlab.drill_engine import EngineConfig
    from ipfxlab.lab import Lab

SERVER = "DEMOSERVER"
PING_INTERVAL_MS = 300
PING_TIMEOUT_MS = 200
WARNING_COUNT = 4
FAILOVER_COUNT = 10
DETECTION_WINDOW_S = (FAILOVER_COUNT * PING_INTERVAL_MS + PING_TIMEOUT_MS) / 1000
DEFAULT_DETECTION_WINDOW_S = 31
POLL_INTERVAL_MS = 500

_TEXT = """\
[failover_server]
state_dir = "{home}/state"
vm_local_dir = "{home}"
{failover_server}
[failover_server.application]
start = {start}
ready_port = {port}
ready_timeout_s = 20

[network]
adapter = "{adapter}"
ping_interval_ms = {ping_interval_ms}
ping_timeout_ms = {ping_timeout_ms}
warning_count = {warning_count}
failover_count = {failover_count}
failover_count_after_reboot = {failover_count_after_reboot}
reference_targets = ["{gateway}"]

[alerts]
smtp_server = "{smtp_server}"
from = "failover@example.com"
to = ["support@example.com"]

[servers.{server}]
address = "{address}"
management_address = "{management_address}"
local_vm_dir = "{home}/VM"
assume_ip = true
replicate_daily = "01:00:00"
{server_keys}
[servers.{server}.ssh]
host = "{management_address}"
user = "{user}"
key_file = "{key_file}"
known_hosts_file = "{known_hosts_file}"

[servers.{server}.database]
{database}
vm_dir = "{vm_dir}"

[servers.{server}.files]
poll_interval_ms = {poll_interval_ms}
"""


def config_text(lab: Lab, engine: EngineConfig) -> str:
    """The config as TOML, for this lab's one Primary."""
    primary, standby = lab.primary, lab.failover_server
    start = [sys.executable, str(APPLICATION), "--port", str(PORT), *engine.start]
    return _TEXT.format(
        home=standby.directory,
        failover_server=engine.failover_server,
        start=json.dumps(start),
        port=PORT,
        adapter=standby.interface,
        ping_interval_ms=PING_INTERVAL_MS,
        ping_timeout_ms=PING_TIMEOUT_MS,
        warning_count=WARNING_COUNT,
        failover_count=FAILOVER_COUNT,
        failover_count_after_reboot=2 * FAILOVER_COUNT,
        gateway=GATEWAY,
        smtp_server=lab.mail_host.addresses[0].split("/")[0],
        server=primary.name,
        address=primary.address,
        management_address=primary.management_address,
        user=primary.ssh.user,
        key_file=lab.ssh_key,
        known_hosts_file=lab.known_hosts,
        server_keys=engine.server,
        database=engine.database,
        vm_dir=primary.vm_dir,
        poll_interval_ms=POLL_INTERVAL_MS,
    )
