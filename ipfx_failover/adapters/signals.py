"""How the system asks a process to end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AGAIN_S: Final = 0.05


class _Gate(threading.local):
    """Each thread's own; the main one's counts, which alone handles signals."""

    is_shut = False
    waiting: int | None = None

    def keeps(self, number: int) -> bool:
        """Whether a signal must wait; it does, then."""
        if self.is_shut:
            self.waiting = number
        return self.is_shut

    def pass_on(self) -> None:
        """Handle the signal that waits, if it need not wait any more."""
        if self.waiting is not None and not self.is_shut:
            number, self.waiting = self.waiting, None
            signal.raise_signal(number)


class _Notes:
    """Where the system notes signals for the handler of now; the descriptor of its file."""

    file: int | None = None


class _Heard:
    """Whether a handler was called; a plain value, for a handler may interrupt anything."""

    yet = False


_gate = _Gate()
_notes = _Notes()


def remember_end() -> None:
    """What asks this process to end is told in the first `let_through` behind `on_end`."""
    heard = _Heard()

    def remember(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        heard.yet = True
        _gate.waiting = number

    _handle_even_before_a_wait(remember, heard)


def on_end(told: Callable[[str], None]) -> None:
    """Call `told` with the signal's name on Ctrl-C, SIGTERM or Ctrl-Break; in the main thread.

    Only once: what follows is undoing, which a second Ctrl-C must not break. But where Python can
    pass on nothing that `told` raises (in a destructor, or the callback of a weak reference), it
    is called again a moment later.
    """
    heard = _Heard()
    seen: list[int] = []
    raised: list[int] = []
    before = sys.unraisablehook

    def handle(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        heard.yet = True
        if seen or _gate.keeps(number):
            return
        seen.append(number)
        try:
            told(signal.Signals(number).name)
        except BaseException as error:
            raised.append(id(error))
            raise

    def again(lost: sys.UnraisableHookArgs) -> None:
        if id(lost.exc_value) not in raised:
            before(lost)
            return
        raised.clear()
        heard.yet = False
        threading.Timer(_AGAIN_S, _signal_main, [seen.pop()]).start()

    sys.unraisablehook = again
    _handle_even_before_a_wait(handle, heard)
    if sys.platform == "win32":
        from ipfx_failover.adapters.windows.logoff import outlive_logoff

        outlive_logoff()


def end_with(code: int) -> NoReturn:
    """End this process with this exit code, whatever else asks it to end meanwhile.

    Where a thread is still waited for, that ends the wait.
    """
    on_end(lambda _: os._exit(code))
    # Behind the threads; from then on Python would give each signal its default back.
    atexit.register(_handle_with, signal.SIG_IGN)
    sys.exit(code)


def _handle_with(handle: Callable[[int, object], None] | signal.Handlers) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)


def _handle_even_before_a_wait(handle: Callable[[int, object], None], heard: _Heard) -> None:
    """A signal that comes just before Python waits for a lock is handled only behind the wait.

    Another one ends the wait (`signal`, "Execution of Python signal handlers"), so it is sent
    again until it is heard. On Windows none does: there such waits are made in pieces.
    """
    _handle_with(handle)
    if hasattr(signal, "pthread_kill"):
        # Where the system has no file or thread to give, it is handled behind the wait.
        with suppress(OSError, RuntimeError):
            what = (_new_notes(), handle, heard)
            threading.Thread(target=_send_again, args=what, name="signals", daemon=True).start()


def _new_notes() -> int:
    """Signals are noted in a new file from now on; the descriptor to read it by.

    Each handler has its own: what one has heard is not sent to the next one.
    """
    _forget_at_fork()
    noted, note = os.pipe()
    os.set_blocking(note, False)
    signal.set_wakeup_fd(note, warn_on_full_buffer=False)
    if _notes.file is not None:
        os.close(_notes.file)  # ends the thread that reads it
    _notes.file = note
    return noted


def _send_again(noted: int, handle: Callable[[int, object], None], heard: _Heard) -> None:
    """Send again what is noted in this file, until this handler has heard it, or is none."""
    never = threading.Event()
    while number := os.read(noted, 1):
        never.wait(_AGAIN_S)
        if not heard.yet and signal.getsignal(number[0]) is handle:
            _signal_main(number[0])
    os.close(noted)


@cache
def _forget_at_fork() -> None:
    """What a child is told, which shares the file, is not for its parent; it makes its own."""

    def forget() -> None:
        signal.set_wakeup_fd(-1)
        if _notes.file is not None:
            os.close(_notes.file)
            _notes.file = None

    os.register_at_fork(after_in_child=forget)


@contextmanager
def ctrl_c_left_to_child() -> Iterator[None]:
    """Ctrl-C is for a child at the same terminal, not for this process; in the main thread."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    notes = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.set_wakeup_fd(notes, warn_on_full_buffer=False)


@contextmanager
def held_back() -> Iterator[None]:
    """What asks this process to end is told behind the block, or in a `let_through` within it.

    Where an error leaves the block that comes first, and the signal waits for the next block.
    """
    _gate.pass_on()
    before, _gate.is_shut = _gate.is_shut, True
    try:
        yield
    finally:
        _gate.is_shut = before
    _gate.pass_on()


@contextmanager
def let_through() -> Iterator[None]:
    """What asks this process to end is told at once, also within a `held_back`."""
    before, _gate.is_shut = _gate.is_shut, False
    try:
        _gate.pass_on()
        yield
    finally:
        _gate.is_shut = before


@contextmanager
def last_words() -> Iterator[None]:
    """What asks this process to end comes too late, but for a `let_through` within the block."""
    before, _gate.is_shut = _gate.is_shut, True
    try:
        yield
    finally:
        _gate.is_shut, _gate.waiting = before, None


def end_at_eof() -> None:
    """End this process, as SIGTERM would, when its standard input ends: its parent is gone."""
    # Not through the buffer, whose lock would be held for ever: the interpreter aborts at its end.
    given = sys.stdin.fileno()

    def wait() -> None:
        while os.read(given, 1):
            pass
        _signal_main(signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _signal_main(number: int) -> None:
    """From another thread: the main one is woken by it where the system can do that."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)
