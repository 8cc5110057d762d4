"""What could be otherwise, and who can tell what would come of it: the nouns of what-if and of advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dbtui.model.catalog import Index
from dbtui.model.finding import Finding
from dbtui.model.plan import RawPlan


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A server that differs from the real one in these points; nothing differs by default."""

    indexes: tuple[str, ...] = ()  # CREATE INDEX statements, without a name or with one
    hidden: tuple[str, ...] = ()  # names of indexes that are not to be used: what DROP INDEX would do
    statistics: tuple[str, ...] = ()  # CREATE STATISTICS statements
    settings: Mapping[str, str] = field(default_factory=dict)


NOTHING = WhatIf()


class Planner(Protocol):
    """Who can plan a statement as if the server were another. The real server does not change by it."""

    @property
    def verified(self) -> str:
        """How its answers are had, in a few words: "PostgreSQL 18 shadow of a server of version 15"."""
        ...

    @property
    def missing(self) -> Sequence[object]:
        """What it lacks of the server, one thing each, to be shown."""
        ...

    async def plan(self, query: str, what_if: WhatIf = NOTHING) -> RawPlan:
        """The plan of a statement. Raises QueryError for what the planner refuses."""
        ...

    async def prepare(self, indexes: Sequence[str]) -> Mapping[str, str]:
        """Make ready to plan with any of these; those that it refuses, with the reason."""
        ...

    def size(self, index: str) -> int:
        """Bytes that an index it has planned with would take; 0 where it cannot tell."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What the server's statistics say of a column. Shares are 0 to 1."""

    name: str
    type: str
    width: int = 8  # bytes, on average
    distinct: float | None = None  # how many different values; None where nobody counted
    null_share: float = 0.0
    correlation: float | None = None  # of its order with the rows' places, -1 to 1
    common: Mapping[str, float] = field(default_factory=dict)  # most common values and their shares
    nullable: bool = True  # False where the catalog promises that it is never NULL


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as advice needs it. Counts of writes are since the server began to count."""

    schema: str
    name: str
    columns: Mapping[str, ColumnFacts]
    indexes: tuple[Index, ...] = ()
    rows: float = 0.0
    size: int = 0  # bytes, without indexes
    inserts: int = 0
    updates: int = 0
    hot_updates: int = 0  # of `updates`, those that changed no index
    deletes: int = 0
    partitioned: bool = False

    @property
    def path(self) -> tuple[str, str]:
        return self.schema, self.name


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the tables that a workload touches."""

    dialect: str  # "postgres", "mysql", "mariadb", "sqlite", "mongodb"
    tables: tuple[TableFacts, ...] = ()
    views: Mapping[tuple[str, str], str] = field(default_factory=dict)  # their queries
    search_path: tuple[str, ...] = ("public",)
    sorts_by_bytes: bool = False  # a plain index finds LIKE 'x%'
    extensions: frozenset[str] = frozenset()

    def find(self, schema: str, name: str) -> TableFacts | None:
        """The table that a statement means by a name. MySQL's and SQLite's are of one database, whatever the case."""
        if self.dialect in ("mysql", "mariadb", "sqlite"):
            return next((table for table in self.tables if table.name.lower() == name.lower()), None)
        known = {table.path: table for table in self.tables}
        places = (schema,) if schema else self.search_path
        return next((known[place, name] for place in places if (place, name) in known), None)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement of a workload with its weight."""

    text: str
    calls: float = 1.0
    mean_ms: float | None = None  # None where nobody measured it: then its cost is its weight

    @property
    def weight(self) -> float:
        """Milliseconds in all, or calls where nobody measured it."""
        return self.calls * (self.mean_ms or 1.0)


@dataclass(frozen=True, slots=True)
class Help:
    """What an index does for one query of the workload: its plan's cost without and with it."""

    query: int  # place in the workload
    before: float | None
    after: float | None

    @property
    def saved(self) -> float | None:
        """The share of the cost that is saved, 0 to 1."""
        if not self.before or self.after is None:
            return None
        return max(0.0, 1.0 - self.after / self.before)


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """An index to make. `verified` says who was asked whether it helps, or that nobody was."""

    sql: str
    undo: str
    table: str
    keys: tuple[str, ...]
    verified: str
    helps: tuple[Help, ...]
    because: str = ""
    size: int | None = None  # bytes, estimated
    write_overhead: float = 0.0  # of each row written, as a share of writing the row
    hot_lost: int = 0  # updates so far that changed no index, and would change this one
    supersedes: tuple[str, ...] = ()  # indexes that it makes redundant
    ties: tuple[str, ...] = ()  # others that would have done as well
    verify: tuple[str, ...] = ()  # statements by which it can be tried on the server itself

    @property
    def saved(self) -> float | None:
        """The greatest share of a query's cost that it saves."""
        return max((help_.saved for help_ in self.helps if help_.saved is not None), default=None)


@dataclass(frozen=True, slots=True)
class Advice:
    """What is advised for a workload. Costs are sums over the queries, weighted, in the planner's units or ms."""

    queries: tuple[Query, ...]
    indexes: tuple[IndexAdvice, ...]
    verified: str
    before: float | None = None
    after: float | None = None
    unit: str = "cost"  # or "ms"
    tried: int = 0  # candidates
    not_understood: tuple[tuple[int, str], ...] = ()  # queries left out, and why
    notes: tuple[str, ...] = ()
    dialect: str = ""  # as in `Facts`
    redundant: tuple[Finding, ...] = ()  # indexes that are there, and serve nobody
