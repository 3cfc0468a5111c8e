"""Metrics: measured for a command, a file, or whoever scrapes them."""

from __future__ import annotations

import threading
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from ipfx_failover import __version__
from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.errors import FailoverError, Refused, UsageError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.metrics import Measured, exposition, require_package
from ipfx_failover.state import outbox
from ipfx_failover.state.channels import routes
from ipfx_failover.state.pings import ever
from ipfx_failover.wiring.looking import drawn, from_snapshot, open_to_read, outline_told
from ipfx_failover.wiring.site import open_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ipfx_failover.config.outline import Outline
    from ipfx_failover.state.reading import Reading

_FRESH_NS = 1_000_000_000
_RETRY_S = 10.0

Place = tuple[IPv4Address | IPv6Address, int]


class Meter:
    """Measures an installation; while its config is broken, with what was known of it before.

    `say` is told of a config that is broken: the metrics tell it anyway.

    Raises:
        UsageError: there is no config, or none that says where the state is.
        Refused: this user may open neither store nor snapshot.
        InDoubt: the store is damaged.
    """

    def __init__(
        self, config_path: Path | None, say: Callable[[str], object] = lambda _: None
    ) -> None:
        self._config_path = config_path
        self._say = say
        self._clock = SystemClock()
        self._outline: Outline | None = None

    def measure(self) -> Measured:
        """The metrics of now."""
        config_ok = self._is_config_right()
        outline = self._current_outline()
        try:
            with closing(open_to_read(outline.state_dir)) as store:
                return Measured(
                    version=__version__,
                    report=drawn(outline, store, self._clock),
                    config_ok=config_ok,
                    pings=ever(store),
                    waiting=_waiting(store),
                )
        except Refused:
            report = from_snapshot(outline, self._clock)
            if report is None:
                raise
            waiting = {outbox.MAIL: report.mails_waiting, **report.hooks_waiting}
            return Measured(__version__, report, config_ok, waiting=waiting)

    def _is_config_right(self) -> bool:
        try:
            open_site(self._config_path)
        except UsageError:
            return False
        return True

    def _current_outline(self) -> Outline:
        try:
            outline = outline_told(self._config_path, self._say)
        except UsageError:
            if self._outline is None:
                raise
            return self._outline
        if self._outline is None or outline.problem is None:
            self._outline = outline
        return self._outline


def _waiting(store: Reading) -> dict[str, int]:
    """Also of the channels in which nothing waits."""
    known = [outbox.MAIL, *(route.channel for route in routes(store))]
    return {**dict.fromkeys(known, 0), **outbox.waiting(store)}


def write(text: str, file: Path) -> None:
    """Replace a file in one step; it is for all to read.

    Raises:
        Refused: it cannot be written.
    """
    from ipfx_failover.adapters.durable import rewrite_file

    try:
        rewrite_file(file, text.encode(), mode=0o644)
    except OSError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror or error}",
            "the directory must be there, and this user may write in it",
        ) from None


def place_of(text: str) -> Place:
    """Where to listen, from ADDRESS:PORT.

    Raises:
        UsageError: it is none.
    """
    host, _, port = text.rpartition(":")
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        raise UsageError(
            f"{text!r} is no address and port to listen at",
            "such as 127.0.0.1:9469, or [::1]:9469; the address is one of this machine",
        )
    return address, number


def check_metrics(text: str) -> None:
    """Whether metrics can be served at ADDRESS:PORT, as far as that is known beforehand.

    Raises:
        UsageError: it is no address and port.
        Refused: a package is missing.
    """
    place_of(text)
    require_package()


def serve(config_path: Path | None, place: Place, *, is_child: bool) -> None:
    """Serve metrics until interrupted.

    A child of the monitor waits for a port that is taken, and says so in the log.

    Raises:
        Busy: something else listens there.
        Refused: it cannot listen there, or a package is missing.
    """
    from ipfx_failover.adapters.metrics_server import MetricsServer

    require_package()
    draw = _Drawer(Meter(config_path), SystemClock())
    troubled = False
    while True:
        try:
            server = MetricsServer(*place, draw)
            break
        except FailoverError as error:
            if not is_child:
                raise
            if not troubled:
                _log(config_path, EventKind.METRICS_FAILING, reason=error.message)
            troubled = True
            SystemClock().sleep(_RETRY_S)
    if troubled:
        _log(config_path, EventKind.METRICS_SERVED)
    with server:
        server.serve_forever()


class _Drawer:
    """Draws the metrics anew once a second at most, however many ask."""

    def __init__(self, meter: Meter, clock: SystemClock) -> None:
        self._meter = meter
        self._clock = clock
        self._lock = threading.Lock()
        self._text = ""
        self._drawn_ns: int | None = None

    def __call__(self) -> str:
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            if self._drawn_ns is None or now_ns - self._drawn_ns > _FRESH_NS:
                self._text = exposition(self._meter.measure())
                self._drawn_ns = self._clock.monotonic_ns()
            return self._text


def _log(config_path: Path | None, kind: EventKind, **data: str) -> None:
    """Into the log that the monitor shows; that it serves counts more."""
    try:
        site = open_site(config_path)
        with site.store() as store, store.transaction() as tx:
            tx.emit(Event(kind, site.clock.now(), None, data))
    except FailoverError:
        return
