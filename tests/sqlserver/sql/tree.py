"""The syntax tree of the T-SQL that is known here: expressions and queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.sqlserver.results import SqlType


@dataclass(frozen=True, slots=True)
class Name:
    """A name with up to four parts; what is left out is empty."""

    parts: tuple[str, ...]

    @property
    def last(self) -> str:
        return self.parts[-1]

    @property
    def schema(self) -> str:
        return self.parts[-2] if len(self.parts) > 1 else ""

    @property
    def database(self) -> str:
        return self.parts[-3] if len(self.parts) > 2 else ""

    def __str__(self) -> str:
        return ".".join(self.parts)


# Expressions


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the type that SQL Server gives it."""

    type: SqlType
    value: Any


@dataclass(frozen=True, slots=True)
class Null:
    pass


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class ColumnName:
    name: Name


@dataclass(frozen=True, slots=True)
class Star:
    """All columns, or those of one source."""

    source: str = ""


@dataclass(frozen=True, slots=True)
class Unary:
    sign: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between:
    operand: Expression
    low: Expression
    high: Expression
    is_negated: bool


@dataclass(frozen=True, slots=True)
class In:
    """Among these values, or in what a query finds."""

    operand: Expression
    values: Sequence[Expression] | Query
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Like:
    operand: Expression
    pattern: Expression
    escape: Expression | None
    is_negated: bool


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Expression
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Exists:
    query: Query


@dataclass(frozen=True, slots=True)
class Scalar:
    """A query that finds one value."""

    query: Query


@dataclass(frozen=True, slots=True)
class Case:
    operand: Expression | None
    branches: Sequence[tuple[Expression, Expression]]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Cast:
    """CAST, CONVERT and their TRY_ forms, which find NULL where they fail."""

    operand: Expression
    type: SqlType
    style: Expression | None = None
    is_try: bool = False


@dataclass(frozen=True, slots=True)
class Collate:
    operand: Expression
    collation: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function; `is_star`: COUNT(*)."""

    name: str
    arguments: Sequence[Expression]
    is_star: bool = False
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class NextValue:
    """NEXT VALUE FOR a sequence."""

    sequence: Name


Expression = (
    Literal
    | Null
    | Variable
    | ColumnName
    | Star
    | Unary
    | Binary
    | Between
    | In
    | Like
    | IsNull
    | Exists
    | Scalar
    | Case
    | Cast
    | Collate
    | Call
    | NextValue
)

# Queries


@dataclass(frozen=True, slots=True)
class Item:
    """What a query selects: an expression, what it is called, the variable that it goes to."""

    expression: Expression
    alias: str = ""
    variable: str = ""


@dataclass(frozen=True, slots=True)
class TableSource:
    name: Name
    alias: str = ""


@dataclass(frozen=True, slots=True)
class QuerySource:
    """A derived table. `columns`: their names, where the alias gives some."""

    query: Query
    alias: str
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ValuesSource:
    """(VALUES (1, 2), (3, 4)) AS t (a, b)"""

    rows: Sequence[Sequence[Expression]]
    alias: str
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """A table-valued function."""

    name: Name
    arguments: Sequence[Expression]
    alias: str = ""


@dataclass(frozen=True, slots=True)
class ChangesSource:
    """CHANGETABLE (CHANGES t, version) AS c"""

    table: Name
    since: Expression
    alias: str


@dataclass(frozen=True, slots=True)
class Join:
    """`kind`: inner, left, right, full, cross, cross apply, outer apply."""

    kind: str
    left: Source
    right: Source
    condition: Expression | None


Source = TableSource | QuerySource | ValuesSource | FunctionSource | ChangesSource | Join


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT, without its order."""

    items: Sequence[Item]
    source: Source | None = None
    where: Expression | None = None
    group: Sequence[Expression] = ()
    having: Expression | None = None
    top: Expression | None = None
    into: Name | None = None
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class Combined:
    """UNION, UNION ALL, EXCEPT or INTERSECT."""

    kind: str
    left: Select | Combined
    right: Select | Combined


@dataclass(frozen=True, slots=True)
class Order:
    expression: Expression
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    body: Select | Combined
    order: Sequence[Order] = ()
    offset: Expression | None = None
    fetch: Expression | None = None
