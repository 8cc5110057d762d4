"""Statements as the pane ranks them: since when, by whom, and in what order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from dbtui.live import rates
from dbtui.model.activity import Statement, StatementDelta, Statements

Base = Literal["last", "opened", "reset"]
Group = Literal["", "user", "database", "application", "client"]
BASES: tuple[Base, ...] = ("last", "opened", "reset")
GROUPS: tuple[Group, ...] = ("", "user", "application", "client", "database")
SEEN = frozenset({"application", "client"})  # groups that counters do not tell: who was seen in samples does


@dataclass(frozen=True, slots=True)
class Counted:
    """Counters at a moment (epoch seconds)."""

    statements: Statements
    at: float


def hit(delta: StatementDelta) -> float | None:
    """The part of the blocks that was found in the cache, 0 to 1."""
    blocks = (delta.blocks_hit or 0) + (delta.blocks_read or 0)
    return (delta.blocks_hit or 0) / blocks if blocks else None


SORT_KEYS: dict[str, Callable[[StatementDelta], float | str]] = {
    "share": lambda d: d.share,
    "calls": lambda d: d.calls,
    "mean": lambda d: d.mean_ms or 0.0,
    "total": lambda d: d.total_ms,
    "rows": lambda d: d.rows or 0,
    "examined": lambda d: d.rows_read or 0,
    "hit": lambda d: hit(d) or 0.0,
    "read": lambda d: d.blocks_read or 0,
    "temp": lambda d: d.temp_blocks or 0,
    "wal": lambda d: d.wal_bytes or 0,
    "plans": lambda d: d.plans or 0,
    "user": lambda d: d.statement.user,
    "database": lambda d: d.statement.database,
    "query": lambda d: d.statement.query or "",
}


def since_reset(statements: Statements) -> tuple[StatementDelta, ...]:
    """The counters since the server's reset in the form of deltas, with no time between."""
    total = sum(s.total_ms for s in statements.statements) or 1.0
    return tuple(
        StatementDelta(
            s, 0.0, s.calls, s.total_ms, s.rows, s.blocks_hit, s.blocks_read, s.temp_blocks, s.wal_bytes,
            s.total_ms / total, s.plan_ms, s.read_ms, s.rows_read, s.plans,
        )
        for s in statements.statements
    )  # fmt: skip


def between(before: Counted | None, now: Counted, *, part: bool = False) -> tuple[StatementDelta, ...]:
    """What ran between two moments; nothing where the second is not later.

    Of a recording only the top statements are known (`part`): one that was not among them before is left out,
    because what it counted before is not known.
    """
    if before is None:
        return ()
    after = now.statements
    if part:
        known = {s.id for s in before.statements.statements}
        after = replace(after, statements=tuple(s for s in after.statements if s.id in known))
    return rates.deltas(before.statements, after, now.at - before.at)


def callers(counted: Counted, dimension: Group) -> Counted:
    """Who was seen to run statements, by one dimension, in the place of the statements."""
    prefix = f"{dimension}/"
    found = tuple(s for s in counted.statements.callers if s.id.startswith(prefix))
    return Counted(Statements(found, "sampled sessions"), counted.at)


def grouped(deltas: Sequence[StatementDelta], group: Group) -> tuple[StatementDelta, ...]:
    """The deltas added up by user or database; the statement of each stands for its group."""
    sums: dict[str, StatementDelta] = {}
    counts: dict[str, int] = {}
    for delta in deltas:
        name = delta.statement.user if group == "user" else delta.statement.database
        counts[name] = counts.get(name, 0) + 1
        former = sums.get(name)
        sums[name] = _group(name, delta, group) if former is None else _added(former, delta)
    return tuple(
        replace(d, statement=replace(d.statement, query=f"{name or '(none)'} · {counts[name]} statements"))
        for name, d in sums.items()
    )


def _group(name: str, first: StatementDelta, group: Group) -> StatementDelta:
    user, database = (name, "") if group == "user" else ("", name)
    return replace(first, statement=Statement(f"{group}/{name}", "", database, user, name, 0, 0.0))


def _added(one: StatementDelta, other: StatementDelta) -> StatementDelta:
    sums: dict[str, Any] = {name: _plus(getattr(one, name), getattr(other, name)) for name in _SUMS}
    return replace(
        one,
        calls=one.calls + other.calls,
        total_ms=one.total_ms + other.total_ms,
        share=one.share + other.share,
        **sums,
    )


_SUMS = (
    "rows", "blocks_hit", "blocks_read", "temp_blocks", "wal_bytes", "plan_ms", "read_ms", "rows_read", "plans",
)  # fmt: skip


def _plus(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


def top(
    deltas: Sequence[StatementDelta],
    wanted: Callable[[StatementDelta], bool] | None,
    sort: str,
    reverse: bool,
    limit: int,
) -> list[StatementDelta]:
    """The first `limit` of those that are wanted, in the order of a column."""
    kept = deltas if wanted is None else [delta for delta in deltas if wanted(delta)]
    choose = heapq.nlargest if reverse else heapq.nsmallest
    return choose(limit, kept, key=SORT_KEYS[sort])
