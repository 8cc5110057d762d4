"""What a migration says and does: statements, their actions, what is known of the schema, and effects.

The same nouns serve PostgreSQL, MySQL, MariaDB and SQLite. `op` is a short verb phrase such as "add column";
the parsers of `dbtui.migrations` make these objects, the rules read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbtui.model.finding import Finding


class Engine(StrEnum):
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, index, view or the like as the user named it, without quotes."""

    name: str
    schema: str = ""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class DataType:
    """A column's type. `name` is canonical and lower case ("int4", "varchar"); `text` is for people."""

    name: str
    modifiers: tuple[str, ...] = ()
    array: bool = False
    schema: str = ""  # of a type that is not built in, where written
    unsigned: bool = False
    charset: str = ""
    members: tuple[str, ...] = ()  # of an ENUM or SET

    @property
    def text(self) -> str:
        inside = ",".join(self.members or self.modifiers)
        name = f"{self.schema}.{self.name}" if self.schema else self.name
        return f"{name}{f'({inside})' if inside else ''}{' unsigned' if self.unsigned else ''}{'[]' * self.array}"


class Volatility(StrEnum):
    """How often a default must be computed. A constant or stable one is computed once for all rows."""

    NULL = "null"
    CONSTANT = "constant"
    STABLE = "stable"
    VOLATILE = "volatile"


@dataclass(frozen=True, slots=True)
class Default:
    text: str
    volatility: Volatility
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConstraintDef:
    """A constraint of a table. `kind` is "check", "foreign key", "primary key", "unique", "exclude" or "not null"."""

    kind: str
    name: str = ""
    columns: tuple[str, ...] = ()
    references: Relation | None = None
    referenced_columns: tuple[str, ...] = ()
    valid: bool = True  # False when NOT VALID was written and it has not been validated since
    enforced: bool = True
    using_index: str = ""
    no_inherit: bool = False
    not_null: frozenset[str] = frozenset()  # columns that a check proves to be NOT NULL
    mentions: frozenset[str] = frozenset()  # columns that a check reads
    constants: frozenset[str] = frozenset()  # values that it compares with
    on_delete: str = ""
    on_update: str = ""
    text: str = ""  # the user's own


@dataclass(frozen=True, slots=True)
class ColumnDef:
    name: str
    type: DataType
    not_null: bool = False
    default: Default | None = None
    identity: bool = False
    serial: bool = False  # serial in PostgreSQL, AUTO_INCREMENT in MySQL
    generated: str = ""  # "stored" or "virtual"
    expression: str = ""  # MySQL: of a generated column
    collation: str = ""
    constraints: tuple[ConstraintDef, ...] = ()
    position: str = ""  # MySQL: "first" or "after x"
    text: str = field(default="", compare=False)  # the user's own definition, "" once something altered it

    def has(self, kind: str) -> bool:
        """Whether the definition carries a constraint of this kind."""
        return any(c.kind == kind for c in self.constraints)


@dataclass(frozen=True, slots=True)
class IndexDef:
    name: str
    table: Relation
    columns: tuple[str, ...] = ()  # "" stands for an expression
    unique: bool = False
    concurrently: bool = False
    partial: bool = False
    method: str = ""
    only: bool = False
    valid: bool = True
    constraint: bool = False  # belongs to a constraint of the same name
    lengths: bool = False  # MySQL: indexes a prefix of a column
    text: str = ""  # the user's own CREATE INDEX


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a statement does to one relation."""

    op: str
    relation: Relation = Relation("")
    column: ColumnDef | None = None
    constraint: ConstraintDef | None = None
    index: IndexDef | None = None
    name: str = ""  # of the column, constraint, trigger, setting, … that is meant
    new_name: str = ""
    others: tuple[Relation, ...] = ()
    if_exists: bool = False
    if_not_exists: bool = False
    cascade: bool = False
    concurrently: bool = False
    columns: tuple[ColumnDef, ...] = ()
    constraints: tuple[ConstraintDef, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    text: str = ""  # the user's own, of this action alone


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the user wrote it, with what was understood of it."""

    sql: str
    file: str = ""
    line: int = 1  # from 1, in the file
    actions: tuple[Action, ...] = ()
    error: str = ""  # why it was not understood
    ignored: frozenset[str] = frozenset()  # rules that a comment of the user switches off here; "*" is all

    @property
    def understood(self) -> bool:
        return not self.error

    @property
    def kind(self) -> str:
        ops = {action.op for action in self.actions}
        if not ops:
            return "unknown"
        return next(iter(ops)) if len(ops) == 1 else "alter table"


@dataclass(frozen=True, slots=True)
class Lock:
    relation: str
    mode: str


@dataclass(frozen=True, slots=True)
class Effects:
    """What the server does for a statement. Relations are named as the user named them."""

    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    algorithm: str | None = None
    by_action: tuple[tuple[str, ...], ...] = ()  # cells of the matrix that each action uses

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the matrix that the whole statement uses."""
        return tuple(cell for cells in self.by_action for cell in cells)


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table as the DDL before this statement left it."""

    relation: Relation
    kind: str = "table"  # or "view", "materialized view"
    columns: Mapping[str, ColumnDef] = field(default_factory=dict)
    constraints: tuple[ConstraintDef, ...] = ()
    indexes: tuple[IndexDef, ...] = ()
    file: str = ""  # the linted file that created it; "" when it was there before
    transaction: int = 0  # the transaction that created it
    partitioned: bool = False
    parent: Relation | None = None  # of a partition or an inheriting table
    default_partition: bool = False
    published: bool = False
    temporary: bool = False
    reads: tuple[Relation, ...] = ()  # of a view
    options: Mapping[str, str] = field(default_factory=dict)  # MySQL: engine, charset, row_format
    text: str = ""  # the user's own CREATE TABLE, "" once something altered what it says
    triggers: tuple[str, ...] = ()  # the user's own CREATE TRIGGER statements

    @property
    def primary_key(self) -> ConstraintDef | None:
        return next((c for c in self.constraints if c.kind == "primary key"), None)

    def index_on(self, columns: tuple[str, ...]) -> IndexDef | None:
        """A valid index over the whole table that starts with these columns, in any order."""
        for index in self.indexes:
            if index.valid and not index.partial and set(index.columns[: len(columns)]) == set(columns):
                return index
        return None

    def proves_not_null(self, column: str, *, but: frozenset[str] = frozenset()) -> bool:
        """Whether a validated check, one of `but` apart, proves the column NOT NULL."""
        return any(
            c.kind == "check" and c.valid and column in c.not_null and c.name not in but
            for c in self.constraints
        )


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain's own type without any domain, and whether it, or a domain that it is made of, has a constraint."""

    base: DataType
    constrained: bool = False


@dataclass(slots=True)
class Schema:
    """What the DDL so far has made: filled by `migrations.known`, read by effects and rules."""

    search_path: str = "public"
    fold: bool = False  # names differ in case only: the same table
    tables: dict[tuple[str, str], KnownTable] = field(default_factory=dict)
    altered: dict[tuple[str, str], KnownTable] = field(
        default_factory=dict
    )  # created elsewhere: known in part
    domains: dict[tuple[str, str], Domain] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)  # name: volatility
    enums: dict[str, int] = field(default_factory=dict)  # name: the transaction that created it
    parents: set[tuple[str, str]] = field(default_factory=set)  # tables that have, or had, children

    def key(self, relation: Relation) -> tuple[str, str]:
        name = relation.name.casefold() if self.fold else relation.name
        return (relation.schema or self.search_path, name)

    def table(self, relation: Relation) -> KnownTable | None:
        return self.tables.get(self.key(relation))

    def seen(self, relation: Relation) -> KnownTable | None:
        """The table, or what the DDL so far has said of one that was created elsewhere."""
        return self.table(relation) or self.altered.get(self.key(relation))

    def domain(self, declared: DataType) -> Domain | None:
        """The domain that a type is; an array of a domain is none."""
        return (
            None if declared.array else self.domains.get(self.key(Relation(declared.name, declared.schema)))
        )

    def is_type(self, declared: DataType, name: Relation) -> bool:
        """Whether a column's type, or that of its elements, has this name."""
        return self.key(Relation(declared.name, declared.schema)) == self.key(name)

    def same(self, left: Relation, right: Relation) -> bool:
        return self.key(left) == self.key(right)

    def index(self, relation: Relation) -> tuple[KnownTable, IndexDef] | None:
        """The table and the index of this name."""
        schema, name = self.key(relation)
        for (where, _), table in (*self.tables.items(), *self.altered.items()):
            if where == schema:
                for index in table.indexes:
                    if (index.name.casefold() if self.fold else index.name) == name:
                        return table, index
        return None

    def children(self, relation: Relation) -> tuple[KnownTable, ...]:
        """Partitions and inheriting tables, all generations."""
        own = self.key(relation)
        if own not in self.parents:
            return ()
        found: list[KnownTable] = []
        for table in self.tables.values():
            if table.parent is not None and self.key(table.parent) == own:
                found += [table, *self.children(table.relation)]
        return tuple(found)

    def referencing(self, relation: Relation) -> tuple[tuple[KnownTable, ConstraintDef], ...]:
        """Foreign keys of other tables that point here."""
        own = self.key(relation)
        return tuple(
            (table, constraint)
            for key, table in self.tables.items()
            for constraint in table.constraints
            if constraint.references is not None and self.key(constraint.references) == own and key != own
        )


@dataclass(frozen=True, slots=True)
class Assessed:
    """A statement with its effects and findings. `safe` is None for what was not understood."""

    statement: Statement
    effects: Effects
    findings: tuple[Finding, ...]
    safe: bool | None
