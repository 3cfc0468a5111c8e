"""Rows on their way: they wait in temporary tables of the copy's server, then all are applied."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from ipfx_failover.errors import Busy
from ipfx_failover.replication.rows.decisions import Unfit
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.transaction import transaction
from ipfx_failover.replication.tsql import rows as texts
from ipfx_failover.replication.tsql import tracking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.replication.rows.marks import CopyMark
    from ipfx_failover.replication.sqlserver.conversion import Conversion
    from ipfx_failover.replication.sqlserver.session import Row, SqlSession
    from ipfx_failover.replication.tsql.tables import Table

_A_STATEMENT = 100
"""Rows. With more of them the server takes long to understand a statement."""
_A_STATEMENT_BYTES = 1_000_000
_A_BATCH = 100_000
"""Characters."""
_LONGEST_ROW = 60_000_000
"""Bytes. A batch takes 65,536 packets of 4 KiB, and a byte takes four of it in a literal."""
_TOO_LONG = frozenset({2628, 8152})


def replaced() -> Busy:
    """What is said where a copy is not what it was known to be."""
    return Busy("the copy has been replaced, or somebody else has applied rows to it", "try again")


class Staging:
    """The temporary tables of one session. `rows`: how many wait in them.

    They are made when they are first needed, and used again. After an error the session, and with
    it they, are to be given up.
    """

    def __init__(self, server: str, session: SqlSession, conversions: Sequence[Conversion]) -> None:
        self.rows = 0
        self._server = server
        self._session = session
        self._conversions = conversions
        self._numbers: dict[Table, int] = {}
        self._waiting: list[tuple[Table, bool]] = []
        self._said: list[str] = []

    def put(self, table: Table, pages: Iterable[Sequence[Row]], *, is_whole: bool) -> None:
        """Let rows of a table wait, in the shape of `changes`. `is_whole`: no others will stay.

        Raises:
            Unfit: one of them cannot be brought over.
        """
        if table not in self._numbers:
            self._numbers[table] = len(self._numbers)
            self._session.run(texts.create_stage(self._numbers[table], table))
        number = self._numbers[table]
        self._waiting.append((table, is_whole))
        for page in pages:
            for rows in _pieces(page):
                if _length(rows[0]) > _LONGEST_ROW:
                    raise Unfit(self._server, table, f"the row {_key(table, rows[0])} is too big")
                self._say(texts.fill_stage(number, table, rows))
            self.rows += len(page)
        place = table.schema, table.name
        ours = [each for each in self._conversions if (each.schema, each.table) == place]
        column = attrgetter("column")
        for name, of_column in groupby(sorted(ours, key=column), key=column):
            self._convert(table, name, texts.convert_staged(number, list(of_column)))

    def _convert(self, table: Table, column: str, statement: str) -> None:
        """By itself: which table it is, no error tells before SQL Server 2019 (2628)."""
        self._flush()
        try:
            self._session.run(statement)
        except SqlRefused as error:
            if error.number in _TOO_LONG:
                raise Unfit(
                    self._server, table, f"a converted path is too long for its column {column}"
                ) from error
            raise

    def apply(self, mark: CopyMark, to: int, remember: Sequence[str] = ()) -> None:
        """Apply all that waits, move the watermark and `remember`, in one transaction.

        Raises:
            Busy: the copy is not where the mark says; nothing was changed.
        """
        self._flush()
        with transaction(self._session):
            move = tracking.move_watermark(mark.watermark, mark.run_id, to)
            if self._session.run(move) != 1:
                raise replaced()
            if statements := [*self._removals(), *self._insertions(), *remember]:
                self._session.run(";\n".join(statements))
        self._waiting.clear()
        self.rows = 0

    def drop(self) -> None:
        """Before tables of another shape take their place."""
        if self._numbers:
            self._session.run(texts.drop_stages(self._numbers.values()))
            self._numbers.clear()

    # A round of few rows in many tables is one batch: it would be all waiting for answers.

    def _say(self, statement: str) -> None:
        self._said.append(statement)
        if sum(map(len, self._said)) > _A_BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._said:
            self._session.run(";\n".join(self._said))
            self._said.clear()

    # Keys are taken away in all tables before any is inserted: a unique value may have moved from
    # one row to another.

    def _removals(self) -> Iterator[str]:
        for table, is_whole in self._waiting:
            number = self._numbers[table]
            yield texts.remove_all(table) if is_whole else texts.remove_staged(number, table)

    def _insertions(self) -> Iterator[str]:
        for table, _ in self._waiting:
            number = self._numbers[table]
            yield texts.insert_staged(number, table)
            yield texts.empty_stage(number)


def _pieces(page: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As much as one statement takes: by number, and by size."""
    piece: list[Row] = []
    size = 0
    for row in page:
        length = _length(row)
        if piece and (len(piece) == _A_STATEMENT or size + length > _A_STATEMENT_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += length
    if piece:
        yield piece


def _length(row: Row) -> int:
    return sum(len(value) for value in row if isinstance(value, bytes | str))


def _key(table: Table, row: Row) -> str:
    """The values of its primary key, as they stand in a statement."""
    values = dict(zip(table.written, row[1:], strict=True))
    return ", ".join(f"{each.name} = {each.literal(values[each])}" for each in table.keys)
