"""An index that another one covers, or that nobody has used.

What it does
    Looks among the indexes of a table for those whose keys another one begins with, and for those that were never
    scanned since the server counts. Primary keys and unique indexes stay, since they hold a promise; so do partial
    ones, those over other operator classes or with columns of their own besides, and invalid ones.

Why it matters
    Every write maintains it, vacuum reads it, and it takes the room of pages that are asked for.

Instead
    Drop it; on MySQL and MariaDB make it invisible first, which is undone at once.

When it is fine
    A replica uses it, whose scans this server does not count; or it is for a report that is due once a year.

See
    https://www.postgresql.org/docs/current/monitoring-stats.html
    https://dev.mysql.com/doc/refman/8.4/en/invisible-indexes.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.advice import TableFacts
from dbtui.model.catalog import Index
from dbtui.model.finding import Finding, Severity
from dbtui.model.migration import Engine
from dbtui.rules.migration.step import quoted

SEVERITY = Severity.WARNING
RULE = "any-redundant-index"
DOCS = {
    "postgres": ("https://www.postgresql.org/docs/current/monitoring-stats.html",),
    "mysql": ("https://dev.mysql.com/doc/refman/8.4/en/invisible-indexes.html",),
    "mariadb": ("https://mariadb.com/kb/en/ignored-indexes/",),
}
_ENGINES = {"mysql": Engine.MYSQL, "mariadb": Engine.MARIADB, "sqlite": Engine.SQLITE}
_SPECIAL = (" INCLUDE (", " COLLATE ", "_ops", " NULLS ")


def check(table: TableFacts, dialect: str) -> Iterator[Finding]:
    """The redundant indexes of one plain table of an SQL engine."""
    if dialect == "mongodb" or table.partitioned:
        return
    plain = [index for index in table.indexes if _is_plain(index)]
    covered: set[str] = set()
    for index in plain:
        other = next((one for one in plain if one.name not in covered and _covers(one, index)), None)
        if other is not None and not index.unique:
            covered.add(index.name)
            what = f"{index.name} is not needed beside {other.name}, whose keys begin with its own"
            yield _finding(table, index, dialect, what, Severity.WARNING)
    for index in table.indexes:
        if index.scans == 0 and index.valid and not index.unique and index.name not in covered:
            what = f"{index.name} was never scanned since this server counts"
            yield _finding(table, index, dialect, what, Severity.INFO)


def _is_plain(index: Index) -> bool:
    special = any(mark in index.definition for mark in _SPECIAL)
    return index.valid and index.method in ("", "btree") and index.predicate is None and not special


def _covers(one: Index, other: Index) -> bool:
    return one is not other and one.columns[: len(other.columns)] == other.columns


def _finding(table: TableFacts, index: Index, dialect: str, what: str, severity: Severity) -> Finding:
    evidence: dict[str, float | str] = {"keys": ", ".join(index.columns)}
    if index.size is not None:
        evidence["bytes"] = float(index.size)
    if index.scans is not None:
        evidence["scans"] = float(index.scans)
    return Finding(
        RULE,
        severity,
        what,
        f"{table.schema}.{table.name}" if table.schema else table.name,
        evidence,
        "drop it, once no replica uses it",
        _drop(table, index, dialect),
        DOCS.get(dialect, ()),
    )


def _drop(table: TableFacts, index: Index, dialect: str) -> tuple[str, ...]:
    engine = _ENGINES.get(dialect, Engine.POSTGRESQL)
    name = quoted(index.name, engine)
    if dialect == "postgres":
        return (f"DROP INDEX CONCURRENTLY {quoted(table.schema)}.{name}",)
    if dialect == "sqlite":
        return (f"DROP INDEX {name}",)
    hidden = "INVISIBLE" if dialect == "mysql" else "IGNORED"
    of = quoted(table.name, engine)
    return (f"ALTER TABLE {of} ALTER INDEX {name} {hidden}", f"DROP INDEX {name} ON {of}")
