"""What a planner goes by: the statistics of tables and columns, and who can be asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What the planner knows of one column. Values are as text, shares 0 to 1."""

    name: str
    type: str
    null_share: float = 0.0
    distinct: float | None = None  # different values, counted for the table's size; None where unknown
    common: Sequence[tuple[str, float]] = ()  # most common values and their shares, the most common first
    bounds: tuple[str, ...] = ()  # values that part the others into equal portions, in order
    target: int = 100  # how many common values and bounds are kept at most


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """What the planner knows of one table, and how old it is."""

    schema: str
    name: str
    rows: float = 0.0  # as of the last ANALYZE or VACUUM
    blocks: int = 0  # now
    changed: int = 0  # rows written since the last ANALYZE
    analyzed: str = ""  # when, as the server writes it; "" never
    columns: Mapping[str, ColumnStatistics] = field(default_factory=dict)
    extended: tuple[tuple[str, frozenset[str]], ...] = ()  # statistics objects and the columns of each

    @property
    def stale(self) -> bool:
        """Never analyzed, or a tenth of it written since (autovacuum_analyze_scale_factor)."""
        return not self.analyzed or self.changed > max(50.0, 0.1 * self.rows)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows of a sample meet conditions. `share` of the table was looked at."""

    rows: int
    share: float
    each: tuple[int, ...]  # rows that meet each condition
    all: int  # rows that meet all of them


class Statistics(Protocol):
    """A server whose statistics can be asked for. Every call reads only, and is limited in time."""

    async def table(self, schema: str, name: str, *, database: str = "") -> TableStatistics | None:
        """The statistics of a table as far as this role may read them; None where there is no such table."""
        ...

    async def count(
        self, schema: str, name: str, alias: str, conditions: Sequence[str], *, database: str = ""
    ) -> Counted:
        """Count over a sample of the table. Raises QueryError, QueryTimeout, NotApproved."""
        ...

    async def distinct(
        self, schema: str, name: str, expressions: Sequence[str], *, database: str = ""
    ) -> float:
        """How many different values the expressions have together, counted. Raises QueryTimeout."""
        ...

    async def rank(self, schema: str, name: str, column: str, value: str, *, database: str = "") -> int:
        """How many values of a sample are as frequent as this one or more so, itself among them."""
        ...
