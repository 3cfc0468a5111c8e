"""`config set` and `config edit`: the General, Network and Alerts tabs (manual, "Settings…")."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ipfx_failover.cli.ask import PasswordFile
from ipfx_failover.cli.findings import facts_for, show_findings
from ipfx_failover.cli.names import keys
from ipfx_failover.cli.options import ConfigPath, Json, Yes
from ipfx_failover.errors import ExitCode, FailoverError, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.edit import Key
    from ipfx_failover.config.findings import Finding
    from ipfx_failover.config.given import Given
    from ipfx_failover.wiring.config_file import Changed
    from ipfx_failover.wiring.draft import Draft
    from ipfx_failover.wiring.secret_store import Place

_ADAPTER = ("network", "adapter")
_PING_KEYS = frozenset(
    ("network", key)
    for key in (
        "ping_interval_ms",
        "ping_timeout_ms",
        "warning_count",
        "failover_count",
        "failover_count_after_reboot",
    )
)


def add_to(group: typer.Typer) -> None:
    group.command("set")(set_)
    group.command("edit")(edit)


def set_(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="A key with its new value; a list with commas. A password's KEY alone: it is "
            "asked for, and stored in a file that only its owner reads.",
            show_default=False,
            autocompletion=keys,
        ),
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(
            "--unset",
            metavar="KEY",
            help="Go back to the default; may be repeated.",
            autocompletion=keys,
        ),
    ] = None,
    password_file: PasswordFile = None,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Store a password in this user's keyring.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would change and follow; write nothing.")
    ] = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int | None:
    """Change settings, all together or none.

    The rest of the file stays as it is, comments too. What would make the config wrong is refused.
    Prints what changes and what follows from it. KEY VALUE is understood too, and VALUE... for a
    list.

    Example: ipfx-failover config set alerts.smtp_port=587 alerts.to=ops@example.com --plan
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.given import understand
    from ipfx_failover.wiring.config_file import tree_of

    file, tree = tree_of(config)
    given = understand(settings or [], unset or [], tuple(tree.get("servers", ())))
    how = How(password_file, keyring=keyring, plan=plan, yes=yes)
    return carry_out(given, file, tree, how, Output(as_json))


@dataclass(frozen=True, slots=True)
class How:
    """How a change is to be made."""

    password_file: str | None = None
    password: str | None = field(default=None, repr=False)
    """Of the one key that is to have one, where it was asked for already."""
    keyring: bool = False
    plan: bool = False
    yes: bool = False


def carry_out(
    given: Given, file: Path, tree: Mapping[str, Any], how: How, output: Output
) -> ExitCode:
    """Change the config: all that is given, together, or nothing.

    Args:
        given: what is wanted.
        file: the config.
        tree: what is in it now.
        how: with which questions asked, and whether it is done at all.
        output: where it says what changes and what follows from it.
    """
    from ipfx_failover.config.edit import Set
    from ipfx_failover.config.sheet import value_at
    from ipfx_failover.wiring.config_file import apply
    from ipfx_failover.wiring.secret_store import put_secret, reference_for

    place: Place = "keyring" if how.keyring else "file"
    passwords = {
        key: reference_for(key, config=file, place=place, there=value_at(tree, key))
        for key in given.passwords
    }
    edits = [*given.edits, *(Set(key, reference) for key, reference in passwords.items())]
    changed = apply(file, edits, dry_run=True)
    review = _Review(changed, passwords, output)
    if review.is_empty or how.plan:
        return review.end(written=False)
    review.confirm(yes=how.yes)
    asked = _ask_passwords(tuple(passwords), how, as_json=output.as_json)
    for key, value in asked:
        put_secret(passwords[key], value)
    apply(file, edits)
    return review.end(written=True)


def edit(config: ConfigPath = None, yes: Yes = False, as_json: Json = False) -> int | None:
    """Edit a copy of the config in $VISUAL or $EDITOR, and put it in place when it is right.

    What is wrong is listed, and can be edited again; until all is right the file stays as it is.
    Prints what changes and what follows from it.

    Example: ipfx-failover config edit --config ./config.toml
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.draft import Draft

    output = Output(as_json)
    draft = Draft(config)
    try:
        changed = _edited(draft, as_json=as_json)
        review = _Review(changed, {}, output)
        if draft.is_changed:
            review.confirm(yes=yes)
            draft.accept(changed)
    except FailoverError as error:
        if draft.is_changed:
            error.hint = f"{error.hint}; your copy is {draft.path}"
        else:
            draft.discard()
        raise
    written = draft.is_changed
    draft.discard()
    return review.end(written=written)


def _edited(draft: Draft, *, as_json: bool) -> Changed:
    """What the person makes of the draft, in as many turns as it takes."""
    from ipfx_failover.cli.ask import ask, somebody_there
    from ipfx_failover.cli.output import report_error
    from ipfx_failover.config.problems import ConfigError

    while True:
        draft.edit()
        try:
            return draft.judged()
        except ConfigError as error:
            if not somebody_there(as_json=as_json):
                raise
            report_error(error, as_json=False)
            if ask("Edit it again? [Y/n]").lower() in {"n", "no"}:
                raise


def _ask_passwords(keys: tuple[Key, ...], how: How, *, as_json: bool) -> Iterator[tuple[Key, str]]:
    from ipfx_failover.cli.ask import ask_password, read_password, somebody_there

    source = how.password_file
    if source is not None and len(keys) > 1:
        raise UsageError("one file has one password", "set one password after the other")
    for key in keys:
        if how.password is not None:
            yield key, how.password
        elif source is not None:
            yield key, read_password(source)
        elif somebody_there(as_json=as_json):
            yield key, ask_password(f"Password for {'.'.join(key)}")
        else:
            raise Refused(
                "nobody is there to be asked for the password",
                "run it in a terminal, or add --password-file FILE (- is standard input)",
            )


class _Review:
    """What a change does and what follows from it, shown before it is written."""

    def __init__(
        self, changed: Changed, passwords: Mapping[Key, Mapping[str, str]], output: Output
    ) -> None:
        self._changed = changed
        self._keys = [change for change in changed.keys if change.key not in passwords]
        self._passwords = [".".join(key) for key in passwords]
        stored = [reference.get("file", "") for reference in passwords.values()]
        self._follows = _follows(changed, stored)
        self._output = output
        for change in self._keys:
            output.line(str(change))
        for key in self._passwords:
            output.line(f"{key}: a new password")
        if not self.is_empty:
            show_findings(self._follows, output)

    @property
    def is_empty(self) -> bool:
        return not (self._passwords or self._changed.after != self._changed.before)

    def confirm(self, *, yes: bool) -> None:
        """Ask with the manual's warning before ping values change, and where no adapter is."""
        for change in self._keys:
            if change.key == _ADAPTER and (question := _no_adapter(change.after)):
                self._output.confirm(question, yes=yes)
        if any(change.key in _PING_KEYS for change in self._keys):
            self._output.confirm(
                "The manual warns: do not modify ping values except on the advice of a technician.",
                yes=yes,
            )

    def end(self, *, written: bool) -> ExitCode:
        """Say what was written, and what is wrong in the file all the same."""
        from ipfx_failover.wiring.config_file import is_monitored

        file, output = self._changed.path, self._output
        for problem in self._changed.problems:
            output.line(f"still wrong: {problem}")
        output.line(
            f"Written: {file}"
            if written
            else "Nothing to change: it is so already."
            if self.is_empty
            else f"Nothing was written to {file}."
        )
        if written and is_monitored(self._changed):
            output.line("The running monitor takes it up.")
        output.document(
            ok=not self._changed.problems,
            config=str(file),
            written=written,
            changes=[
                {"key": ".".join(each.key), "before": each.before, "after": each.after}
                for each in self._keys
            ],
            passwords=self._passwords,
            findings=[asdict(finding) for finding in self._follows],
            problems=[str(problem) for problem in self._changed.problems],
        )
        return ExitCode.EXCEPTIONS if self._changed.problems else ExitCode.DONE


def _no_adapter(name: object) -> str | None:
    from ipfx_failover.wiring.network import adapters

    names = [each.name for each in adapters()]
    if name is None or name in names:
        return None
    return (
        f"This machine has no network adapter {name} that takes addresses over: nothing would be "
        f"taken over. It has {', '.join(names) or 'none'}."
    )


def _follows(changed: Changed, stored: list[str]) -> list[Finding]:
    """What is not as it was, in the words of `config check`."""
    from ipfx_failover.config.explain import explain

    if changed.loaded is None:
        return []
    was, config = changed.was, changed.loaded.config
    known = explain(was.config, facts=facts_for(was.config)) if was else []
    findings = explain(config, facts=facts_for(config, stored=stored))
    return [finding for finding in findings if finding not in known]
