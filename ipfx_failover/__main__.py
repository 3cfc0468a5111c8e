"""The entry point: answers `--version` before anything heavy is imported."""

from __future__ import annotations

import os
import sys

from ipfx_failover import __version__


def main() -> None:
    _open_closed_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.exit(_print_version())
    _remember_ctrl_c()
    # Looking for pydantic's plug-ins costs every command 30 ms, and there are none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from ipfx_failover.cli.app import run

    run()


def _remember_ctrl_c() -> None:
    """Python would tell it with a traceback while the commands are imported."""
    try:
        from ipfx_failover.adapters.signals import remember_end

        remember_end()
    except KeyboardInterrupt:  # meanwhile
        _remember_ctrl_c()
        from signal import SIGINT, raise_signal

        raise_signal(SIGINT)


def _print_version() -> int:
    try:
        sys.stdout.write(f"ipfx-failover {__version__}\n")
        sys.stdout.flush()
    except OSError as error:
        from ipfx_failover.cli.output import discard, report_error, unprinted

        if (lost := unprinted(error)) is not None:
            return report_error(lost, as_json=False)
        discard(sys.stdout)  # its reader has left
    return 0


def _open_closed_streams() -> None:
    """Put the null device where our caller has closed a standard stream.

    The next file that is opened would get its number, and with it what a child prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(null, null == number)
            setattr(sys, name, os.fdopen(null, "r" if number == 0 else "w", encoding="utf-8"))


if __name__ == "__main__":
    main()
