"""What an index costs those who write, and which indexes it makes superfluous."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

from dbtui.advice.candidates import Candidate
from dbtui.advice.reading import parsed
from dbtui.errors import InputError
from dbtui.model.advice import Query, TableFacts

_ENTRY_MS = 0.01  # to put one entry into an index that is in memory: an assumption, not a measurement
_ENTRY = 8  # bytes of an index tuple's header
_ROW = 27  # bytes of a row's header and its pointer


def write_overhead(candidate: Candidate, table: TableFacts, share: float = 1.0) -> float:
    """Bytes written into the index for each byte of a row: (8 + keys) / (27 + row), times the share of its rows.

    Formula: pganalyze's index advisor (https://pganalyze.com/docs/index-advisor).
    """
    names = [key.key for key in candidate.keys if key.column] + list(candidate.include)
    keys = sum(table.columns[name].width for name in names if name in table.columns) or 8
    row = sum(column.width for column in table.columns.values())
    return (_ENTRY + keys) / (_ROW + row) * share


def write_ms(candidate: Candidate, table: TableFacts, updated: frozenset[str]) -> float:
    """Time that all writes so far would have spent on the index, in ms; updates count where they change it."""
    touched = {key.key for key in candidate.keys} | set(candidate.include)
    heap_updates = table.updates - table.hot_updates
    updates = table.updates if touched & updated else heap_updates
    return (table.inserts + updates) * _ENTRY_MS


def updated_columns(queries: Iterable[Query], dialect: str) -> Mapping[str, frozenset[str]]:
    """By table name, the columns that the workload's UPDATEs set."""
    found: dict[str, set[str]] = {}
    for query in queries:
        if "update" not in query.text[:4000].lower():
            continue
        try:
            tree = parsed(query.text, dialect)
        except InputError:
            continue
        for update in tree.find_all(exp.Update):
            columns = found.setdefault(update.this.name, set())
            for assignment in update.expressions:
                if isinstance(assignment, exp.EQ) and isinstance(assignment.this, exp.Column):
                    columns.add(assignment.this.name)
    return {name: frozenset(columns) for name, columns in found.items()}


def superseded(candidate: Candidate, table: TableFacts) -> tuple[str, ...]:
    """Indexes whose keys the new one begins with, all the other way round too; none that holds a constraint up."""
    if candidate.method != "btree" or candidate.predicate:
        return ()
    new = [(key.key, key.descending) for key in candidate.keys]
    found = []
    for index in table.indexes:
        if index.unique or index.primary or index.predicate or index.method not in ("", "btree"):
            continue
        old = [(column.split(" ")[0].strip('"`'), " desc" in column.lower()) for column in index.columns]
        backward = [(key, not descending) for key, descending in old]
        if new[: len(old)] in (old, backward):
            found.append(index.name)
    return tuple(found)
