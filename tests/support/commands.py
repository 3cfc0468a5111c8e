"""Commands of ipfx-failover on a lab host: started at once, waited for, their output at hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.documents import check_document
from tests.support.office import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfxlab.host import Host

ROOT = Path(__file__).parents[2]
"""The checkout, in which commands are run."""


class Starter:
    """Starts commands on hosts, by way of tests.support.zygote. Use it as a context."""

    def __init__(self) -> None:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.zygote"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self._numbers = count()
        self._ended: dict[str, int] = {}
        self._reader = threading.Thread(target=self._read, name="zygote", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "ended" in said:
                self._ended[said["ended"]] = said["code"]

    def __enter__(self) -> Starter:  # noqa: PYI034 - it is not subclassed
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def start(self, host: Host, output: Path, argv: list[str], **more: Any) -> Command:
        """Start a command, whose output goes to files that begin with `output`.

        `more`: what else tests.support.zygote takes.
        """
        command = Command(self, str(next(self._numbers)), argv, output)
        files = {"output": str(command.output), "errors": str(command.errors)}
        for path in files.values():
            Path(path).touch()
        order = {"start": command.name, "host": host.init_pid, "argv": argv, **files}
        self._say({**order, "user": 0, "without": None, "kill": None, **more})
        return command

    def send_signal(self, name: str, number: int) -> None:
        self._say({"signal": number, "to": name})

    def code(self, name: str) -> int | None:
        """The exit code of a command; None while it runs."""
        return self._ended.get(name)

    def _say(self, order: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()


class Command:
    """A command that was started on a host."""

    def __init__(self, starter: Starter, name: str, argv: list[str], output: Path) -> None:
        self.name = name
        self.output = Path(f"{output}-{name}.out")
        self.errors = Path(f"{output}-{name}.err")
        self._argv = argv
        self._starter = starter

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return self.output.read_text("utf-8")

    @property
    def err(self) -> str:
        return self.errors.read_text("utf-8")

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that it printed; it is as the schema says."""
        document: dict[str, Any] = json.loads(self.out)
        check_document(self._argv, document)
        return document

    @property
    def runs(self) -> bool:
        return self._starter.code(self.name) is None

    def send_signal(self, number: signal.Signals) -> None:
        self._starter.send_signal(self.name, number)

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait until it is gone."""
        self.send_signal(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def stop(self) -> int:
        """End it with SIGTERM; its exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return wait_for(lambda: self._starter.code(self.name), f"{self} ends", explain=self.explain)

    def explain(self) -> str:
        return f"$ {self}\n{self.out}{self.err}"

    def __str__(self) -> str:
        return " ".join(self._argv)
