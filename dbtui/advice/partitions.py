"""Which tables should be split into partitions by time: those that are large, asked for and cleared by it.

By rule, from the sizes, the statements' conditions and the statistics; nobody plans it. When it is worth it:
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-OVERVIEW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlglot import exp

from dbtui.advice.partition_sql import bound, conditions, conversion, obstacles
from dbtui.advice.periods import Period, fitting
from dbtui.advice.reading import parsed, read
from dbtui.advice.weighing import updated_columns
from dbtui.errors import InputError
from dbtui.model.advice import ColumnFacts, Facts, Query, TableFacts
from dbtui.model.partitioning import Partitionable, PartitionAdvice, Partitioning
from dbtui.text import size

LEAST = 10.0  # GB, below which one table serves as well
_TIMES = ("timestamp with time zone", "timestamp without time zone", "date")
_ASKED = 0.5  # share of the statements' time from which a key is what the table is asked for
_IN_ORDER = 0.9  # correlation from which rows come in the key's order
_DAY = 86_400.0
_UNITS = {"HOUR": 1 / 24, "DAY": 1.0, "WEEK": 7.0, "MONTH": 30.4, "YEAR": 365.25}


@dataclass(slots=True)
class _Use:
    """What the statements ask of one table: shares of their weight."""

    whole: float = 0.0
    by: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # column, condition on it
    deletes: dict[str, float | None] = field(default_factory=dict)  # column, days kept where the text says so


def advise(
    queries: Sequence[Query],
    facts: Facts,
    found: Sequence[Partitionable],
    least: float = LEAST,
    now: datetime | None = None,
) -> PartitionAdvice:
    """The tables of at least `least` GB that partitions would serve, the largest first; why not, for the others."""
    now = now or datetime.now(UTC)
    uses, not_understood = _uses(queries, facts)
    updated = updated_columns(queries, facts.dialect)
    known = {(one.schema, one.name): one for one in found}
    tables, others = [], []
    for table in facts.tables:
        one = known.get(table.path)
        name = f"{table.schema}.{table.name}"
        if one is None or one.inherits:
            others.append((name, "is partitioned, a partition, or no plain table"))
            continue
        use = uses[table.path]
        key = _key(table, one, use)
        reason = _why_not(table, one, use, key, least)
        if reason or key is None:
            others.append((name, reason))
        else:
            tables.append(_partitioning(table, one, use, key, updated.get(table.name, frozenset()), now))
    tables.sort(key=lambda made: -float(made.evidence["bytes"]))
    return PartitionAdvice(tuple(queries), tuple(tables), tuple(others), tuple(not_understood))


def _uses(
    queries: Sequence[Query], facts: Facts
) -> tuple[Mapping[tuple[str, str], _Use], list[tuple[int, str]]]:
    uses: dict[tuple[str, str], _Use] = defaultdict(_Use)
    not_understood = []
    for place, query in enumerate(queries):
        try:
            accesses, tree = read(query.text, facts), parsed(query.text, facts.dialect)
        except InputError as error:
            not_understood.append((place, str(error)))
            continue
        weight = query.weight
        asked: dict[tuple[str, str], set[str]] = defaultdict(set)
        for access in accesses:
            asked[access.schema, access.table] |= {
                term.key for term in (*access.ranges, *access.equal) if term.column
            }
        for path, columns in asked.items():
            uses[path].whole += weight
            for column in columns:
                uses[path].by[column] += weight
        if isinstance(tree, exp.Delete) and (target := facts.find(tree.this.db, tree.this.name)) is not None:
            for column in asked[target.path]:
                days = _days(tree)
                uses[target.path].deletes[column] = days or uses[target.path].deletes.get(column)
    return uses, not_understood


def _days(tree: exp.Expr) -> float | None:
    """The length of the one interval in a condition; None where it holds none, or a placeholder."""
    found = list(tree.find_all(exp.Interval))
    if len(found) != 1 or not isinstance(found[0].this, exp.Literal):
        return None
    unit = _UNITS.get(str(found[0].args.get("unit") or "").upper().removesuffix("S"))
    try:
        return float(found[0].this.this) * unit if unit else None
    except ValueError:
        return None


def _key(table: TableFacts, one: Partitionable, use: _Use) -> ColumnFacts | None:
    """The column of time that most is asked by; of one that nobody asks by, the one that rows come in order of."""
    times = [
        column for column in table.columns.values() if column.type in _TIMES and column.name in one.reaches
    ]
    return max(
        times,
        key=lambda c: (c.name in use.deletes, use.by.get(c.name, 0.0), abs(c.correlation or 0.0)),
        default=None,
    )


def _why_not(table: TableFacts, one: Partitionable, use: _Use, key: ColumnFacts | None, least: float) -> str:
    """Why a table stays whole; "" where it should not."""
    if one.size < least * 1e9:
        return f"{size(one.size)} is less than {least:g} GB: one table serves as well"
    if key is None:
        return "no column of time, or none with statistics: ranges of time are all that is advised on"
    if key.nullable and key.null_share:
        return f"{key.name} is NULL in {key.null_share:.1%} of the rows, which belong to no range"
    share = use.by.get(key.name, 0.0) / use.whole if use.whole else 0.0
    if share < _ASKED and key.name not in use.deletes:
        return (
            f"{share:.0%} of the statements' time has a condition on {key.name}, and nothing deletes by it:"
            " the others would look into every partition"
        )
    low, high = one.reaches[key.name]
    return "" if high - low >= _DAY else f"{key.name} reaches over less than a day"


def _partitioning(
    table: TableFacts,
    one: Partitionable,
    use: _Use,
    key: ColumnFacts,
    updated: frozenset[str],
    now: datetime,
) -> Partitioning:
    low, high = one.reaches[key.name]
    span = (high - low) / _DAY
    per_day = one.size / span
    kept = use.deletes.get(key.name) or span
    period = fitting(kept, per_day)
    share = use.by.get(key.name, 0.0) / use.whole if use.whole else 0.0
    start = _start(period, high, now)
    stands = obstacles(one, key)
    evidence: dict[str, float | str] = {"bytes": float(one.size), "rows": table.rows}
    evidence |= {"days": round(span, 1), "bytes a day": round(per_day), "share asked by key": round(share, 3)}
    if key.correlation is not None:
        evidence["correlation"] = round(key.correlation, 3)
    return Partitioning(
        table=f"{table.schema}.{table.name}",
        key=key.name,
        every=period.name,
        part_size=round(period.days * per_day),
        parts=max(1, round(kept / period.days)),
        retention=_retention(use, key.name, span),
        because=tuple(_because(table, one, key, share, span, per_day)),
        evidence=evidence,
        before=bound(start, key),
        sql=() if stands else conversion(one, key, period, start),
        obstacles=stands,
        conditions=conditions(table, one, key, start, updated),
    )


def _start(period: Period, high: float, now: datetime) -> datetime:
    """Where the new partitions begin: after all rows that are there, and no sooner than in a week."""
    latest = max(datetime.fromtimestamp(high, UTC).timestamp(), now.timestamp()) + 7 * _DAY
    return period.after(period.begin(datetime.fromtimestamp(latest, UTC)))


def _because(
    table: TableFacts, one: Partitionable, key: ColumnFacts, share: float, span: float, per_day: float
) -> list[str]:
    lines = [
        f"{size(one.size)} with indexes, {table.rows:,.0f} rows over {span:,.0f} days of {key.name}:"
        f" {size(per_day)} a day",
        f"{share:.0%} of the statements' time has a condition on {key.name}: they would read their partitions alone",
    ]
    if key.correlation is not None:
        lines.append(
            f"rows {'come in its order' if abs(key.correlation) >= _IN_ORDER else 'do not come in its order'}"
            f" (correlation {key.correlation:.2f}):"
            + (
                " one partition is written at a time"
                if abs(key.correlation) >= _IN_ORDER
                else " all are written"
            )
        )
    written = table.inserts + table.updates + table.deletes
    if written:
        lines.append(
            f"writes so far: {table.inserts:,} inserts, {table.updates:,} updates, {table.deletes:,} deletes"
        )
    return lines


def _retention(use: _Use, key: str, span: float) -> str:
    if key not in use.deletes:
        return f"nothing deletes by {key}: DETACH CONCURRENTLY and archive what nobody asks for any more"
    days = use.deletes[key]
    kept = (
        f"{days:,.0f} days, as its DELETE says" if days else f"about {span:,.0f} days, as its oldest rows say"
    )
    return f"{kept}: drop the oldest partition in place of the DELETE, which leaves no dead rows to vacuum"
