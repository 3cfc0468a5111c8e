"""The entry point: answers `--version` before anything heavy is imported."""

from __future__ import annotations

import sys

from ipfx_failover import __version__


def main() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"ipfx-failover {__version__}\n")
        return
    from ipfx_failover.cli.app import run

    run()


if __name__ == "__main__":
    main()
