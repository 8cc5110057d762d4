"""What a live server says of the tables that a change is about, read without a write and without a lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from dbtui.model.migration import Engine, Relation


@dataclass(frozen=True, slots=True)
class Rates:
    """Bytes per second. `scan` is measured on the server where it could be; the others follow from it."""

    scan: float
    index: float  # of the table's bytes while one index is built
    rewrite: float  # of the table's and its indexes' bytes
    measured: bool = False


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table. Figures that the server does not tell are None."""

    relation: Relation
    rows: int | None = None
    bytes: int | None = None  # without indexes
    index_bytes: int | None = None
    reads_per_second: float | None = None  # scans that began, by whatever access path
    writes_per_second: float | None = None  # rows
    indexes: Mapping[str, int] = field(default_factory=dict)  # bytes by name
    invalid_indexes: tuple[str, ...] = ()
    row_versions: int | None = None  # InnoDB: how often it was changed instantly
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A session that holds, or may come to hold, what a change must wait for."""

    session: str
    relation: str  # "" for one that holds a snapshot only
    mode: str
    seconds: float  # since its transaction began
    what: str  # its application and state; server text


@dataclass(frozen=True, slots=True)
class Survey:
    """A server, and the tables that were asked for."""

    identity: str
    database: str
    version: tuple[int, ...]
    address: str = ""  # "db-01:3306"
    ddl: str = ""  # of the tables, and of what they refer to
    tables: tuple[TableFacts, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    rates: Rates | None = None
    replicas: int = 0
    slots: tuple[str, ...] = ()  # replication slots that keep WAL back
    free_bytes: int | None = None  # where the server's files lie
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # what could not be read, each with the reason

    def table(self, relation: Relation) -> TableFacts | None:
        """Facts by name; a name without a schema fits any."""
        for facts in self.tables:
            same = facts.relation.name == relation.name
            if same and (not relation.schema or facts.relation.schema in ("", relation.schema)):
                return facts
        return None

    @property
    def evidence(self) -> Mapping[str, float | str]:
        """The figures that the estimates stand on."""
        found: dict[str, float | str] = {}
        if self.rates is not None:
            found["scan bytes/s" if self.rates.measured else "assumed scan bytes/s"] = round(self.rates.scan)
        for facts in self.tables:
            name = str(facts.relation)
            for what, value in (
                ("rows", facts.rows),
                ("bytes", facts.bytes),
                ("index bytes", facts.index_bytes),
                ("reads/s", facts.reads_per_second),
                ("writes/s", facts.writes_per_second),
            ):
                if value is not None:
                    found[f"{name} {what}"] = round(value, 1)
        return found


class Surveyor(Protocol):
    """The part of an engine that knows what a change would meet. Every question reads, and waits for no lock."""

    @property
    def dialect(self) -> Engine:
        """The language of its DDL, as the server that answered speaks it."""
        ...

    async def survey(
        self, tables: tuple[Relation, ...], database: str = "", *, interval: float = 2.0
    ) -> Survey:
        """Facts of these tables and those near them; with none named, of all.

        Rates come from two readings that lie `interval` seconds apart; 0 is without. Raises QueryError,
        PermissionDenied, SessionLost.
        """
        ...


@runtime_checkable
class Surveyed(Protocol):
    """An engine that has a surveyor."""

    @property
    def surveyor(self) -> Surveyor: ...
