"""The nouns that the readers of PostgreSQL's actions share: a cell of the matrix applied to relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dbtui.model.migration import Action, KnownTable, Relation, Schema


@dataclass(frozen=True, slots=True)
class Place:
    """What is known where a statement stands: the schema before it, the server and the session."""

    schema: Schema
    version: tuple[int, ...]
    utc: bool = False  # the session's TimeZone
    dropped: frozenset[str] = frozenset()  # constraints that the same statement drops

    def views_on(self, relation: Relation, column: str = "") -> tuple[KnownTable, ...]:
        """Views and materialized views that read the relation, or one column of it."""
        return tuple(
            table
            for table in self.schema.tables.values()
            if table.kind != "table"
            and any(self.schema.same(read, relation) for read in table.reads)
            and (not column or {column, "*"} & set(table.options.get("columns", "").split("\n")))
        )


@dataclass(frozen=True, slots=True)
class Use:
    """One cell applied to relations."""

    cell: str
    table: Relation | None = None
    others: tuple[Relation, ...] = ()
    index: Relation | None = None


_UTC = ("UTC", "GMT", "ETC/UTC")


def at(schema: Schema, version: tuple[int, ...], settings: Mapping[str, str]) -> Place:
    """The place with these settings of the session."""
    return Place(schema, version, settings.get("timezone", "").upper() in _UTC)


Reader = Callable[[Action, Place], Iterator[Use]]
