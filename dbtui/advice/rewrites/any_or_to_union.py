"""OR across columns as UNION ALL.

`SELECT … WHERE a = 1 OR b = 2` becomes `SELECT … WHERE a = 1 UNION ALL SELECT … WHERE b = 2 AND (a = 1) IS NOT TRUE`.

Why: one index serves one side of such an OR. Each branch of the union has an index of its own, and a join whose OR
names both tables becomes two joins with a condition each. PostgreSQL can combine two indexes of one table by a
BitmapOr: there it pays only where the bitmaps are large, or the sides are of different tables.
Conditions: no GROUP BY, DISTINCT, aggregate, window or FOR UPDATE, which would see half of the rows; nothing random
and no function of unknown volatility; ORDER BY by output columns. LIMIT applies to the whole union.
NULLs: `IS NOT TRUE` excludes what an earlier branch has returned, and only that: a row for which the first side is
NULL and the second true comes out of the second. So duplicates are neither lost, as with UNION, nor made.
Source: https://www.postgresql.org/docs/current/functions-comparison.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from dbtui.advice.reading import folded
from dbtui.advice.rewrites.subject import Offer, Refused, Subject, conjuncts, own, settled, shaped
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO
_MOST = 4  # branches


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """An offer for the first OR whose sides name different columns."""
    where = subject.select.args.get("where")
    found = [_sides(part) for part in conjuncts(where.this)] if where is not None else []
    at = next((place for place, sides in enumerate(found) if sides), None)
    if at is None:
        return
    reason = _refusal(subject.select, len(found[at]))
    yield Refused(reason) if reason else Offer(_union(subject.select, at, found[at]))


def _sides(condition: exp.Expr) -> list[exp.Expr]:
    """The sides of an OR that no single index serves; none for any other condition."""
    if not isinstance(condition, exp.Or):
        return []
    sides = [side.unnest() for side in condition.flatten()]
    names = [frozenset(column.sql().lower() for column in own(side, exp.Column)) for side in sides]
    return sides if all(names) and not frozenset.intersection(*names) else []


def _refusal(select: exp.Select, sides: int) -> str:
    rows = select.copy()
    for part in ("limit", "offset"):
        rows.set(part, None)
    if shape := shaped(rows):
        return f"the statement has {shape}"
    if sides > _MOST:
        return f"the OR has {sides} sides"
    if not settled(select):
        return "it calls a function that may say something else the next time"
    order = select.args.get("order")
    for key in order.expressions if order is not None else ():
        if not _is_output(select, key.this):
            return f"it is ordered by {key.this.sql()}, which is not among its columns"
    return ""


def _is_output(select: exp.Select, key: exp.Expr) -> bool:
    """Whether a union can be sorted by it: a place in the list, or an unqualified name that stands there."""
    if isinstance(key, exp.Literal):
        return True
    names = {folded(item.args.get("alias") or item.this) for item in select.expressions}
    return isinstance(key, exp.Column) and not key.table and (select.is_star or folded(key.this) in names)


def _union(select: exp.Select, at: int, sides: list[exp.Expr]) -> exp.Expr:
    core = select.copy()
    tail = {part: core.args[part] for part in ("with_", "order", "limit", "offset") if core.args.get(part)}
    for part in tail:
        core.set(part, None)
    branches = []
    for place, side in enumerate(sides):
        branch = core.copy()
        parts = [part.copy() for part in conjuncts(select.args["where"].this)]
        parts[at : at + 1] = [side.copy(), *(_not_true(earlier) for earlier in sides[:place])]
        branch.set("where", exp.Where(this=exp.and_(*parts)))
        branches.append(branch)
    union: exp.Expr = branches[0]
    for branch in branches[1:]:
        union = exp.Union(this=union, expression=branch, distinct=False)
    for part, value in tail.items():
        union.set(part, value.copy())
    return union


def _not_true(condition: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.paren(condition.copy()), expression=exp.true()))
