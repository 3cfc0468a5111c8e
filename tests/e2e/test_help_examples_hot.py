"""The examples in the help of what follows rows, run as they stand there."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from man.commands import commands
from tests.support.sqlserver_pair import Pair

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = {" ".join(command.path): command.examples for command in commands()}


def test_the_examples_of_following_rows_run_one_after_the_other(tmp_path: Path) -> None:
    with Pair(tmp_path) as pair:
        pair.configure_server(real_time="all")
        for name in ("hot enable", "replicate-from-live", "hot show", "sync-rows", "hot disable"):
            (example,) = EXAMPLES[name]
            asks = [] if name in {"hot show", "sync-rows"} else ["--yes"]
            ended = pair.run(*shlex.split(example)[1:], *asks)

            assert 0 == ended.code, (example, ended)

            if name == "hot enable":  # the example only says what it would do
                assert pair.run("hot", "enable", "DEMOSERVER", "--yes").code == 0
