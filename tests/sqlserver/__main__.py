"""The simulated server as a process: `python -m tests.sqlserver --directory DIR --listen …`.

It says on its output that it is ready, in one line of JSON, and serves until SIGTERM comes or its
input ends. The environment variable SQLSERVER_PASSWORD is the password of sa.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.sqlserver.browser import Browser, Instance
from tests.sqlserver.engine.faults import Faults
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.engine.statement_log import StatementLog
from tests.sqlserver.profiles import PROFILES
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener

_DEFAULT_INSTANCE = "MSSQLSERVER"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sqlserver", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where its files lie")
    parser.add_argument("--listen", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--browser", type=_address, metavar="HOST:PORT", help="UDP, MC-SQLR")
    parser.add_argument("--neighbour", action="append", default=[], metavar="NAME=PORT")
    parser.add_argument("--tls", nargs=2, type=Path, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--name", default="SIMULATED", metavar="SERVER[\\INSTANCE]")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="2022")
    parser.add_argument("--language", choices=("english", "german"), default="english")
    parser.add_argument("--faults", type=Path, help="a script, read again when it changes")
    parser.add_argument("--log", type=Path, help="each batch, as a line of JSON")
    return parser.parse_args()


def _tls(files: list[Path] | None) -> ssl.SSLContext | None:
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = files
    context.load_cert_chain(certificate, key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # FreeTDS hangs with 1.3
    return context


def _instances(name: str, version: str, port: int, neighbours: list[str]) -> list[Instance]:
    host, _, instance = name.partition("\\")
    found = [Instance(host, instance or _DEFAULT_INSTANCE, version, port)]
    for each in neighbours:
        other, _, there = each.partition("=")
        found.append(Instance(host, other, version, int(there)))
    return found


def _wait_for_the_end() -> None:
    """Until SIGTERM or SIGINT comes, or the input ends."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    def read() -> None:
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    ended.wait()


def main() -> None:
    given = _arguments()
    profile = PROFILES[given.profile].named(given.name, given.language)
    with ExitStack() as stack:
        server = SimulatedServer(given.directory, profile.server)
        if password := os.environ.get("SQLSERVER_PASSWORD"):
            server.logins["sa"].password = password
        if given.log:
            server.log = stack.enter_context(StatementLog(given.log))
        Faults(path=given.faults).attach(server)
        wire = WireProfile(
            profile.server.version,
            profile.tds_version,
            _tls(given.tls),
            on_message=lambda kind: server.on_message(kind),
        )
        listener = stack.enter_context(Listener(server, wire, *given.listen))
        told = {"ready": True, "port": listener.port, "pid": os.getpid()}
        if given.browser:
            version = f"{'.'.join(map(str, profile.server.version))}.0"
            instances = _instances(given.name, version, listener.port, given.neighbour)
            told["browser"] = stack.enter_context(Browser(instances, given.browser)).port
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        _wait_for_the_end()
        server.closing.set()
    server.close()


if __name__ == "__main__":
    main()
