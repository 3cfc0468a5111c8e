"""Options that several commands share, each described once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ipfx_failover.adapters.paths import places
from ipfx_failover.cli.names import server_names

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"Default: {places(os.environ).config_file}, or what IPFX_FAILOVER_CONFIG names.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer the question with yes.")]
Plan = Annotated[
    bool, typer.Option("--plan", help="Print each step and what speaks against it; do nothing.")
]
OutputDir = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="DIR",
        help="Write the files there, to carry them to another machine; install nothing.",
        show_default=False,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only what was since then: 1h, 1d12h, 03:00, 2026-11-20, '2026-11-20 03:00'.",
    ),
]
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A server of the config.", autocompletion=server_names),
]
NameOrAll = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="A server of the config.",
        show_default=False,
        autocompletion=server_names,
    ),
]
MaybeName = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="A server; without a name all.",
        show_default=False,
        autocompletion=server_names,
    ),
]
Ask = Annotated[
    bool,
    typer.Option("--ask", hidden=True, help="Confirm it even where there is no terminal."),
]
UntilEof = Annotated[
    bool, typer.Option("--until-eof", hidden=True, help="End when standard input ends.")
]
