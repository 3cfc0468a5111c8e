"""One machine of the lab: its own network, processes, mounts, name and boot."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ipfx_failover.errors import Failed, Refused
from ipfxlab import announce, host_init
from ipfxlab.process import GENEROUS_S, LabProcess, end_with_children, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc")
NEEDS = ("unshare", "nsenter", "ip", "mount")


class Host:
    """A machine. Its files lie in `directory`, which the others could read but have no reason to.

    `addresses` (such as "192.168.11.1/24") are persistent: they are there after each start. One
    that is only added with `add_address` is gone after a reboot.
    """

    interface = "eth0"
    python = sys.executable

    def __init__(
        self, name: str, directory: Path, *, addresses: Sequence[str] = (), gateway: str | None
    ) -> None:
        self.name = name
        self.directory = directory
        self.addresses = tuple(addresses)
        self.gateway = gateway
        self.boot_id = ""
        self._unshare: subprocess.Popen[str] | None = None
        self._init_pid = 0
        self._processes: list[LabProcess] = []
        self._known: dict[str, str] = {}

    @property
    def running(self) -> bool:
        return self._unshare is not None

    @property
    def init_pid(self) -> int:
        """Process ID, seen from outside, of the host's first process: the handle of the host."""
        if not self._init_pid:
            raise Failed(f"{self.name} is switched off", "switch it on first")
        return self._init_pid

    def start(self) -> None:
        """Boots it, with a new boot ID and without a cable (the network plugs it in)."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.boot_id = str(uuid.uuid4())
        (self.directory / "boot_id").write_text(f"{self.boot_id}\n", "ascii")
        self._write_etc()
        argv = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
        argv += ["--propagation", "private", "--", self.python, "-I", "-S"]
        argv += [str(Path(host_init.__file__)), self.name, str(self.directory)]
        self._unshare = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def await_start(self) -> None:
        """Waits until the started host is ready.

        Raises:
            Refused: the kernel, or our rights, do not allow namespaces.
        """
        if self._unshare is None:
            raise Failed(f"{self.name} is switched off", "switch it on first")
        if opened(self._unshare.stdout).readline() != "ready\n":
            reason = " ".join(opened(self._unshare.stderr).read().split())
            self.stop()
            raise Refused(
                f"cannot make the namespaces of lab host {self.name}: {reason}",
                "run as root (sudo), on a kernel or in a container that allows namespaces",
            )
        self._init_pid = psutil.Process(self._unshare.pid).children()[0].pid

    def _write_etc(self) -> None:
        """Accounts without passwords, and no name service but /etc/hosts.

        In the password field, "*" lets keys in, where "!" would mean locked to sshd. Without its
        own resolv.conf a look-up would wait for a name server that is not in this network.
        """
        etc = self.directory / "etc"
        etc.mkdir(exist_ok=True)
        users = [line.split(":")[0] for line in Path("/etc/passwd").read_text("utf-8").splitlines()]
        shadow = "".join(f"{user}:*:19000:0:99999:7:::\n" for user in users)
        for name, content in {"shadow": shadow, "hosts": "", "resolv.conf": ""}.items():
            (etc / name).write_text(content, "utf-8")
        self._write_names()
        (etc / "shadow").chmod(0o600)

    def learn_name(self, name: str, address: str) -> None:
        """From now on it finds another host by its name."""
        self._known[name] = address
        self._write_names()

    def _write_names(self) -> None:
        names = {"localhost": "127.0.0.1", self.name: "127.0.1.1", **self._known}
        lines = "".join(f"{address} {name}\n" for name, address in names.items())
        (self.directory / "etc" / "hosts").write_text(lines, "utf-8")

    def stop(self) -> None:
        """Switches it off, hard: everything that runs on it is gone when this returns."""
        if self._unshare is None:
            return
        unshare, self._unshare, self._init_pid = self._unshare, None, 0
        for stream in (unshare.stdin, unshare.stdout, unshare.stderr):
            opened(stream).close()
        try:
            unshare.wait(GENEROUS_S)
        except subprocess.TimeoutExpired:
            end_with_children(unshare)
        for process in self._processes:
            process.wait()
        self._processes.clear()

    def _enter(self, argv: Sequence[str], cwd: Path | str | None) -> list[str]:
        prefix = ["nsenter", f"--target={self.init_pid}", *NAMESPACES, "--"]
        return [*prefix, *(["env", "-C", str(cwd)] if cwd else []), *argv]

    def run(
        self,
        *argv: str,
        check: bool = True,
        timeout_s: float = 60.0,
        text: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program inside to its end, with `text` as its input; `env` is added to ours.

        Raises:
            Failed: it ended with another code than 0 (unless `check` is off), or not in time.
        """
        process = subprocess.Popen(
            self._enter(argv, cwd),
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        with process:
            try:
                out, err = process.communicate(text, timeout_s)
            except BaseException as error:
                end_with_children(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise self._failed(argv, f"did not end in {timeout_s:.0f} s") from None
                raise
        if check and process.returncode:
            raise self._failed(argv, f"exit code {process.returncode}: {(err or out).strip()}")
        return subprocess.CompletedProcess(list(argv), process.returncode, out, err)

    def _failed(self, argv: Sequence[str], how: str) -> Failed:
        return Failed(f"on {self.name}, {' '.join(argv)!r}: {how}", "look at its output")

    def popen(
        self,
        *argv: str,
        name: str | None = None,
        with_stdin: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | str | None = None,
    ) -> LabProcess:
        """Starts a program inside; `env` is added to ours."""
        process = LabProcess(
            self._enter(argv, cwd),
            name=name or f"{Path(argv[0]).name} on {self.name}",
            env={**os.environ, **(env or {})},
            with_stdin=with_stdin,
        )
        self._processes.append(process)
        return process

    def ip(self, *commands: str) -> str:
        """Runs commands of `ip` in its network namespace, in one go; their output.

        They run outside its PID namespace: `netns PID` means a process ID as the owner sees it.
        """
        argv = ["nsenter", f"--target={self.init_pid}", "--net", "--", "ip", "-batch", "-"]
        text = "".join(f"{command}\n" for command in commands)
        done = subprocess.run(argv, input=text, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise self._failed(["ip", " ; ".join(commands)], done.stderr.strip())
        return done.stdout

    def held_addresses(self) -> set[str]:
        """The IPv4 addresses that it holds now, loopback apart."""
        words = self.ip(f"address show dev {self.interface}").split()
        pairs = pairwise(words)
        return {value.split("/")[0] for word, value in pairs if word == "inet"}

    def add_address(self, address: str) -> None:
        """Adds an address (with prefix length) that a reboot does not keep."""
        self.ip(f"address add {address} dev {self.interface}")

    def remove_address(self, address: str) -> None:
        self.ip(f"address del {address} dev {self.interface}")

    def announce(self, address: str) -> None:
        """Says by ARP, to everybody, that `address` is here: what a machine that returns does."""
        self.run(self.python, "-I", "-S", str(Path(announce.__file__)), self.interface, address)

    def ignore_pings(self) -> None:
        """It answers no ICMP echo any more, until a reboot; it goes on answering ARP."""
        self.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all")
