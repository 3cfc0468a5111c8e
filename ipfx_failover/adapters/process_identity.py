"""Telling a process from a later one with the same id."""

from __future__ import annotations


def created_at(pid: int, *, or_ended: bool = False) -> float | None:
    """When the process was created, in seconds; None when there is none. Only for comparing.

    With `or_ended` also of one that has ended, as long as its parent has not asked how.

    On Linux it counts from the boot: the kernel knows it so, and psutil adds a boot time that
    moves when the clock is set (a process must not look like another one because of NTP). Rounded
    to the kernel's clock tick.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE and not or_ended:
            return None
        # The boot time first: older versions of psutil remember it for create_time.
        boot_s = psutil.boot_time() if psutil.LINUX else 0.0
        return round(process.create_time() - boot_s, 2)
    except psutil.Error:
        return None
