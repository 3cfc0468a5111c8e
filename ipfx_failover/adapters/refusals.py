"""Why the system did not send a packet, in words; Windows has the same numbers for sockets."""

from __future__ import annotations

import errno

_REASONS = {
    errno.EACCES: "the system forbids this destination (a broadcast address?)",
    errno.EADDRNOTAVAIL: "this machine does not have the address to send from",
    errno.EAGAIN: "the send buffer is full",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.EINVAL: "this machine does not have the address to send from",
    errno.ENETDOWN: "the adapter is down",
    errno.ENETUNREACH: "there is no route to it",
    errno.ENOBUFS: "the adapter takes no packets now (queue full, or cable out)",
    errno.ENODEV: "the adapter does not exist any more",
    errno.ENXIO: "the adapter does not exist any more",
    errno.EPERM: "a firewall rule of this machine forbids it",
}

# Gone by the next moment: worth one more try at once.
TRANSIENT = frozenset({errno.EAGAIN, errno.EINTR, errno.ENOBUFS})


def reason(error: OSError) -> str:
    """The refusal for the log, with the system's own name for it."""
    name = errno.errorcode.get(error.errno or 0, "?")
    return f"{_REASONS.get(error.errno or 0, error.strerror)} ({name})"
