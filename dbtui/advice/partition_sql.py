"""PostgreSQL: a table becomes the first partition of a new one of its name, beside its readers and writers.

A check that no row is beyond the bound is proved first, so that ATTACH reads nothing; then the parent is made empty
with all that the table has, and the two change names, in one short transaction
(https://www.postgresql.org/docs/current/sql-altertable.html, ATTACH PARTITION).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dbtui.advice.candidates import quoted
from dbtui.advice.periods import Period
from dbtui.model.advice import ColumnFacts, TableFacts
from dbtui.model.partitioning import Partitionable
from dbtui.sql.quoting import literal

_AHEAD = 3  # partitions that are made with it


def bound(moment: datetime, key: ColumnFacts) -> str:
    """A bound of a partition as SQL writes it; of a column with a time zone in UTC."""
    if key.type == "date":
        return f"'{moment:%Y-%m-%d}'"
    return f"'{moment:%Y-%m-%d %H:%M:%S}{'+00' if key.type.endswith('with time zone') else ''}'"


def obstacles(one: Partitionable, key: ColumnFacts) -> tuple[str, ...]:
    """What stands in the way of a conversion that takes everything along."""
    found = {
        f"foreign keys point at it ({', '.join(one.pointing)}), and no key of a partitioned table is unique"
        f" without {key.name}": one.pointing,
        f"unique or exclusion constraints besides the primary key: {', '.join(one.uniques)}": one.uniques,
        f"its triggers have to be made again on the new table: {', '.join(one.triggers)}": one.triggers,
        f"its views would go on reading the old part alone: {', '.join(one.views)}": one.views,
        f"its publications have to name the new table: {', '.join(one.publications)}": one.publications,
        "its row security policies have to be made again on the new table": one.policies,
    }
    return tuple(reason for reason, there in found.items() if there)


def conditions(
    table: TableFacts, one: Partitionable, key: ColumnFacts, start: datetime, updated: frozenset[str]
) -> tuple[str, ...]:
    """What only its reader can know, or has to see to."""
    said = [
        f"it is done before {bound(start, key)}: from then on the check refuses new rows",
        "somebody makes the next partitions in time (pg_partman, or a job): without one an INSERT fails",
        "the rows of today stay together in one part until that is dropped whole",
    ]
    if one.primary and key.name not in one.primary:
        said.append(f"({', '.join(one.primary)}) need be unique only together with {key.name}")
    if key.name in updated:
        said.append(f"few UPDATEs change {key.name}: each would move its row to another partition")
    if key.nullable:
        said.append(f"{key.name} may become NOT NULL (the statistics saw no NULL in it)")
    return tuple(said)


def conversion(one: Partitionable, key: ColumnFacts, period: Period, start: datetime) -> tuple[str, ...]:
    """The statements, in order; the planner of changes makes steps of them that hurt nobody."""
    return tuple(_Conversion(one, key, period, start).statements())


class _Conversion:
    """The names that go through all statements."""

    def __init__(self, one: Partitionable, key: ColumnFacts, period: Period, start: datetime) -> None:
        self.one, self.key, self.period, self.start = one, key, period, start
        self.table = self._qualified(one.name)
        self.old = self._name("before")
        self.new = self._name("parts")
        self.check = quoted(self._name("until"))
        self.limit = bound(start, key)

    def statements(self) -> Iterator[str]:
        """The table takes the form of a partition while it is in use; then all the rest in one transaction."""
        yield from self._prepared()
        yield "BEGIN"
        yield from self._parent()
        yield from self._swap()
        yield "COMMIT"
        yield f"ALTER TABLE {self._qualified(self.old)} DROP CONSTRAINT {self.check}"

    def _name(self, tail: str) -> str:
        return self.one.name.encode()[: 62 - len(tail)].decode("utf-8", "ignore") + f"_{tail}"

    def _qualified(self, name: str) -> str:
        return f"{quoted(self.one.schema)}.{quoted(name)}"

    def _columns(self) -> tuple[str, ...]:
        """The primary key with the partition key in it."""
        own = self.one.primary
        return own if self.key.name in own else (*own, self.key.name)

    def _parent(self) -> Iterator[str]:
        new, key = self._qualified(self.new), quoted(self.key.name)
        parts = "DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS"
        yield f"CREATE TABLE {new} (LIKE {self.table} INCLUDING {parts}) PARTITION BY RANGE ({key})"
        yield f"ALTER TABLE {new} DROP CONSTRAINT {self.check}"  # of the old rows alone
        if self.one.owner:
            yield f"ALTER TABLE {new} OWNER TO {quoted(self.one.owner)}"
        if self.one.primary:
            yield f"ALTER TABLE {new} ADD PRIMARY KEY ({', '.join(map(quoted, self._columns()))})"
        for tail in self.one.indexes:
            yield f"CREATE INDEX ON {new}{tail}"
        for name, definition in self.one.foreign_keys:
            yield f"ALTER TABLE {new} ADD CONSTRAINT {quoted(name)} {definition}"
        for column, when in self.one.identities:
            yield f"ALTER TABLE {new} ALTER COLUMN {quoted(column)} ADD GENERATED {when} AS IDENTITY"
        for grant in self.one.grants:
            privilege, _, grantee = grant.partition(" TO ")
            yield f"GRANT {privilege} ON {new} TO {grantee}"
        beginning = self.start
        for _ in range(_AHEAD):
            end = self.period.after(beginning)
            part = self._qualified(self._name(self.period.label(beginning)))
            limits = f"FROM ({bound(beginning, self.key)}) TO ({bound(end, self.key)})"
            yield f"CREATE TABLE {part} PARTITION OF {new} FOR VALUES {limits}"
            beginning = end

    def _prepared(self) -> Iterator[str]:
        """The table takes the form of a partition, while it is in use."""
        table, key = self.table, quoted(self.key.name)
        if self.key.nullable:
            yield f"ALTER TABLE {table} ALTER COLUMN {key} SET NOT NULL"
        yield f"ALTER TABLE {table} ADD CONSTRAINT {self.check} CHECK ({key} < {self.limit})"
        if self.one.primary and self._columns() != self.one.primary:
            name, index = quoted(self.one.primary_name), quoted(self._name("key"))
            listed = ", ".join(map(quoted, self._columns()))
            yield f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} ({listed})"
            yield (
                f"ALTER TABLE {table} DROP CONSTRAINT {name},"
                f" ADD CONSTRAINT {index} PRIMARY KEY USING INDEX {index}"
            )

    def _swap(self) -> Iterator[str]:
        old, table = self._qualified(self.old), self.table
        for column, _ in self.one.identities:
            yield f"ALTER TABLE {table} ALTER COLUMN {quoted(column)} DROP IDENTITY"
        yield f"ALTER TABLE {table} RENAME TO {quoted(self.old)}"
        yield f"ALTER TABLE {self._qualified(self.new)} RENAME TO {quoted(self.one.name)}"
        yield f"ALTER TABLE {table} ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ({self.limit})"
        for sequence, column in self.one.sequences:
            yield f"ALTER SEQUENCE {sequence} OWNED BY {table}.{quoted(column)}"
        for column, _ in self.one.identities:
            value = f"(SELECT coalesce(max({quoted(column)}), 1) FROM {old})"  # noqa: S608 - quoted
            yield f"SELECT setval(pg_get_serial_sequence({literal(table)}, {literal(column)}), {value})"
