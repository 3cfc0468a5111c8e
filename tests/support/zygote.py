"""Runs commands of ipfx-failover, each in a process of its own, without their start-up time.

It has everything imported already and forks for each command; what is run is the whole command
line, with its own session, standard input at its end, and its output in files. It reads one JSON
object a line and answers with one:

    {"start": ID, "argv": [...], "output": PATH, "errors": PATH, "kill": null or {...}}
    {"signal": NUMBER, "to": ID}
    -> {"started": ID, "pid": PID}, {"ended": ID, "code": EXIT CODE, negative for a signal}

With "kill" it is a piece of work that kills itself at a step (see tests.support.killed).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
from pathlib import Path
from typing import Any

import ipfx_failover

NAME = "zygote"
_NOT_ON_THIS_SYSTEM = (".__main__", ".windows")


class Zygote:
    def __init__(self) -> None:
        self._running: dict[int, tuple[str, int]] = {}
        """By pidfd: the command's ID and its process."""
        self._unread = b""

    def serve(self) -> None:
        """Until standard input ends; then every command that still runs is killed."""
        self._say(ready=True)
        while True:
            ready, _, _ = select.select([0, *self._running], [], [])
            for descriptor in ready:
                if descriptor != 0:
                    self._reap(descriptor)
                elif not self._hear():
                    return

    def _hear(self) -> bool:
        piece = os.read(0, 65536)
        *lines, self._unread = (self._unread + piece).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(piece)

    def _obey(self, order: dict[str, Any]) -> None:
        if "start" in order:
            self._start(order)
            return
        for pidfd, (name, _) in self._running.items():
            if name == order["to"]:
                signal.pidfd_send_signal(pidfd, order["signal"])

    def _start(self, order: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            for pidfd in self._running:
                os.close(pidfd)
            run_command(order)
        self._running[os.pidfd_open(pid)] = (order["start"], pid)
        self._say(started=order["start"], pid=pid)

    def _reap(self, pidfd: int) -> None:
        name, pid = self._running.pop(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        self._say(ended=name, code=os.waitstatus_to_exitcode(status))

    @staticmethod
    def _say(**words: object) -> None:
        os.write(1, json.dumps(words).encode() + b"\n")


def run_command(order: dict[str, Any]) -> None:
    """Become the command, in the process that was forked for it."""
    os.setsid()
    call_ourselves("ipfx-failover")
    redirect(0, os.devnull, os.O_RDONLY)
    redirect(1, order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    redirect(2, order["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.argv = ["ipfx-failover", *order["argv"]]
    if order["kill"] is not None:
        from tests.support.killed import work_until_killed

        work_until_killed(**order["kill"])
        sys.exit("nothing killed it")
    from ipfx_failover.cli.app import run

    codes: list[Any] = []
    # What is registered first is done last: then only the modules are left to be taken apart.
    atexit.register(lambda: os._exit(codes[0] if codes else 1))
    try:
        run()
    except SystemExit as end:
        codes.append(end.code)
        raise


def call_ourselves(name: str) -> None:
    """The name by which the tests tell the commands from us; the command line is the same."""
    Path("/proc/self/comm").write_text(name, "ascii")


def redirect(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, descriptor)
    os.close(opened)


def import_everything() -> None:
    for module in pkgutil.walk_packages(ipfx_failover.__path__, "ipfx_failover."):
        if not module.name.endswith(_NOT_ON_THIS_SYSTEM) and ".windows." not in module.name:
            importlib.import_module(module.name)
    for name in ("paramiko", "pyroute2", "tests.support.killed"):
        importlib.import_module(name)
    # Its validators are built at first use.
    importlib.import_module("ipfx_failover.config.models").Config.model_validate({})
    gc.collect()
    gc.freeze()


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import_everything()
    call_ourselves(NAME)
    Zygote().serve()


if __name__ == "__main__":
    main()
