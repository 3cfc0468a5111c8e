"""The journal: what a workflow is about to do, written before it does it.

One open journal a resource. Its steps are data, so that another process can finish or undo them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ipfx_failover.events import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ipfx_failover.state.reading import Reading
    from ipfx_failover.state.writing import Transaction

Parameter = str | int | float | bool | None


class StepState(StrEnum):
    WAITING = "waiting"
    DOING = "doing"
    DONE = "done"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Step:
    """One step as data: what kind, and with which values."""

    kind: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Journal:
    """An open journal; `facts` are what its steps found out, `states` one for each step.

    `undo_reason` is set once it was decided to go back.
    """

    resource: str
    workflow: str
    server: str
    boot_id: str
    steps: tuple[Step, ...]
    states: tuple[StepState, ...]
    facts: Mapping[str, Parameter]
    undo_reason: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What an open journal is about; `started_at` tells it from the next one of its resource."""

    resource: str
    workflow: str
    server: str
    started_at: str

    @property
    def advice(self) -> str:
        """What is to be done once it is broken off: the command that began it goes on with it."""
        return (
            f"{self.workflow} was broken off half way: finish or undo it: "
            f"ipfx-failover {self.workflow} {self.server}"
        )


def open_journal(
    tx: Transaction,
    *,
    resource: str,
    workflow: str,
    server: str,
    boot_id: str,
    steps: Sequence[Step],
    at: datetime,
) -> None:
    """Write down what will be done, before any of it is begun.

    Raises:
        sqlite3.IntegrityError: the resource's journal is open already.
    """
    tx.connection.execute(
        "INSERT INTO journal (resource, workflow, server, boot_id, started_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (resource, workflow, server, boot_id, at.isoformat()),
    )
    tx.connection.executemany(
        "INSERT INTO journal_steps (resource, position, kind, parameters) VALUES (?, ?, ?, ?)",
        [
            (resource, position, step.kind, json.dumps(dict(step.parameters)))
            for position, step in enumerate(steps)
        ],
    )


def mark(tx: Transaction, resource: str, position: int, state: StepState) -> None:
    tx.connection.execute(
        "UPDATE journal_steps SET state = ? WHERE resource = ? AND position = ?",
        (state, resource, position),
    )


def learn(tx: Transaction, resource: str, facts: Mapping[str, Parameter]) -> None:
    """Keep what the steps so far found out."""
    tx.connection.execute(
        "UPDATE journal SET facts = ? WHERE resource = ?", (json.dumps(dict(facts)), resource)
    )


def turn_back(tx: Transaction, resource: str, reason: str) -> None:
    """Decide that this journal is undone, whoever goes on with it."""
    tx.connection.execute(
        "UPDATE journal SET undo_reason = ? WHERE resource = ?", (one_line(reason), resource)
    )


def close_journal(tx: Transaction, resource: str) -> None:
    tx.connection.execute("DELETE FROM journal WHERE resource = ?", (resource,))


def read_journal(store: Reading, resource: str) -> Journal | None:
    """The open journal of a resource."""
    head = store.row("SELECT * FROM journal WHERE resource = ?", resource)
    if head is None:
        return None
    steps = store.rows(
        "SELECT kind, parameters, state FROM journal_steps WHERE resource = ? ORDER BY position",
        resource,
    )
    return Journal(
        resource=head["resource"],
        workflow=head["workflow"],
        server=head["server"],
        boot_id=head["boot_id"],
        steps=tuple(Step(step["kind"], json.loads(step["parameters"])) for step in steps),
        states=tuple(StepState(step["state"]) for step in steps),
        facts=json.loads(head["facts"]),
        undo_reason=head["undo_reason"],
    )


def open_journals(store: Reading) -> list[str]:
    """The resources that have an open journal."""
    return [row["resource"] for row in store.rows("SELECT resource FROM journal ORDER BY rowid")]


def broken_off(store: Reading, is_held: Callable[[str], bool]) -> list[Begun]:
    """The open journals that no living process is at.

    `is_held`: whether somebody holds the lock of a resource. It is asked between two looks, so that
    work which begins or ends meanwhile is not taken for broken off; and only where one is open.
    """
    left = [each for each in _begun(store) if not is_held(each.resource)]
    return [each for each in left if each in _begun(store)]


def _begun(store: Reading) -> list[Begun]:
    rows = store.rows("SELECT resource, workflow, server, started_at FROM journal ORDER BY rowid")
    return [Begun(**row) for row in rows]
