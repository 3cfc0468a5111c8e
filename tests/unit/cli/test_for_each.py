"""The same for several servers: an interrupt that came too late to undo ends it all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.cli.each import for_each
from ipfx_failover.cli.output import Output
from ipfx_failover.config.models import Config
from ipfx_failover.errors import DoneWithExceptions, ExitCode

if TYPE_CHECKING:
    from ipfx_failover.cli.each import Done
    from ipfx_failover.config.models import ServerSettings


@pytest.mark.parametrize(
    ("was_interrupted", "expected"), [(False, ["ONE", "TWO"]), (True, ["ONE"])]
)
def test_no_server_is_begun_behind_one_at_which_it_was_interrupted(
    *, was_interrupted: bool, expected: list[str]
) -> None:
    config = Config.model_validate(
        {"servers": {"ONE": {"address": "10.0.0.1"}, "TWO": {"address": "10.0.0.2"}}}
    )
    begun: list[str] = []

    def work(server: ServerSettings) -> Done:
        begun.append(server.name)
        left = ("a file: it was interrupted",)
        return {}, DoneWithExceptions("all but", "again", left, was_interrupted=was_interrupted)

    code = for_each(list(config.servers.values()), Output(as_json=True), work)

    assert (ExitCode.EXCEPTIONS, expected) == (code, begun)
