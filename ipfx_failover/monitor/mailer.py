"""The monitor's mail thread: a slow mail server delays nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.state.store import Store

_LOOK_EVERY_S = 1.0
_REMIND_AT_LOOKS = 30


class Mailer:
    """Looks every second for mail to send; `deliver` sends what is due, bounded in time."""

    def __init__(
        self,
        *,
        open_store: Callable[[], Store],
        deliver: Callable[[Store], None],
        say: Callable[[str], None],
    ) -> None:
        self._open_store = open_store
        self._deliver = deliver
        self._say = say
        self._complaint = ""
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Deliver until `stop`, and once more then."""
        with self._open_store() as store:
            looks = 0
            while not self._stop.wait(_LOOK_EVERY_S):
                looks += 1
                # Reminders come due by themselves, and need no haste.
                self._try(store, only_waiting=looks % _REMIND_AT_LOOKS != 0)
            self._try(store, only_waiting=True)

    def _try(self, store: Store, *, only_waiting: bool) -> None:
        """Whatever goes wrong with one mail, the next look tries again."""
        try:
            if not only_waiting or store.mails_waiting():
                self._deliver(store)
        except Exception as error:  # noqa: BLE001 - mail must go on; the words say what it was
            complaint = f"mail cannot be sent: {type(error).__name__}: {error}"
            if complaint != self._complaint:
                self._say(complaint)
            self._complaint = complaint
