"""The mail server's process: takes every mail and prints it as one JSON line.

Usage: mail_server.py PORT. A mail is printed before the sender is told that it was taken.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from email import message_from_bytes, policy
from threading import Event

from aiosmtpd.controller import Controller


class PrintingHandler:
    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802 - the library's name
        print(json.dumps(as_json(envelope)), flush=True)
        return "250 Message accepted"


def as_json(envelope: object) -> dict[str, object]:
    content: bytes = getattr(envelope, "original_content", b"")
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    return {
        "at": time.time(),
        "monotonic_s": time.monotonic(),
        "sender": getattr(envelope, "mail_from", ""),
        "recipients": getattr(envelope, "rcpt_tos", []),
        "subject": str(message["subject"] or ""),
        "headers": {name: str(value) for name, value in message.items()},
        "text": body.get_content() if body else "",
    }


def main() -> None:
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    controller = Controller(PrintingHandler(), hostname="0.0.0.0", port=int(sys.argv[1]))  # noqa: S104 - inside its namespace
    controller.start()
    print("ready", flush=True)
    stop.wait()
    controller.stop()


if __name__ == "__main__":
    main()
