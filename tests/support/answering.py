"""A small application for the tests: it answers a TCP port, and behaves as its directory says.

    python answering.py DIRECTORY [--daemonise [--leave-no-trace] | --stop]

DIRECTORY/behaviour holds one of: good; failing (says why, then ends with 3); silent (never
answers); stubborn (ignores requests to end). DIRECTORY/port: the port; without it, none is
answered. Each start appends a line to DIRECTORY/starts and writes DIRECTORY/environment.json.
It starts a child of its own, as applications do; --stop asks both to end. Daemonised, it returns
at once; leaving no trace, what goes on has another environment and another session.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

CHILD = "import signal; signal.pause()"


def main() -> None:
    directory = Path(sys.argv[1])
    if "--daemonise" in sys.argv:
        daemonise(directory, leave_no_trace="--leave-no-trace" in sys.argv)
        return
    if "--stop" in sys.argv:
        os.killpg(int((directory / "starts").read_text().split()[-2]), signal.SIGTERM)
        return
    behaviour = (directory / "behaviour").read_text()
    (directory / "environment.json").write_text(json.dumps(dict(os.environ)))
    with (directory / "starts").open("a") as starts:
        starts.write(f"{os.getpid()} {Path.cwd()}\n")
    say(f"the database is {os.environ.get('IPFX_DATABASE', 'unknown')}")
    if behaviour == "failing":
        say("no licence found")
        sys.exit(3)
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-ISc", CHILD, str(directory)])
    if behaviour != "silent" and (directory / "port").exists():
        answer(int((directory / "port").read_text()))
    signal.pause()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def answer(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, _ = server.accept()
            connection.close()


def daemonise(directory: Path, *, leave_no_trace: bool) -> None:
    """Run the application in the background, the way daemons do it: a session of its own."""
    environment: dict[str, str] | None = {} if leave_no_trace else None
    daemon = subprocess.Popen(
        [sys.executable, "-IS", __file__, str(directory)],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    if (directory / "behaviour").read_text() == "failing":
        sys.exit(daemon.wait())
    os._exit(0)


if __name__ == "__main__":
    main()
