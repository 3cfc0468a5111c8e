"""Webhooks and commands that are told of events, each in a thread of its own.

One that hangs holds up nobody: not the pings, not the mails, not the other hooks.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ipfx_failover.adapters.waiting import Deadline
from ipfx_failover.config.models import CommandHookSettings, WebhookSettings
from ipfx_failover.decide.alerts import compose
from ipfx_failover.decide.notices import notice
from ipfx_failover.errors import FailoverError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.mailing import Letter, MailSender, Refusal, drain, free_leases_of_the_dead
from ipfx_failover.state import outbox
from ipfx_failover.state.channels import register, routes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ipfx_failover.config.models import AlertSettings
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_LOOK_EVERY_S = 1.0
_PASS_S = 30.0
_BYE_S = 15.0


class Hooks:
    """Starts a thread for each hook that something is due for; never waits for one.

    `site`: the installation as it is now; its config may change.
    """

    def __init__(self, site: Callable[[], Site], say: Callable[[str], None]) -> None:
        self._site = site
        self._say = say
        self._complaint = ""
        self._store: Store | None = None
        self._running: dict[str, threading.Thread] = {}

    def look(self, store: Store, *, within_s: float = _PASS_S) -> None:
        """Begin to tell whoever is due, nothing more behind `within_s`."""
        site = self._site()
        channels = outbox.waiting(store).keys() - {outbox.MAIL}
        if channels:
            free_leases_of_the_dead(store)
        for channel in channels:
            running = self._running.get(channel)
            if running is not None and running.is_alive():
                continue
            if outbox.is_due(store, channel, site.clock.now()):
                self._running[channel] = threading.Thread(
                    target=self._tell, args=(site, channel, within_s), name=channel, daemon=True
                )
                self._running[channel].start()

    def wait(self, bound_s: float) -> None:
        """Let those that are being told end, for so long at most."""
        deadline = Deadline(self._site().clock, bound_s)
        for thread in self._running.values():
            thread.join(deadline.left_s)

    def follow(self, stop: threading.Event) -> None:
        """Look every second until `stop`, and once more then."""
        while not stop.wait(_LOOK_EVERY_S):
            self.turn()
        self.turn()
        self.wait(_BYE_S)
        self._close()

    def turn(self) -> None:
        """One look; whatever goes wrong, the next tries again."""
        try:
            site = self._site()
            self._store = self._store or site.store()
            register(self._store, routes_of(site.config.alerts))
            self.look(self._store)
        except Exception as error:  # noqa: BLE001 - the monitor goes on; the words say what it was
            self._close()
            self._complain(f"hooks cannot be told: {type(error).__name__}: {error}")

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = None

    def _tell(self, site: Site, channel: str, within_s: float) -> None:
        try:
            with site.store() as store:
                sender = _sender(
                    site.config.alerts, channel, lambda said: _log(site, store, channel, said)
                )
                drain(store, sender, site.clock, channel=channel, within_s=within_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(f"{channel} cannot be told: {type(error).__name__}: {error}")

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            self._say(complaint)
        self._complaint = complaint


@contextmanager
def hooks_told(site: Callable[[], Site], say: Callable[[str], None]) -> Iterator[None]:
    """Tell the hooks while the block runs, and of its end."""
    hooks = Hooks(site, say)
    stop = threading.Event()
    thread = threading.Thread(target=hooks.follow, args=(stop,), name="hooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_BYE_S)


def send_to_hook(site: Site, channel: str, letter: Letter) -> str:
    """Tell a hook something past the outbox, to try it; what it printed.

    Raises:
        FailoverError: why it could not be told.
    """
    said: list[str] = []
    _sender(site.config.alerts, channel, said.append).send(letter)
    return " ".join(said)


def cry_to_hooks(site: Site, event: Event) -> None:
    """Begin to tell the hooks past the outbox: the store that holds it cannot be used."""
    mail, now = compose(event), site.clock.now()
    document = json.dumps(notice(event, mail, cursor=0))
    letter = Letter(f"direct.{now:%Y%m%d%H%M%S%f}", now, mail.subject, mail.body, None, document)
    for route in routes_of(site.config.alerts):
        if route.wants(event, is_mailed=event.spec.subject is not None):
            threading.Thread(
                target=_cry_to, args=(site, route.channel, letter), name="cry", daemon=True
            ).start()


def _cry_to(site: Site, channel: str, letter: Letter) -> None:
    # Nobody is left to be told when this fails too; the monitor's own output has said it.
    with suppress(FailoverError):
        send_to_hook(site, channel, letter)


def _sender(alerts: AlertSettings, channel: str, say: Callable[[str], None]) -> MailSender:
    hook = alerts.hooks.get(channel)
    name = channel.partition(" ")[2]
    if isinstance(hook, WebhookSettings):
        from ipfx_failover.adapters.webhook import Webhook

        return Webhook(name, hook)
    if isinstance(hook, CommandHookSettings):
        from ipfx_failover.adapters.hook_command import CommandHook

        return CommandHook(name, hook, say)
    return _Nobody()


def _log(site: Site, store: Store, channel: str, output: str) -> None:
    data = {"hook": channel, "output": output}
    try:
        with store.transaction() as tx:
            tx.emit(Event(EventKind.HOOK_SAID, site.clock.now(), None, data))
    except FailoverError:
        return  # it was told; what it said is not worth telling it twice


class _Nobody(MailSender):
    """For what waits for a hook that was taken out of the config."""

    @property
    def limitation(self) -> str | None:
        return "the config does not name it any more"

    def send(self, letter: Letter) -> Mapping[str, Refusal]:
        raise NotImplementedError(letter.key)
