"""Runs commands of ipfx-failover on lab hosts, each in a process of its own, at once.

It has everything imported already; for each command it forks, enters the host and forks again.
What is run is the whole command line, with its own session, standard input at its end, and its
output in files. It reads one JSON object a line and answers with one:

    {"start": ID, "host": PID, "argv": [...], "output": PATH, "errors": PATH,
     "user": UID, "without": CAPABILITY or null, "kill": {...} or null}
    {"signal": NUMBER, "to": ID}
    -> {"ended": ID, "code": EXIT CODE, negative for a signal}

"host" is the host's first process. With "kill" it is a piece of work that kills itself at a step
(see tests.support.killed).
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
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import typer

import ipfx_failover
from tests.support.capabilities import without
from tests.support.netns import set_namespace

ROOT = Path(__file__).parents[2]
_NOT_ON_THIS_SYSTEM = (".__main__", ".windows", "._winconsole")
_NAMESPACES = ("net", "uts", "ipc", "pid", "mnt")


@dataclass(frozen=True)
class _Command:
    """`keeper` waits for it, in our own namespaces; `pid` is the command's own, as we see it."""

    name: str
    keeper: int
    pid: int


class Zygote:
    def __init__(self) -> None:
        self._running: dict[int, _Command] = {}
        """By the pidfd of the keeper."""
        self._unread = b""

    def serve(self) -> None:
        """Until standard input ends."""
        say(ready=True)
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
        for command in self._running.values():
            if command.name == order["to"]:
                os.kill(command.pid, order["signal"])

    def _start(self, order: dict[str, Any]) -> None:
        reading, writing = os.pipe()
        keeper = os.fork()
        if keeper == 0:
            os.close(reading)
            for pidfd in self._running:
                os.close(pidfd)
            keep(order, writing)
        os.close(writing)
        with os.fdopen(reading) as said:
            pid = int(said.read())
        self._running[os.pidfd_open(keeper)] = _Command(order["start"], keeper, pid)

    def _reap(self, pidfd: int) -> None:
        command = self._running.pop(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(command.keeper, 0)
        say(ended=command.name, code=os.waitstatus_to_exitcode(status))


def say(**words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def keep(order: dict[str, Any], tell: int) -> None:
    """Become the keeper: start the command on its host, and end as it does.

    Only what is forked after entering a PID namespace is in it. The command alone returns.
    """
    os.setsid()
    with ExitStack() as stack:
        where = Path(f"/proc/{order['host']}/ns")
        opened = [stack.enter_context((where / name).open("rb")) for name in _NAMESPACES]
        for namespace in opened:
            set_namespace(namespace.fileno())
    os.chdir(ROOT)
    pid = os.fork()
    if pid == 0:
        os.close(tell)
        run_command(order)
    os.write(tell, str(pid).encode())
    os.close(tell)
    _, status = os.waitpid(pid, 0)
    end_as(os.waitstatus_to_exitcode(status))


def end_as(code: int) -> NoReturn:
    if code < 0:
        os.kill(os.getpid(), -code)
        signal.pause()
    os._exit(code)


def run_command(order: dict[str, Any]) -> NoReturn:
    """Become the command, in the process that was forked for it."""
    os.setsid()
    redirect(0, os.devnull, os.O_RDONLY)
    redirect(1, order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    redirect(2, order["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.argv = ["ipfx-failover", *order["argv"]]
    if order["user"]:
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    with nullcontext() if order["without"] is None else without(order["without"]):
        end_with(order["kill"])


def end_with(kill: dict[str, Any] | None) -> NoReturn:
    if kill is not None:
        from tests.support.killed import work_until_killed

        work_until_killed(**kill)
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
    raise AssertionError("it ends by leaving")


def redirect(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, descriptor)
    os.close(opened)


def import_everything() -> None:
    """Also what is imported late: another user may not be able to read it where it lies."""
    for package in (ipfx_failover, typer):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(_NOT_ON_THIS_SYSTEM) and ".windows." not in module.name:
                importlib.import_module(module.name)
    for name in ("paramiko", "pyroute2", "tests.support.killed"):
        importlib.import_module(name)
    # Its validators are built at first use.
    importlib.import_module("ipfx_failover.config.models").Config.model_validate({})
    gc.collect()
    gc.freeze()


def main() -> None:
    import_everything()
    Zygote().serve()


if __name__ == "__main__":
    main()
