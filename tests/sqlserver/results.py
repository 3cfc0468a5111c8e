"""What a session of the simulated SQL Server answers with, and the types of its values.

Values are what the type's wire format holds, so that nothing is rounded on the way:

    bit, integers: int            real, float: float         decimal, money: decimal.Decimal
    char to ntext, xml: str       binary, image: bytes       uniqueidentifier: uuid.UUID
    date: days since 0001-01-01   time: units of 100 ns      datetime2: units of 100 ns since then
    datetime: units of 1/300 s since 1900-01-01              smalldatetime: minutes since then
    datetimeoffset: (units of 100 ns since 0001-01-01 in UTC, minutes of offset)
    sql_variant: (SqlType, value)                            NULL: None
    hierarchyid, geometry, geography: bytes, as the CLR writes them
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX = -1
"""The length of varchar(max), nvarchar(max) and varbinary(max)."""


class Kind(StrEnum):
    BIT = "bit"
    TINYINT = "tinyint"
    SMALLINT = "smallint"
    INT = "int"
    BIGINT = "bigint"
    REAL = "real"
    FLOAT = "float"
    DECIMAL = "decimal"
    NUMERIC = "numeric"
    SMALLMONEY = "smallmoney"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    SMALLDATETIME = "smalldatetime"
    DATETIME = "datetime"
    DATETIME2 = "datetime2"
    DATETIMEOFFSET = "datetimeoffset"
    UNIQUEIDENTIFIER = "uniqueidentifier"
    BINARY = "binary"
    VARBINARY = "varbinary"
    IMAGE = "image"
    TIMESTAMP = "timestamp"
    CHAR = "char"
    VARCHAR = "varchar"
    TEXT = "text"
    NCHAR = "nchar"
    NVARCHAR = "nvarchar"
    NTEXT = "ntext"
    XML = "xml"
    SQL_VARIANT = "sql_variant"
    HIERARCHYID = "hierarchyid"
    GEOMETRY = "geometry"
    GEOGRAPHY = "geography"


OF_CLR = frozenset({Kind.HIERARCHYID, Kind.GEOMETRY, Kind.GEOGRAPHY})
"""The server's own types of the CLR."""
PLACES = frozenset({Kind.GEOMETRY, Kind.GEOGRAPHY})
"""They can be no keys, and are not compared."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type. `length`: bytes of binary and char, characters of nchar; `MAX`."""

    kind: Kind
    length: int = 0
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        match self.kind:
            case Kind.DECIMAL | Kind.NUMERIC:
                return f"{self.kind}({self.precision},{self.scale})"
            case Kind.TIME | Kind.DATETIME2 | Kind.DATETIMEOFFSET:
                return f"{self.kind}({self.scale})"
            case (
                Kind.BINARY | Kind.VARBINARY | Kind.CHAR | Kind.VARCHAR | Kind.NCHAR | Kind.NVARCHAR
            ):
                return f"{self.kind}({'max' if self.length == MAX else self.length})"
            case _:
                return str(self.kind)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: SqlType
    is_nullable: bool = True
    is_identity: bool = False
    is_computed: bool = False


@dataclass(frozen=True, slots=True)
class ResultSet:
    """Rows of a query; they may come while it still runs."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Done:
    """A statement has ended: with so many rows, or with none to count; with an error or not."""

    rows: int | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What the server says; from severity 11 on it is an error."""

    number: int
    severity: int
    text: str
    state: int = 1
    line: int = 1
    procedure: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity > 10


@dataclass(frozen=True, slots=True)
class DatabaseChanged:
    """The session uses another catalog."""

    new: str
    old: str


@dataclass(frozen=True, slots=True)
class ReturnStatus:
    value: int


@dataclass(frozen=True, slots=True)
class ReturnValue:
    """The value of an output parameter."""

    name: str
    type: SqlType
    value: Any


Result = ResultSet | Done | Message | DatabaseChanged | ReturnStatus | ReturnValue


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a call, as it came over the wire."""

    name: str
    type: SqlType
    value: Any
    is_output: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """Who wants a session. `is_integrated`: by Windows, without a password."""

    user: str
    password: str
    database: str
    host: str = ""
    application: str = ""
    language: str = ""
    is_integrated: bool = False


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a server says of itself when a session begins."""

    database: str
    server_name: str
    version: tuple[int, int, int]
    """Major, minor, build: (16, 0, 4085) is SQL Server 2022."""
    collation: bytes = bytes.fromhex("0904d00034")
    """SQL_Latin1_General_CP1_CI_AS on the wire."""
    language: str = "us_english"
    told: Sequence[Message] = ()
    """What it says in its language as the session begins."""


class LoginRefusedError(Exception):
    """The message says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.text)
        self.message = message


class CutError(Exception):
    """The connection is cut here, without a word."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement with the declarations of its parameters, `@P1 int, @P2 nvarchar(30)`."""

    sql: str
    declarations: str = ""
    values: Sequence[Parameter] = field(default=())


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """The transaction of a session. `number`: 0 when there is none.

    `was_rolled_back`: how the one before it ended.
    """

    number: int = 0
    was_rolled_back: bool = False


class Session(Protocol):
    """One connection's conversation. One thread uses it, but for `cancel`."""

    @property
    def welcome(self) -> Welcome: ...
    @property
    def open_transaction(self) -> OpenTransaction: ...
    def execute(self, statement: Prepared) -> Iterator[Result]:
        """Run a batch; what it answers, as it comes."""
        ...

    def call(self, procedure: str, parameters: Sequence[Parameter]) -> Iterator[Result]:
        """Run a stored procedure."""
        ...

    def cancel(self) -> None:
        """End what runs, soon; from another thread."""
        ...

    def reset(self) -> None:
        """Begin anew, as a pool does with a connection that it hands out again."""
        ...

    def close(self) -> None: ...


class Server(Protocol):
    """What sessions are opened on."""

    def log_in(self, login: Login) -> Session:
        """A new session.

        Raises:
            LoginRefusedError: nobody is let in who has no business here.
        """
        ...
