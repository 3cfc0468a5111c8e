"""Golden files: the statements that the product makes, to be read and to be compared with.

UPDATE_GOLDEN=1 writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.tsql_judge import refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

DIRECTORY = Path(__file__).parents[1] / "unit" / "replication" / "golden"
_UPDATE = "UPDATE_GOLDEN"


def check_golden(name: str, statements: str | Sequence[str], directory: Path = DIRECTORY) -> None:
    """Compare batches with the file `name`.sql, in which GO stands between them.

    Raises:
        AssertionError: they differ, or are no T-SQL that SQL Server 2008 understands.
    """
    batches = [statements] if isinstance(statements, str) else list(statements)
    text = "\nGO\n".join(batches) + "\n"
    wrong = refusals(batches)

    assert not wrong, "\n\n".join(wrong)

    path = directory / f"{name}.sql"
    if os.environ.get(_UPDATE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert path.exists(), f"there is no {path.name}; {_UPDATE}=1 writes it"
    assert path.read_text(encoding="utf-8") == text, f"{_UPDATE}=1 writes {path.name} anew"
