"""What a server holds: the tree that is browsed, and the structure of its tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a node of the tree is."""

    SERVER = "server"
    DATABASE = "database"
    SCHEMA = "schema"
    FOLDER = "folder"
    TABLE = "table"
    PARTITIONED = "partitioned table"
    FOREIGN = "foreign table"
    VIEW = "view"
    MATERIALIZED = "materialized view"
    SEQUENCE = "sequence"
    FUNCTION = "function"
    COLUMN = "column"
    INDEX = "index"
    CONSTRAINT = "constraint"
    TRIGGER = "trigger"
    NAMESPACE = "namespace"  # keys whose names begin alike
    KEY = "key"
    STREAM = "data stream"
    SHARD = "shard"
    NODE = "node"  # one machine of a cluster
    TEMPLATE = "template"
    PIPELINE = "pipeline"
    POLICY = "policy"
    REPOSITORY = "repository"
    REPORT = "report"  # a text about something, made when it is looked at


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the object tree. `path` names it uniquely on its server, outermost first, without the server."""

    kind: Kind
    name: str  # the server's own text
    path: tuple[str, ...]
    detail: str = ""  # the type of a column, the definition of an index: server text
    size: int | None = None  # bytes, with indexes and TOAST for a table
    rows: int | None = None  # the server's estimate; None when never analysed
    leaf: bool = False
    note: str = ""  # "invalid", "no access", …


@dataclass(frozen=True, slots=True)
class Name:
    """An object to be found by its name: what the fuzzy finder searches in."""

    kind: Kind
    path: tuple[str, ...]  # (database, schema, name)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str  # as the server prints it: "numeric(10,2)"
    nullable: bool
    default: str | None = None  # expression text
    identity: str = ""  # "always", "by default"
    generated: str = ""  # expression of a generated column
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    definition: str  # the server's own CREATE INDEX
    columns: tuple[str, ...]  # key columns or expressions, in order
    unique: bool = False
    primary: bool = False
    valid: bool = True
    predicate: str | None = None
    method: str = ""
    size: int | None = None
    scans: int | None = None  # since the server's statistics reset


@dataclass(frozen=True, slots=True)
class Constraint:
    name: str
    kind: str  # "primary key", "unique", "foreign key", "check", "exclusion", "not null"
    definition: str
    columns: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  # (schema, table) of a foreign key
    validated: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or the like with its structure."""

    kind: Kind
    path: tuple[str, ...]  # (database, schema, name)
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    comment: str = ""


Fact = tuple[str, str]  # label and value


def filled(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts that have a value."""
    return tuple((label, value) for label, value in facts if value)


@dataclass(frozen=True, slots=True)
class Detail:
    """What is shown about one node: facts as label and value, and the statement that would make it."""

    node: Node
    facts: tuple[Fact, ...]
    ddl: str = ""
    table: Table | None = None
