"""The drill: a Primary dies, the Failover Server stands in for it, and gives everything back.

Run it with examples/lab/run. Exit codes: 0 all went as it should, 1 something did not, 130
interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import TYPE_CHECKING, TextIO

from ipfx_failover.errors import FailoverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfxlab.drill_figures import Figures

DONE, FAILED, INTERRUPTED = 0, 1, 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption(BaseException):
    """Ctrl-C, SIGTERM, or a terminal that was closed."""


def interrupt_once() -> None:
    """Signals end the drill; a second one disturbs no tidying."""

    def handle(_number: int, _frame: object) -> None:
        tidy_in_peace()
        raise Interruption

    for number in _SIGNALS:
        signal.signal(number, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)  # examples/lab/run blocks Ctrl-C


def tidy_in_peace() -> None:
    """From now on no signal interrupts: the end is near anyway."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def play(stream: TextIO, engine_name: str) -> Figures:
    """Plays the drill, and tells of it on `stream`; what was measured.

    Raises:
        FailoverError: something did not happen as it should.
    """
    # Imported when Ctrl-C is answered already: this takes a moment.
    from ipfxlab.drill_acts import begin, check, headline
    from ipfxlab.drill_engine import Sqlite
    from ipfxlab.drill_sqlserver import SqlServerHot
    from ipfxlab.drill_stage import Stage
    from ipfxlab.drill_summary import introduction, summary
    from ipfxlab.drill_timeline import Timeline

    engine = SqlServerHot() if engine_name == SqlServerHot.name else Sqlite()
    with Timeline(stream) as timeline:
        timeline.page(introduction(engine.cast))
        with Stage(timeline, engine) as stage:
            try:
                figures = begin(stage).play()
                check(figures)
            except FailoverError:
                timeline.page(["", *stage.last_words()])
                tidy_in_peace()
                raise
            headline(stage, "Act 5: what it cost")
            timeline.page(summary(figures))
            tidy_in_peace()
    return figures


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="examples/lab/run",
        description="A Primary dies in a real network on this machine; the Failover Server stands "
        "in for it, and gives everything back. It takes a minute or so, and leaves nothing behind.",
        epilog="Exit codes: 0 all went as it should, 1 something did not, 130 interrupted.",
    )
    parser.add_argument(
        "--engine",
        choices=("sqlite", "sqlserver"),
        default="sqlite",
        help="of the databases: sqlite, warm; or sqlserver, hot, on simulated servers",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="the figures as one JSON object on standard output, all else on standard error",
    )
    return parser.parse_args(arguments)


def main() -> int:
    options = parse()
    try:
        interrupt_once()
        figures = play(sys.stderr if options.json else sys.stdout, options.engine)
    except Interruption:
        return _ended(options, INTERRUPTED, "Interrupted: the drill has removed all it made.", "")
    except FailoverError as error:
        return _ended(options, FAILED, error.message, error.hint)
    if options.json:
        print(json.dumps(figures.as_json()))
    return DONE


def _ended(options: argparse.Namespace, code: int, message: str, hint: str) -> int:
    print(f"\n{message}", *([f"  {hint}"] if hint else []), sep="\n", file=sys.stderr)
    if options.json:
        print(json.dumps({"ok": False, "error": {"message": message, "hint": hint}}))
    return code


if __name__ == "__main__":
    sys.exit(main())
