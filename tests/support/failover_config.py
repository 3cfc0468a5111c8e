"""The config of the Failover Server in the office, with times that are short."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ipfxlab.phone import APPLICATION, PORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ipfxlab.lab import Lab, Primary

START_APPLICATION = [sys.executable, "-I", "-S", str(APPLICATION), "--port", str(PORT)]


def usual_config(lab: Lab, state_dir: Path) -> dict[str, Any]:
    """Without servers. Failover after 5 misses at intervals of 50 ms."""
    application = {"start": START_APPLICATION, "ready_port": PORT, "ready_timeout_s": 60.0}
    return {
        "failover_server": {"state_dir": str(state_dir), "application": application},
        "network": {
            "adapter": lab.failover_server.interface,
            "ping_interval_ms": 50,
            "ping_timeout_ms": 30,
            "warning_count": 3,
            "failover_count": 5,
            "failover_count_after_reboot": 8,
            "management_interval_ms": 100,
        },
        "alerts": {
            "smtp_server": "192.168.11.5",
            "from": "failover@example.com",
            "to": ["support@example.com"],
        },
    }


def server_config(lab: Lab, primary: Primary, vm_dir: Path) -> dict[str, Any]:
    """A Primary with a database; its copy is below `vm_dir`."""
    return {
        "address": primary.address,
        "local_vm_dir": str(vm_dir),
        "ssh": {
            "user": "root",
            "key_file": str(lab.ssh_key),
            "known_hosts_file": str(lab.known_hosts),
            "connect_timeout_s": 2.0,
        },
        "database": {"data_source": str(primary.database), "vm_dir": str(primary.vm_dir)},
    }


def merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The table with these changes: tables in it are merged, a value of None removes its key."""
    result = dict(table)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result
