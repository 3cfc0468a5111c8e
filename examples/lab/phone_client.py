#!/usr/bin/env python3
"""A client that calls all the time, and remembers what it was told.

It prints events as JSON lines on standard output:

    {"event": "answered", ...}    the first call, or the first after an outage, was acknowledged
    {"event": "silent", ...}      calls are not acknowledged any more
    {"event": "progress", ...}    after each acknowledged voicemail: how many there are by now
    {"event": "verified", ...}    the answer to `verify` on standard input: what the server at
                                  the address knows, of all that was ever acknowledged
    {"event": "unverified", ...}  nobody answered that question
    {"event": "paused", ...}      the answer to `pause` on standard input: no call until `go on`

Times are seconds: `monotonic_s` of the system's monotonic clock (one for the whole machine),
`at` of the wall clock. An outage lasts from the last acknowledgement before to the first after.
`quit` on standard input, SIGTERM or Ctrl-C end it; `--log` then gets the complete record.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

LIST_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Acknowledged:
    """A call that the server said it has, and the voicemail with it (empty: none)."""

    key: str
    host: str
    monotonic_s: float
    at: float
    voicemail: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Outage:
    """A gap between two acknowledgements; the hosts that gave them."""

    started_monotonic_s: float
    ended_monotonic_s: float
    outage_s: float
    host_before: str
    host_after: str


@dataclass
class Record:
    """All that the client saw."""

    calls: list[Acknowledged] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


class Line:
    """A telephone line: connects when needed, and gives up quickly."""

    def __init__(self, address: str, port: int, timeout_s: float) -> None:
        self._target = (address, port)
        self._timeout_s = timeout_s
        self._connection: socket.socket | None = None
        self._answers: IO[bytes] | None = None

    def ask(self, request: str, timeout_s: float | None = None) -> dict[str, Any]:
        """The server's answer.

        Raises:
            OSError: nobody answered in time, or the server refused.
        """
        try:
            answer = self._ask(request, timeout_s or self._timeout_s)
        except (OSError, ValueError) as error:
            self.hang_up()
            raise OSError(str(error)) from error
        if "error" in answer:
            self.hang_up()  # the server may have a better connection to its database next time
            raise OSError(answer["error"])
        return answer

    def _ask(self, request: str, timeout_s: float) -> dict[str, Any]:
        if self._connection is None or self._answers is None:
            self._connection = socket.create_connection(self._target, timeout=timeout_s)
            self._answers = self._connection.makefile("rb")
        self._connection.settimeout(timeout_s)
        self._connection.sendall(f"{request}\n".encode())
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def hang_up(self) -> None:
        for end in (self._answers, self._connection):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
        self._connection = self._answers = None


class Client:
    """Calls, keeps the record, and answers what is asked on standard input."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.record = Record()
        self.done = threading.Event()
        self._line = Line(options.address, options.port, options.timeout_ms / 1000)
        self._may_call = threading.Lock()
        self._silent = False
        self._voicemail = 0
        self._printing = threading.Lock()
        self._recording = threading.Lock()

    def say(self, event: str, **details: object) -> None:
        line = {"event": event, "monotonic_s": time.monotonic(), "at": time.time(), **details}
        with self._printing:
            print(json.dumps(line), flush=True)

    def call_all_the_time(self) -> None:
        """One call each period; a slow or lost one delays the next, as a real caller's would."""
        number = 0
        period_s = 1 / self.options.rate
        while not self.done.is_set():
            started = time.monotonic()
            number += 1
            with self._may_call:
                self.call(number)
            self.done.wait(max(0.0, started + period_s - time.monotonic()))
        self._line.hang_up()

    def call(self, number: int) -> None:
        key = f"{self.options.name}-{number:06d}"
        leaves_message = number % self.options.voicemail_every == 0
        verb = "VOICEMAIL" if leaves_message else "CALL"
        try:
            answer = self._line.ask(f"{verb} {key} {100 + number % 4}")
        except OSError as error:
            self._not_answered(key, str(error))
            return
        self._acknowledged(
            Acknowledged(
                key,
                answer["host"],
                time.monotonic(),
                time.time(),
                answer.get("voicemail", ""),
                answer.get("sha256", ""),
            )
        )

    def _not_answered(self, key: str, reason: str) -> None:
        with self._recording:
            self.record.unanswered.append(key)
        if not self._silent:
            self._silent = True
            self.say("silent", reason=reason)

    def _acknowledged(self, call: Acknowledged) -> None:
        before = self.record.calls[-1] if self.record.calls else None
        with self._recording:
            self.record.calls.append(call)
        if before is None:
            self.say("answered", host=call.host, outage_s=None)
        elif self._silent or before.host != call.host:
            self._outage_ended(before, call)
        self._silent = False
        if call.voicemail:
            self._voicemail += 1
            self.say("progress", calls=len(self.record.calls), voicemail=self._voicemail)

    def _outage_ended(self, before: Acknowledged, after: Acknowledged) -> None:
        outage = Outage(
            before.monotonic_s,
            after.monotonic_s,
            after.monotonic_s - before.monotonic_s,
            before.host,
            after.host,
        )
        with self._recording:
            self.record.outages.append(outage)
        self.say("answered", host=after.host, outage_s=outage.outage_s)

    def verify(self) -> None:
        """Which acknowledged calls and voicemail does the server at the address know now?"""
        with self._recording:
            calls = list(self.record.calls)
        line = Line(self.options.address, self.options.port, LIST_TIMEOUT_S)
        try:
            known = line.ask("LIST")
        except OSError as error:
            self.say("unverified", reason=str(error))
            return
        finally:
            line.hang_up()
        rows, messages = set(known["calls"]), known["voicemail"]
        left = [call for call in calls if call.voicemail]
        self.say(
            "verified",
            host=known["host"],
            calls_acknowledged=len(calls),
            calls_missing=[call.key for call in calls if call.key not in rows],
            voicemail_acknowledged=len(left),
            voicemail_missing=[c.voicemail for c in left if messages.get(c.voicemail) != c.sha256],
            calls_known=len(rows),
            voicemail_known=len(messages),
            paths=known.get("paths", 0),
            paths_elsewhere=known.get("paths_elsewhere", 0),
        )

    def obey(self, commands: IO[str]) -> None:
        paused = False
        for command in commands:
            if command.strip() == "verify":
                self.verify()
            elif command.strip() == "pause" and not paused:
                paused = self._may_call.acquire()
                self.say("paused")
            elif command.strip() == "go on" and paused:
                self._may_call.release()
                paused = False
            elif command.strip() == "quit":
                self.done.set()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Calls all the time.")
    parser.add_argument("address")
    parser.add_argument("--port", type=int, default=100)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second")
    parser.add_argument("--timeout-ms", type=int, default=300)
    parser.add_argument("--voicemail-every", type=int, default=5, help="which call leaves one")
    parser.add_argument("--name", default="call", help="first part of each call's key")
    parser.add_argument("--log", type=Path, help="gets the complete record as JSON")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    client = Client(options)
    signal.signal(signal.SIGTERM, lambda *_: client.done.set())
    signal.signal(signal.SIGINT, lambda *_: client.done.set())
    threading.Thread(target=client.obey, args=(sys.stdin,), daemon=True).start()
    client.call_all_the_time()
    if options.log:
        options.log.write_text(json.dumps(asdict(client.record)), "utf-8")


if __name__ == "__main__":
    main()
