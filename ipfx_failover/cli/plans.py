"""How `service` and `schedule` show what they would change, and say what they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.paths import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.cli.output import Output
    from ipfx_failover.installing import Action, Plan


def show_plan(plan: Plan, output: Output) -> None:
    """Each step with the file's content, or the command."""
    for number, action in enumerate(plan.actions, start=1):
        shown = as_step(action)
        output.as_it_is(f"{number}. {shown['step']}")
        for line in shown.get("text", "").splitlines():
            output.as_it_is(f"     {line}".rstrip())
    if not plan.actions:
        output.line("Nothing to do: it is so already.")
    show_notes(plan, output)
    output.document(steps=[as_step(action) for action in plan.actions], notes=plan.notes)


def show_files(written: Plan, output: Output) -> None:
    """The files that were written for another machine."""
    from ipfx_failover.installing import WriteFile

    files = [str(action.path) for action in written.actions if isinstance(action, WriteFile)]
    for file in files:
        output.line(f"written: {file}")
    show_notes(written, output)
    output.document(files=files, notes=written.notes)


def show_notes(plan: Plan, output: Output) -> None:
    for note in plan.notes:
        output.line(f"Note: {note}")


def local(iso: str | None) -> str:
    """A time as this machine's clock shows it."""
    from datetime import datetime

    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M:%S}" if iso else "-"


def as_step(action: Action) -> dict[str, Any]:
    """A step as it stands in a JSON document; `step` is for people."""
    from ipfx_failover.installing import DeleteFile, WriteFile

    match action:
        case WriteFile(path, text):
            return {"step": f"Write {path}", "path": str(path), "text": text}
        case DeleteFile(path):
            return {"step": f"Delete {path}", "path": str(path)}
    command = _quoted(action.argv)
    if action.text is None:
        return {"step": f"Run {command}", "argv": action.argv}
    return {"step": f"Run {command} FILE, with this", "argv": action.argv, "text": action.text}


def _quoted(argv: Sequence[str]) -> str:
    """A command as it can be given to a shell of this system."""
    if WINDOWS:
        from subprocess import list2cmdline

        return list2cmdline(argv)
    import shlex

    return shlex.join(argv)
