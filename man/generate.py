"""Writes the man pages below this directory: `python -m man.generate`, in the checkout.

They are made out of the code, and committed; a test fails when the two differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ipfx_failover import __version__
from man.commands import command_page, commands
from man.config_page import config_page
from man.overview import overview_page

ROOT = Path(__file__).parent


def pages() -> dict[str, str]:
    """The text of every page, by its path below this directory."""
    made = [
        overview_page(__version__),
        config_page(__version__),
        *(command_page(command, __version__) for command in commands()),
    ]
    return {page.path: page.text for page in made}


def committed() -> dict[str, str]:
    """The pages that are there."""
    found = sorted(ROOT.glob("man[1-9]/*"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in found}


def main() -> None:
    wanted = pages()
    for path in committed().keys() - wanted.keys():
        (ROOT / path).unlink()
    for path, text in wanted.items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(wanted)} pages in {ROOT}\n")


if __name__ == "__main__":
    main()
