"""The telephony application and its client as processes on the lab's hosts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfxlab.process import GENEROUS_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess

SCRIPTS = Path(__file__).parent.parent
APPLICATION = SCRIPTS / "phone_app.py"
CLIENT = SCRIPTS / "phone_client.py"
PORT = 100


def start_application(
    host: Host,
    *database: str,
    server: str,
    vm_dir: Path,
    env: Mapping[str, str] | None = None,
) -> LabProcess:
    """Starts the telephony application on a host and waits until it answers.

    `database`: the options that say where it is.
    """
    process = host.popen(
        *(host.python, str(APPLICATION), "--server", server, "--port", str(PORT)),
        *("--vm-dir", str(vm_dir), *database),
        name=f"the application on {host.name}",
        env=env,
    )
    process.wait_for_line("^ready: ")
    return process


@dataclass(frozen=True)
class Verification:
    """What the server at the address knew, of all that the client was ever told is safe.

    `paths`: in the database, of files; `paths_elsewhere`: those of another machine's files.
    """

    host: str
    calls_acknowledged: int
    calls_missing: list[str]
    voicemail_acknowledged: int
    voicemail_missing: list[str]
    calls_known: int
    voicemail_known: int
    paths: int = 0
    paths_elsewhere: int = 0


class PhoneClient:
    """The client that calls all the time (examples/lab/phone_client.py)."""

    def __init__(
        self,
        host: Host,
        address: str,
        *,
        rate: float = 20.0,
        timeout_ms: int = 300,
        voicemail_every: int = 5,
        name: str = "call",
    ) -> None:
        self._log = host.directory / f"{name}.json"
        self.process = host.popen(
            *(host.python, str(CLIENT), address, "--port", str(PORT), "--rate", str(rate)),
            *("--timeout-ms", str(timeout_ms), "--voicemail-every", str(voicemail_every)),
            *("--name", name, "--log", str(self._log)),
            name="the client",
            with_stdin=True,
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far; phone_client.py describes them."""
        return [json.loads(line) for line in self.process.lines if line.startswith("{")]

    def wait_for_event(
        self,
        event: str,
        *,
        since: int = 0,
        timeout_s: float = GENEROUS_S,
        **details: object,
    ) -> dict[str, Any]:
        """The first such event, from number `since` on, that has these details.

        Raises:
            Failed: it did not come in `timeout_s`.
        """
        wanted: Mapping[str, object] = {"event": event, **details}
        return self.process.wait_for(
            lambda: next(
                (one for one in self.events[since:] if wanted.items() <= one.items()), None
            ),
            str(wanted),
            timeout_s=timeout_s,
        )

    def wait_for_voicemail(self, more: int = 1, *, timeout_s: float = GENEROUS_S) -> int:
        """Waits until `more` voicemails than now are acknowledged; how many that makes.

        Raises:
            Failed: they did not come in `timeout_s`.
        """
        wanted = self._voicemail() + more
        return self.process.wait_for(
            lambda: count if (count := self._voicemail()) >= wanted else None,
            f"{more} more voicemails",
            timeout_s=timeout_s,
        )

    def _voicemail(self) -> int:
        counts = (event["voicemail"] for event in self.events if event["event"] == "progress")
        return max(counts, default=0)

    def verify(self) -> Verification:
        """Asks the server at the address what it knows.

        Raises:
            Failed: nobody answered.
        """
        since = len(self.events)
        self.process.send_line("verify")
        found = self.wait_for_event("verified", since=since, timeout_s=2 * GENEROUS_S)
        return Verification(**{key: found[key] for key in Verification.__dataclass_fields__})

    def pause(self) -> None:
        """Lets it finish its call, and make no other until `go_on`."""
        since = len(self.events)
        self.process.send_line("pause")
        self.wait_for_event("paused", since=since)

    def go_on(self) -> None:
        self.process.send_line("go on")

    def stop(self) -> dict[str, Any]:
        """Ends it; its complete record: `calls`, `outages`, `unanswered`."""
        self.process.stop()
        record: dict[str, Any] = json.loads(self._log.read_text("utf-8"))
        return record
