"""What `status` reads of a config is what the models say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipfx_failover.config.load import load
from ipfx_failover.config.outline import outline_of, read_outline

EXAMPLES = Path(__file__).parents[3] / "examples" / "config"


@pytest.mark.parametrize("interval_ms", [None, 60_000])
def test_the_outline_of_a_file_is_that_of_its_models(
    tmp_path: Path, interval_ms: int | None
) -> None:
    file = tmp_path / "config.toml"
    text = (EXAMPLES / "hot.toml").read_text("utf-8")
    table = "[servers.DEMOSERVER.database]\n"
    assert table in text
    if interval_ms is not None:
        text = text.replace(table, f"{table}row_interval_ms = {interval_ms}\n")
    file.write_text(text, "utf-8")
    outline = read_outline(file, {})

    assert outline == outline_of(load(file, environ={}).config)
    assert outline is not None
    assert (interval_ms or 100) == outline.servers[0].row_interval_ms
