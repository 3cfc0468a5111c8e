"""A keyring in memory."""

from __future__ import annotations

import keyring.backend
import keyring.errors

VALUE = "hunter2-Zx9"
"""What the tests' keyring holds for the user `sa` of the service `ipfx`."""


class MemoryKeyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked(password)
        self.entries[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked(VALUE)
        return self.entries.get((service, username))
