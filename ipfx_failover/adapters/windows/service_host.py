"""The `Supervisor` that the service manager of Windows is, for a process that it has started.

It is told the state of the service, and asks it to stop (<winsvc.h>); its threads call us, while
the main one is the monitor's.
"""

from __future__ import annotations

import atexit
import ctypes
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Self

from ipfx_failover.adapters.windows.dead_man import DeadMansSwitch
from ipfx_failover.adapters.windows.libraries import library
from ipfx_failover.adapters.windows.service_facts import Status, set_texts
from ipfx_failover.errors import ExitCode, FailoverError, Refused
from ipfx_failover.monitor.supervision import PATIENT_ROUNDS, TELL_EVERY_NS

if TYPE_CHECKING:
    from collections.abc import Callable

SAYS: Final = "Says"
"""In the service's key: what it says of itself."""

_OWN_PROCESS: Final = 0x10  # SERVICE_WIN32_OWN_PROCESS
_STOPPED, _START_PENDING, _STOP_PENDING, _RUNNING = 1, 2, 3, 4
_STOP, _INTERROGATE, _SHUTDOWN, _PRESHUTDOWN = 1, 4, 5, 15
_ENDS: Final = {
    _STOP: "service stop",
    _SHUTDOWN: "the system ends",
    _PRESHUTDOWN: "the system ends",
}
_ACCEPTED: Final = 0x1 | 0x4 | 0x100  # SERVICE_ACCEPT_STOP | _SHUTDOWN | _PRESHUTDOWN
_DONE, _UNKNOWN = 0, 120  # ERROR_CALL_NOT_IMPLEMENTED
_SEE_OWN_CODE: Final = 1066  # ERROR_SERVICE_SPECIFIC_ERROR
_PATIENCE_MS: Final = 30_000
"""As the systemd unit has it."""
_PENDING_MS: Final = 90_000
"""For its start and its end; as systemd has it."""


class ServiceHost:
    """The connection of this process with the service manager, by which `name` is known.

    While it is entered, the service starts; `ready` makes it run. How it ended is told when this
    process ends, behind everything that it has printed.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._advapi = library("advapi32")
        self._advapi.RegisterServiceCtrlHandlerExW.restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p()
        self._switch = DeadMansSwitch()
        self._patience_ms = _PATIENCE_MS
        self._stop: Callable[[str], object] = lambda _: None
        self._said: tuple[int, str] | None = None
        self._code = 0
        self._connected: SimpleQueue[str | None] = SimpleQueue()
        # What the system calls must not be collected.
        self._main = _function(self._begin, None, ctypes.c_uint32, ctypes.c_void_p)
        word, pointer = ctypes.c_uint32, ctypes.c_void_p
        self._control = _function(self._controlled, word, word, word, pointer, pointer)

    def __enter__(self) -> Self:
        threading.Thread(target=self._dispatch, name="service manager", daemon=True).start()
        if self._connected.get() is not None:
            raise Refused(
                "only the service manager of Windows starts this",
                "run: ipfx-failover service start; or, in a terminal: ipfx-failover monitor",
            )
        self._switch.reset(_PENDING_MS)
        atexit.register(self._ended)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self._code = error.exit_code if isinstance(error, FailoverError) else ExitCode.BUG

    def stop_with(self, stop: Callable[[str], object]) -> None:
        self._stop = stop

    def expect(self, round_ms: int) -> None:
        self._patience_ms = max(_PATIENCE_MS, PATIENT_ROUNDS * round_ms)

    def ready(self, text: str) -> None:
        self._tell(_RUNNING, accepted=_ACCEPTED)
        self._say(text)
        self._switch.reset(self._patience_ms)

    def alive(self, judged_ns: int, text: Callable[[], str]) -> None:
        self._switch.reset(self._patience_ms)
        if self._said is None or judged_ns - self._said[0] >= TELL_EVERY_NS:
            self._say(text(), judged_ns)

    def stopping(self) -> None:
        self._switch.reset(_PENDING_MS)
        self._tell(_STOP_PENDING)

    def _dispatch(self) -> None:
        class Entry(ctypes.Structure):
            _fields_ = (("name", ctypes.c_wchar_p), ("main", ctypes.c_void_p))

        main = ctypes.cast(self._main, ctypes.c_void_p)
        table = (Entry * 2)(Entry(self._name, main))
        # It returns when the service has stopped, or at once where nobody has started it as one.
        self._advapi.StartServiceCtrlDispatcherW(table)
        self._connected.put("over")

    def _begin(self, _count: int, _arguments: int) -> None:
        """ServiceMain; the service goes on when it returns."""
        handle = self._advapi.RegisterServiceCtrlHandlerExW(self._name, self._control, None)
        self._handle = ctypes.c_void_p(handle)
        self._tell(_START_PENDING)
        self._connected.put(None)

    def _controlled(self, wanted: int, _kind: int, _data: int, _context: int) -> int:
        """HandlerEx."""
        if wanted in _ENDS:
            self._tell(_STOP_PENDING)
            self._stop(_ENDS[wanted])
        return _DONE if wanted in {*_ENDS, _INTERROGATE} else _UNKNOWN

    def _ended(self) -> None:
        self._switch.disarm()
        error = _SEE_OWN_CODE if self._code else _DONE
        self._tell(_STOPPED, error=error, own_code=self._code)

    def _tell(self, state: int, **more: int) -> None:
        is_pending = state in {_START_PENDING, _STOP_PENDING}
        hint = _PENDING_MS if is_pending else 0
        status = Status(_OWN_PROCESS, state, checkpoint=is_pending, wait_hint_ms=hint, **more)
        self._advapi.SetServiceStatus(self._handle, ctypes.byref(status))

    def _say(self, text: str, at_ns: int = 0) -> None:
        """In the registry, which is in memory: no disk is waited for."""
        if self._said is None or self._said[1] != text:
            with suppress(OSError):
                set_texts(self._name, SAYS, [text])
        self._said = (at_ns, text)


def _function(called: Callable[..., Any], *types: Any) -> Any:
    """A function that the system can call; of its types the first is what it returns."""
    if sys.platform == "win32":
        return ctypes.WINFUNCTYPE(*types)(called)
    raise OSError("there is no Windows here")
