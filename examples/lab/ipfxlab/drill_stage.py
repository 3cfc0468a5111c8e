"""The drill's stage: the lab, the product in it, the client, and what all of them tell."""

from __future__ import annotations

import json
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ipfx_failover.errors import Failed
from ipfxlab.drill_config import SERVER, config_text
from ipfxlab.drill_engine import Sqlite
from ipfxlab.drill_monitor import MonitorRun
from ipfxlab.drill_timeline import CLIENT, GUARD, LAB, MAIL, MONITOR, OPERATOR, OUTPUT, Timeline
from ipfxlab.lab import Lab
from ipfxlab.phone import PhoneClient
from ipfxlab.process import GENEROUS_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from ipfxlab.drill_engine import DrillEngine
    from ipfxlab.mail import Mail
    from ipfxlab.process import LabProcess

CALLS_PER_S = 20.0
VOICEMAIL_EVERY = 5


def expect(ok: object, what: str) -> None:
    """Ends the drill when something is not as it should be; `what` says what is.

    Raises:
        Failed: `ok` is not true.
    """
    if not ok:
        raise Failed(what, "compare it with the time line above")


class Stage:
    """Everything that the acts use. Use it as a context: afterwards nothing of it is left."""

    def __init__(self, timeline: Timeline, engine: DrillEngine | None = None) -> None:
        self.timeline = timeline
        self.engine = engine or Sqlite()
        self.lab = Lab(SERVER, guarded=True, with_sql_server=self.engine.has_server)
        self.command_s: dict[str, float] = {}
        self._monitor: MonitorRun | None = None
        self._guard: LabProcess | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.lab)
            self.primary = self.lab.primary
            self.standby = self.lab.failover_server
            self.config = self.standby.directory / "config.toml"
            self.config.write_text(config_text(self.lab, self.engine.config(self.lab)), "utf-8")
            self.follow_guard()
            self._follow_mail()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def monitor(self) -> MonitorRun:
        if self._monitor is None:
            raise Failed("the monitor does not run", "start it first")
        return self._monitor

    @property
    def guard(self) -> LabProcess:
        """The guard that runs on the Primary now."""
        if self._guard is None:
            raise Failed("no guard runs on the Primary", "start it first")
        return self._guard

    def start_client(self) -> PhoneClient:
        """The client that calls all the time, from now on."""
        client = PhoneClient(
            self.lab.client,
            self.primary.address,
            rate=CALLS_PER_S,
            voicemail_every=VOICEMAIL_EVERY,
        )
        self._follow(CLIENT, client.process, _client_words)
        return client

    def start_monitor(self) -> None:
        argv = ("monitor", "--json")
        self._show(argv)
        self._monitor = MonitorRun(self._popen(argv))
        self._follow(MONITOR, self._monitor.process, self._monitor.told)

    def last_words(self) -> list[str]:
        """Of the monitor, and of the SQL Servers, for when something went wrong."""
        words = ["The monitor's last words:"]
        words += self._monitor.last_words() if self._monitor else ["(it was not started)"]
        for server in self.lab.sql_servers.values():
            words += ["", f"Those of {server.data_source}:", *server.last_words()]
        return words

    def follow_guard(self) -> None:
        """Tells what the guard says that runs on the Primary now."""
        guard = self._guard = self.primary.guard
        if guard is not None:
            self._follow(GUARD, guard, lambda line: _now(line) if guard is self._guard else None)

    def forget_guard(self) -> None:
        """Its machine is about to go down: what it says on the way means nothing."""
        self._guard = None

    def cli(self, *argv: str) -> list[str]:
        """Runs a command of the product as the operator would, and shows it; what it printed.

        Raises:
            Failed: it ended with another code than 0.
        """
        self._show(argv)
        began_s = time.monotonic()
        process = self._popen(argv)
        if "--json" not in argv:
            self._follow(OUTPUT, process, lambda line: _now(self._shortened(line)))
        code = process.wait(timeout_s=2 * GENEROUS_S)
        self.command_s[argv[0]] = time.monotonic() - began_s
        expect(code == 0, f"ipfx-failover {' '.join(argv)} ended with exit code {code}")
        return process.lines

    def say(self, text: str) -> None:
        """Somebody did something to the lab's machines and cables."""
        self.timeline.tell(LAB, text)

    def operator(self, text: str) -> None:
        """The operator did something without the product."""
        self.timeline.tell(OPERATOR, text)

    def pause(self, at_least_s: float, at_most_s: float) -> None:
        """Waits until some moment or other."""
        time.sleep(random.uniform(at_least_s, at_most_s))  # noqa: S311 - not a secret

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Waits for something that can only be looked at.

        Raises:
            Failed: it did not come about in time.
        """
        deadline_s = time.monotonic() + GENEROUS_S
        while not is_so():
            expect(time.monotonic() < deadline_s, f"it did not come about in time that {what}")
            time.sleep(0.02)

    def _show(self, argv: tuple[str, ...]) -> None:
        self.timeline.tell(OPERATOR, f"$ ipfx-failover {' '.join(argv)}")

    def _popen(self, argv: tuple[str, ...]) -> LabProcess:
        program = str(Path(sys.executable).with_name("ipfx-failover"))
        environment = {
            "IPFX_FAILOVER_CONFIG": str(self.config),
            **self.engine.environment(self.lab),
        }
        name = f"ipfx-failover {argv[0]}"
        return self.standby.popen(program, *argv, name=name, env=environment)

    def _follow(
        self,
        who: str,
        process: LabProcess,
        words: Callable[[str], tuple[float, str] | None],
    ) -> None:
        told = 0

        def news() -> Iterable[tuple[float, str]]:
            nonlocal told
            lines = process.lines[told:]
            told += len(lines)
            return filter(None, [words(line) for line in lines if line.strip()])

        self.timeline.follow(who, news)

    def _follow_mail(self) -> None:
        told = 0

        def news() -> Iterable[tuple[float, str]]:
            nonlocal told
            mails = self.lab.mail.mails[told:]
            told += len(mails)
            return [(mail.monotonic_s, _mail_words(mail)) for mail in mails]

        self.timeline.follow(MAIL, news)

    def _shortened(self, line: str) -> str:
        """Without the place where the lab's disks happen to be on this machine."""
        return line.replace(f"{self.lab.network.directory}/", "…/")


def _now(words: str) -> tuple[float, str]:
    return (time.monotonic(), words)


def _client_words(line: str) -> tuple[float, str] | None:
    if not line.startswith("{"):
        return _now(line)
    told: dict[str, Any] = json.loads(line)
    match told:
        case {"event": "answered", "host": host, "outage_s": None}:
            words = f"the first call is answered, by {host}"
        case {"event": "answered", "host": host, "outage_s": outage_s}:
            words = f"answered by {host}, after {outage_s:.2f} s in which nobody did"
        case {"event": "silent"}:
            words = "a call is not answered"
        case {"event": "verified"}:
            words = _verified_words(told)
        case {"event": "unverified", "reason": reason}:
            words = f"nobody says what is known ({reason})"
        case _:
            return None
    return (float(told["monotonic_s"]), words)


def _verified_words(told: dict[str, Any]) -> str:
    calls, voicemail = told["calls_acknowledged"], told["voicemail_acknowledged"]
    return (
        f"asks {told['host']} what it knows: "
        f"{calls - len(told['calls_missing'])} of {calls} acknowledged calls, "
        f"{voicemail - len(told['voicemail_missing'])} of {voicemail} voicemails"
    )


def _mail_words(mail: Mail) -> str:
    return f'to {", ".join(mail.recipients)}: "{mail.subject}"'
