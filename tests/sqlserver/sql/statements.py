"""The syntax tree of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.sqlserver.results import SqlType
    from tests.sqlserver.sql.tree import Expression, Name, Query, Source

# Flow and session


@dataclass(frozen=True, slots=True)
class Use:
    database: str


@dataclass(frozen=True, slots=True)
class SetVariable:
    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class SetOption:
    """SET NOCOUNT ON, SET DEADLOCK_PRIORITY HIGH, SET TRANSACTION ISOLATION LEVEL SNAPSHOT."""

    option: str
    value: str


@dataclass(frozen=True, slots=True)
class SetIdentityInsert:
    table: Name
    is_on: bool


@dataclass(frozen=True, slots=True)
class Declare:
    name: str
    type: SqlType
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Transaction:
    """BEGIN, COMMIT or ROLLBACK."""

    action: str


@dataclass(frozen=True, slots=True)
class If:
    condition: Expression
    then: Sequence[Statement]
    otherwise: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class While:
    condition: Expression
    body: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Print:
    value: Expression


@dataclass(frozen=True, slots=True)
class RaiseError:
    """RAISERROR and THROW; without a text it throws what was caught."""

    number: Expression | None
    text: Expression | None
    severity: Expression | None
    state: Expression | None


@dataclass(frozen=True, slots=True)
class TryCatch:
    body: Sequence[Statement]
    handler: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Return:
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Execute:
    """EXEC of a procedure; arguments by position, or by name. `outputs`: which are OUTPUT."""

    procedure: Name
    arguments: Sequence[tuple[str, Expression]]
    outputs: Sequence[bool] = ()


@dataclass(frozen=True, slots=True)
class WaitFor:
    """WAITFOR DELAY 'hh:mm:ss.mmm'."""

    delay: Expression


@dataclass(frozen=True, slots=True)
class ExecuteText:
    """EXEC (@sql)."""

    sql: Expression


# Rows


@dataclass(frozen=True, slots=True)
class QueryStatement:
    query: Query


@dataclass(frozen=True, slots=True)
class Insert:
    """`rows`: what VALUES lists, or a query's; none: DEFAULT VALUES."""

    table: Name
    columns: Sequence[str]
    rows: Sequence[Sequence[Expression | None]] | Query | None


@dataclass(frozen=True, slots=True)
class Update:
    """`target`: a table, or the alias of one in `source`."""

    target: Name
    changes: Sequence[tuple[str, Expression]]
    source: Source | None
    where: Expression | None
    top: Expression | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    target: Name
    source: Source | None
    where: Expression | None
    top: Expression | None = None


@dataclass(frozen=True, slots=True)
class Truncate:
    table: Name


# Definitions


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    name: str
    type: SqlType
    is_nullable: bool = True
    identity: tuple[int, int] | None = None
    default: Expression | None = None
    computed: Expression | None = None
    collation: str = ""
    constraints: Sequence[Constraint] = ()
    text: str = ""
    """How a computed column is defined."""


@dataclass(frozen=True, slots=True)
class Key:
    """PRIMARY KEY or UNIQUE."""

    name: str
    columns: tuple[str, ...]
    is_primary: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    table: Name
    referenced: tuple[str, ...]
    cascades: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """`text`: how the condition was written."""

    name: str
    condition: Expression
    text: str


Constraint = Key | ForeignKey | Check


@dataclass(frozen=True, slots=True)
class CreateTable:
    table: Name
    columns: Sequence[ColumnDefinition]
    constraints: Sequence[Constraint]


@dataclass(frozen=True, slots=True)
class Drop:
    """`kind`: TABLE, DATABASE, SCHEMA, TRIGGER, PROCEDURE, USER, INDEX."""

    kind: str
    names: Sequence[Name]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AddColumns:
    table: Name
    columns: Sequence[ColumnDefinition]


@dataclass(frozen=True, slots=True)
class AddConstraint:
    table: Name
    constraint: Constraint
    is_checked: bool


@dataclass(frozen=True, slots=True)
class DropParts:
    """ALTER TABLE … DROP COLUMN or DROP CONSTRAINT."""

    table: Name
    kind: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class AlterColumn:
    table: Name
    column: ColumnDefinition


@dataclass(frozen=True, slots=True)
class SwitchConstraints:
    """[WITH NOCHECK|CHECK] CHECK or NOCHECK CONSTRAINT; no names: ALL."""

    table: Name
    names: Sequence[str]
    is_on: bool
    is_checked: bool


@dataclass(frozen=True, slots=True)
class SwitchTriggers:
    """`on`: a table, or none for those of the database. No names: ALL."""

    names: Sequence[str]
    on: Name | None
    is_on: bool


@dataclass(frozen=True, slots=True)
class SwitchTracking:
    """ALTER TABLE … ENABLE or DISABLE CHANGE_TRACKING."""

    table: Name
    is_on: bool
    tracks_columns: bool = False


@dataclass(frozen=True, slots=True)
class CreateTrigger:
    """`on`: a table; none: ON DATABASE. `body`: its statements as text."""

    name: Name
    on: Name | None
    events: Sequence[str]
    body: str


@dataclass(frozen=True, slots=True)
class CreateSchema:
    name: str


@dataclass(frozen=True, slots=True)
class CreateSequence:
    """`options`: what was said, such as START, INCREMENT; CACHE 0 is none, None of no number."""

    name: Name
    type: SqlType
    options: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class AlterSequence:
    """RESTART, with this number or as it once began."""

    name: Name
    restart: int | None


@dataclass(frozen=True, slots=True)
class CreateIndex:
    name: str
    table: Name
    columns: Sequence[str]
    is_unique: bool
    is_clustered: bool


@dataclass(frozen=True, slots=True)
class CreatePrincipal:
    """CREATE LOGIN, USER or ROLE. `login`: of a user."""

    kind: str
    name: str
    login: str = ""
    sid: bytes = b""
    password: str = ""
    is_without_login: bool = False


@dataclass(frozen=True, slots=True)
class AlterUser:
    name: str
    login: str


@dataclass(frozen=True, slots=True)
class Permit:
    """GRANT, REVOKE or DENY on a table. `permissions`: each with its columns, none for all."""

    action: str
    permissions: Sequence[tuple[str, Sequence[str]]]
    table: Name
    principals: Sequence[str]


@dataclass(frozen=True, slots=True)
class AlterAuthorization:
    database: str
    owner: str


# Catalogs


@dataclass(frozen=True, slots=True)
class CreateDatabase:
    name: str
    files: Mapping[str, str]
    """Paths by logical names."""


@dataclass(frozen=True, slots=True)
class RenameDatabase:
    database: str
    new: str


@dataclass(frozen=True, slots=True)
class SetDatabase:
    """ALTER DATABASE … SET. `values`: by option; `how`: ROLLBACK IMMEDIATE, NO_WAIT or nothing."""

    database: str
    values: Mapping[str, str]
    how: str


@dataclass(frozen=True, slots=True)
class Backup:
    """`options`: as NAME = 'x' or as a word alone."""

    database: str
    path: Expression
    options: Mapping[str, Expression | None]


@dataclass(frozen=True, slots=True)
class Restore:
    """`moves`: paths by logical names."""

    database: str
    path: Expression
    moves: Sequence[tuple[Expression, Expression]]
    options: Mapping[str, Expression | None]


@dataclass(frozen=True, slots=True)
class ReadBackup:
    """RESTORE HEADERONLY, FILELISTONLY, LABELONLY or VERIFYONLY."""

    kind: str
    path: Expression
    options: Mapping[str, Expression | None]


@dataclass(frozen=True, slots=True)
class Dbcc:
    command: str
    arguments: Sequence[Expression | str]
    options: Sequence[str]


@dataclass(frozen=True, slots=True)
class Kill:
    session: int


Statement = (
    Use
    | SetVariable
    | SetOption
    | SetIdentityInsert
    | Declare
    | Transaction
    | If
    | While
    | Print
    | RaiseError
    | TryCatch
    | Return
    | Execute
    | ExecuteText
    | WaitFor
    | QueryStatement
    | Insert
    | Update
    | Delete
    | Truncate
    | CreateTable
    | Drop
    | AddColumns
    | AddConstraint
    | DropParts
    | AlterColumn
    | SwitchConstraints
    | SwitchTriggers
    | SwitchTracking
    | CreateTrigger
    | CreateSchema
    | CreateSequence
    | AlterSequence
    | CreateIndex
    | CreatePrincipal
    | AlterUser
    | Permit
    | AlterAuthorization
    | CreateDatabase
    | RenameDatabase
    | SetDatabase
    | Backup
    | Restore
    | ReadBackup
    | Dbcc
    | Kill
)
