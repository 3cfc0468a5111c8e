"""How the paths in a column change on the way to the other server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversion:
    """A path in this column that begins so `becomes` one that begins so."""

    schema: str
    table: str
    column: str
    begins: str
    becomes: str

    @property
    def place(self) -> tuple[str, str, str]:
        return self.schema, self.table, self.column

    def back(self) -> Conversion:
        """The way back."""
        return Conversion(*self.place, self.becomes, self.begins)
