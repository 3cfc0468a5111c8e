"""How `--help` looks: no summary is cut off, and what must be given stands in no braces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

if TYPE_CHECKING:
    import typer


class Command(TyperCommand):
    """A command with its first paragraph as summary, in as many lines as that takes."""

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 - Click cuts it off there
        return " ".join((self.help or "").partition("\n\n")[0].split())

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


def shape(app: typer.Typer) -> None:
    """Have all commands of the app, and those of its groups, look so."""
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            group.typer_instance.info.short_help = group.typer_instance.info.help
            shape(group.typer_instance)
