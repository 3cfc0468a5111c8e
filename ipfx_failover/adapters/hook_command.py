"""A command that is told of an event: JSON on its standard input, texts in its environment."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.hook_message import message, texts
from ipfx_failover.adapters.short_commands import last_lines, run_command
from ipfx_failover.errors import Failed
from ipfx_failover.events import one_line
from ipfx_failover.mailing import Letter, MailSender, Refusal, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfx_failover.config.models import CommandHookSettings

PREFIX: Final = "IPFX_FAILOVER_"
_LONGEST: Final = 1000
_INHERITED: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR"
    r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|TEMP|TMP|USERNAME|USERPROFILE|COMPUTERNAME"
    r"|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES(\(X86\))?",
    re.IGNORECASE,
)
"""The variables that it shares with us; any other may hold a secret of another channel."""


@dataclass(frozen=True, slots=True)
class CommandHook(MailSender):
    """Runs the command that the config names; `say` gets what it printed.

    `host`: the name of this Failover Server.
    """

    name: str
    settings: CommandHookSettings
    say: Callable[[str], None]
    host: str = field(default_factory=socket.gethostname)

    @property
    def limitation(self) -> str | None:
        return None

    def send(self, letter: Letter) -> Mapping[str, Refusal]:
        """Run it to its end; out of time, it is killed with what it has started.

        Raises:
            RejectedError: it ended with another code than 0.
            Failed: it cannot be run, or did not end in time.
        """
        values = message(letter, self.host)
        variables = {
            f"{PREFIX}{name.upper()}": _as_variable(text) for name, text in texts(values).items()
        }
        ended = run_command(
            self.settings.command,
            timeout_s=self.settings.timeout_s,
            env={**_inherited(os.environ), **variables},
            given=json.dumps(values).encode(),
        )
        hint = f"run it by hand with the event on standard input (alerts.commands.{self.name})"
        if complaint := ended.complaint(self.settings.timeout_s):
            kind = Failed if ended.exit_code is None else RejectedError
            raise kind(f"command {self.name} {one_line(complaint)[:_LONGEST]}", hint)
        if output := last_lines(ended.output):
            self.say(one_line(output)[:_LONGEST])
        return {}


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if _INHERITED.fullmatch(name)}


def _as_variable(text: str) -> str:
    """As an environment takes it: no NUL, and nothing that cannot be encoded."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
