"""The entry point: answers `--version` before anything heavy is imported."""

from __future__ import annotations

import os
import sys

from ipfx_failover import __version__


def main() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"ipfx-failover {__version__}\n")
        return
    # Looking for pydantic's plug-ins costs every command 30 ms, and there are none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from ipfx_failover.cli.app import run

    run()


if __name__ == "__main__":
    main()
