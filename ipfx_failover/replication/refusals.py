"""Why nothing may be copied now, in either direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Refused
from ipfx_failover.records import Authority, Mode

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.records import ServerState
    from ipfx_failover.state.store import Store
    from ipfx_failover.workflow.ports import Values

NOT_FOLLOWED: Final = "its rows are not followed since the failback"
WHOLE_COPY: Final = "make a whole copy: ipfx-failover replicate-from-live"
"""Of a hot standby: the live catalog is another one, and what changes in it has a new history."""


def from_live_refusal(server: ServerSettings, store: Store) -> Refused | None:
    """Why nothing may be copied from the live server now; the same for database and files."""
    state = store.server(server.name)
    if state.mode is Mode.STOPPED:
        return Refused(
            f"{server.name} is stopped: nothing is synchronised",
            f"resume it first: ipfx-failover resume {server.name}",
        )
    stand_in = store.stand_in()
    is_stood_in = stand_in is not None and stand_in.server.casefold() == server.name.casefold()
    return _ahead_refusal(server.name, state, is_stood_in=is_stood_in)


def _ahead_refusal(name: str, state: ServerState, *, is_stood_in: bool) -> Refused | None:
    """Why authority forbids copying from live: the standby holds what exists nowhere else."""
    if state.authority is Authority.LIVE:
        return None
    reason = f"the standby of {name} holds data that the live server has not"
    if is_stood_in:
        first = f"when {name} is repaired: ipfx-failover stop-failover {name}"
        return Refused(f"{reason}, and stands in", first)
    return Refused(
        reason,
        f"bring them there: ipfx-failover replicate-to-live {name}; or set them aside: "
        f"ipfx-failover replicate-from-live {name} --discard-standby",
    )


def rows_refusal(server: ServerSettings, store: Store) -> Refused | None:
    """Why no rows may be copied from the live server now."""
    if reason := from_live_refusal(server, store):
        return reason
    if not _was_given_back(server.name, store):
        return None
    return Refused(
        f"{server.name}: {NOT_FOLLOWED}",
        f"{WHOLE_COPY} {server.name}",
    )


def _was_given_back(name: str, store: Store) -> bool:
    """Whether the live catalog is what a failback has made of the copy, of which none was made."""
    last_done = store.last_done(name, "replicate-from-live", "replicate-to-live")
    return last_done == "replicate-to-live"


def known_of_copy(name: str, store: Store, *, discards: bool) -> Values:
    """What an engine asks itself of the copy that it is to replace, as facts of the run.

    `discards`: what the copy has is kept elsewhere, and may go.
    """
    return {
        "discards": discards,
        "has_stood_in": store.server(name).last_failover_at is not None,
        "was_given_back": _was_given_back(name, store),
    }


def to_live_refusal(
    server: ServerSettings, store: Store, *, application_answers: bool, overwrite: bool
) -> Refused | None:
    """Why nothing may be copied to the live server now."""
    name, stand_in = server.name, store.stand_in()
    if stand_in is not None and stand_in.server.casefold() == name.casefold():
        return Refused(
            f"the Failover Server still stands in for {name}",
            f"give the role back first: ipfx-failover stop-failover {name}",
        )
    if application_answers:
        return Refused(
            f"the application of {name} runs (port {server.port} answers); it would go on with "
            "a database that is replaced under it",
            f"stop the application on {name} (not the machine), then try again",
        )
    if store.server(name).authority is Authority.LIVE and not overwrite:
        copy = store.copy(name, "database")
        as_of = f" (as of {copy.as_of.astimezone():%Y-%m-%d %H:%M:%S})" if copy else ""
        return Refused(
            f"the live database of {name} is newer than the standby copy{as_of}",
            "nothing is to be given back; to go back to that copy all the same, add --overwrite",
        )
    return None
