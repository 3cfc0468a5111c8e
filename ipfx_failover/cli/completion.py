"""`completion`: what makes a shell complete commands, options and names."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, Final

import typer

from ipfx_failover.cli.options import Json

_ASKED: Final = "_IPFX_FAILOVER_COMPLETE"
"""The variable by which a shell asks."""


class Shell(StrEnum):
    """The shells whose completion is known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def add_to(app: typer.Typer) -> None:
    app.command("completion")(completion)
    if _ASKED in os.environ:
        from typer._completion_classes import completion_init

        completion_init()


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="The shell.")],
    as_json: Json = False,
) -> None:
    """Print what a shell needs to complete commands, options and names.

    The names are those of servers, adapters and keys of the config. Put it where the shell looks:

    bash, in ~/.bashrc: eval "$(ipfx-failover completion bash)"

    zsh, in ~/.zshrc behind compinit: eval "$(ipfx-failover completion zsh)"

    fish, in ~/.config/fish/config.fish: ipfx-failover completion fish | source

    Example: ipfx-failover completion bash
    """
    from typer._completion_shared import get_completion_script

    from ipfx_failover.cli.output import Output

    script = get_completion_script(
        prog_name="ipfx-failover", complete_var=_ASKED, shell=shell.value
    )
    output = Output(as_json)
    output.as_it_is(script)
    output.document(shell=shell, script=script)
