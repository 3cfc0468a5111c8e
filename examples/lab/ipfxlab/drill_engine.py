"""What differs in the drill between database engines; and SQLite, which copies once a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfxlab.drill_figures import Hot
    from ipfxlab.drill_stage import Stage
    from ipfxlab.lab import Lab
    from ipfxlab.phone import PhoneClient


@dataclass(frozen=True)
class EngineConfig:
    """What the config says for an engine: lines of TOML for these tables.

    `start`: options of the application, besides those that it always has.
    """

    failover_server: str = ""
    server: str = ""
    database: str = ""
    start: tuple[str, ...] = ()


class DrillEngine(Protocol):
    """A database engine, as the drill uses it."""

    name: str
    has_server: bool
    cast: Mapping[str, str]
    """What it adds to those who take part: a label and what it says."""

    def config(self, lab: Lab) -> EngineConfig: ...

    def environment(self, lab: Lab) -> Mapping[str, str]:
        """What the product's commands need in theirs."""
        ...

    def make_copy(self, stage: Stage) -> None:
        """The operator makes the copy that a stand-in will use."""
        ...

    def see_it_followed(self, stage: Stage) -> Hot | None:
        """Follows a call to the copy, with a monitor that runs; None where rows are not."""
        ...

    def fall_silent(self, stage: Stage, client: PhoneClient) -> None:
        """Before the cable is pulled for the first time."""
        ...

    def after_failback(self, stage: Stage) -> None:
        """What the operator does so that the copy is kept fresh again."""
        ...


class Sqlite:
    """Warm: the file is copied as a whole."""

    name = "sqlite"
    has_server = False
    cast: Mapping[str, str] = {}

    def config(self, lab: Lab) -> EngineConfig:
        return EngineConfig(database=f'data_source = "{lab.primary.database}"')

    def environment(self, _lab: Lab) -> Mapping[str, str]:
        return {}

    def make_copy(self, stage: Stage) -> None:
        stage.cli("replicate-from-live", stage.primary.name)

    def see_it_followed(self, _stage: Stage) -> None:
        return None

    def fall_silent(self, _stage: Stage, _client: PhoneClient) -> None:
        """What was called since the copy was made is lost in any case."""

    def after_failback(self, _stage: Stage) -> None:
        """The copy that went back is the newest there is."""
