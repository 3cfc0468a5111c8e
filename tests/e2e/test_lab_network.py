"""The lab's own promises: cables, hosts, boots, and nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from ipfxlab.network import Network, address_in_lab, remove_stale_directories

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from ipfxlab.host import Host
    from ipfxlab.lab import Lab

TWO_PINGS = ("ping", "-n", "-c", "2", "-i", "0.05", "-W", "1")

OWNER = """
import signal
from ipfxlab.lab import Lab
with Lab() as lab:
    pids = [host.init_pid for host in lab.network.hosts.values()]
    sleeper = lab.client.popen("sleep", "1000")
    print(lab.network.directory, sleeper.pid, *pids, flush=True)
    signal.pause()
"""


def answers(host: Host, address: str) -> bool:
    return host.run(*TWO_PINGS, address, check=False).returncode == 0


def received_frames(host: Host) -> int:
    return int(host.run("cat", "/sys/class/net/eth0/statistics/rx_packets").stdout)


@pytest.fixture
def pair(network: Network) -> tuple[Network, Host, Host]:
    one = network.add_host("one", address_in_lab(1))
    two = network.add_host("two", address_in_lab(2))
    return network, one, two


def test_hosts_on_the_switch_reach_each_other(pair: tuple[Network, Host, Host]) -> None:
    _, one, _ = pair

    assert answers(one, "192.168.11.2")


def test_a_pulled_cable_carries_no_frame_and_takes_the_carrier(
    pair: tuple[Network, Host, Host],
) -> None:
    network, one, two = pair
    network.pull_cable(two)
    before = received_frames(two)

    assert not answers(one, "192.168.11.2")
    assert received_frames(two) == before
    assert two.run("cat", "/sys/class/net/eth0/carrier").stdout == "0\n"
    assert two.held_addresses() == {"192.168.11.2"}


def test_a_cable_plugged_in_again_carries_frames(pair: tuple[Network, Host, Host]) -> None:
    network, one, two = pair
    network.pull_cable(two)
    network.plug_cable(two)

    assert answers(one, "192.168.11.2")


def test_a_host_has_its_own_name_processes_and_run_directory(
    pair: tuple[Network, Host, Host],
) -> None:
    _, one, two = pair
    one.run("touch", "/run/mine")

    assert one.run("hostname").stdout == "one\n"
    assert one.run("cat", "/proc/1/comm").stdout.startswith("python")
    assert two.run("test", "-e", "/run/mine", check=False).returncode == 1
    assert not Path("/run/mine").exists()


def test_a_reboot_kills_processes_and_keeps_persistent_addresses_only(
    pair: tuple[Network, Host, Host],
) -> None:
    network, one, two = pair
    boot_id = two.run("cat", "/proc/sys/kernel/random/boot_id").stdout
    two.add_address("192.168.11.77/32")
    sleeper = two.popen("sleep", "1000")
    network.reboot(two)

    assert sleeper.wait() == -signal.SIGKILL
    assert two.held_addresses() == {"192.168.11.2"}
    assert two.run("cat", "/proc/sys/kernel/random/boot_id").stdout == f"{two.boot_id}\n" != boot_id
    assert answers(one, "192.168.11.2")


def test_a_cable_pulled_before_a_reboot_is_out_after_it(pair: tuple[Network, Host, Host]) -> None:
    network, one, two = pair
    network.pull_cable(two)
    network.reboot(two)

    assert not answers(one, "192.168.11.2")


def test_a_host_can_ignore_pings_and_still_own_its_address(
    pair: tuple[Network, Host, Host],
) -> None:
    _, one, two = pair
    two.ignore_pings()

    assert not answers(one, "192.168.11.2")
    assert "02:00:c0:a8:0b:02" in one.run("ip", "neigh", "show", "192.168.11.2").stdout


def test_the_failover_server_logs_in_to_the_primary_whose_key_it_knows(shared_lab: Lab) -> None:
    done = shared_lab.failover_server.run(
        *("ssh", "-i", str(shared_lab.ssh_key), "-o", "BatchMode=yes"),
        *("-o", f"UserKnownHostsFile={shared_lab.known_hosts}", "-o", "StrictHostKeyChecking=yes"),
        *("root@192.168.11.1", "hostname"),
    )

    assert done.stdout == "DEMOSERVER\n"


def test_a_program_that_fails_is_reported_with_its_own_words(network: Network) -> None:
    with pytest.raises(Failed, match="No such file") as caught:
        network.switch.run("cat", "/nowhere")

    assert "on switch" in caught.value.message


def test_a_line_that_never_comes_is_reported_with_the_output(network: Network) -> None:
    process = network.switch.popen("echo", "something else")

    with pytest.raises(Failed, match="ended without 'ready'; its last lines: something else"):
        process.wait_for_line("ready")
    assert process.wait() == 0


def test_leaving_the_lab_leaves_nothing(network: Network) -> None:
    host = network.add_host("one", address_in_lab(1))
    sleeper = psutil.Process(host.popen("sleep", "1000").pid)
    network.close()

    assert not sleeper.is_running()
    assert not network.directory.exists()


def test_kill_9_leaves_nothing_but_files_that_the_next_lab_removes(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER, "utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as owner:
        assert owner.stdout is not None
        directory, *pids = owner.stdout.readline().split()
        family = [psutil.Process(int(pid)) for pid in pids]
        owner.kill()
    _, alive = psutil.wait_procs(family, timeout=30)

    assert alive == []
    assert Path(directory).exists()
    assert Path(directory) in remove_stale_directories()
    assert not Path(directory).exists()


def test_files_of_a_living_lab_are_left_alone(network: Network) -> None:
    remove_stale_directories()

    assert network.directory.parent == Path(tempfile.gettempdir())
    assert network.directory.exists()
