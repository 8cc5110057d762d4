"""A correlated scalar subquery as a join.

`SELECT (SELECT max(b.v) FROM b WHERE b.k = a.k) FROM a` becomes `SELECT s1.value_1 FROM a
LEFT JOIN (SELECT b.k AS key_1, max(b.v) AS value_1 FROM b GROUP BY b.k) AS s1 ON s1.key_1 = a.k`.

Why: the subquery runs once for each row of a. The join reads b once, and can be hashed. Where few rows of a are
left, or an index on b.k finds few of b, the subquery may stay the cheaper one: the two plans tell.
Conditions: it stands in the SELECT list, and depends on the outer query by equalities of columns of one type alone;
its aggregates are min, max, sum, avg or count; without one, a unique index covers the columns that are compared
(else a row could find several, which the original refuses as an error). The outer query neither groups nor uses
commas or USING in FROM. Sums of floating point numbers may differ in the last digits, since their order does.
NULLs: an outer key that is NULL finds nothing in either text; what finds nothing is NULL for min, max, sum and avg
in both, and 0 for count, which the join restores by COALESCE.
Source: https://www.postgresql.org/docs/current/sql-expressions.html#SQL-SYNTAX-SCALAR-SUBQUERIES
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from dbtui.advice.reading import folded
from dbtui.advice.rewrites.subject import (
    Offer,
    Refused,
    Subject,
    conjuncts,
    identifier,
    own,
    qualified,
    settled,
    unique,
)
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO
_AGGREGATES = (exp.Min, exp.Max, exp.Sum, exp.Avg, exp.Count)
_TOO_MUCH = (
    "group",
    "having",
    "limit",
    "offset",
    "distinct",
    "qualify",
    "windows",
    "locks",
    "joins",
    "with_",
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A subquery taken apart: what it compares with the outer query, and its own conditions."""

    keys: tuple[tuple[exp.Column, exp.Column], ...]  # inner and outer, both qualified
    conditions: tuple[exp.Expr, ...]
    value: exp.Expr  # in parentheses, so that parts of it can be replaced


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """One offer for all that can be, and the reason for each that cannot."""
    select = subject.select.copy()
    found = [node for item in select.expressions for node in item.find_all(exp.Subquery)]
    correlated = [
        node for node in found if node.parent_select is select and _names_outer(subject, node, select)
    ]
    if correlated and (reason := _outer_refusal(select)):
        yield Refused(reason)
        return
    proven: list[str] = []
    for number, node in enumerate(correlated, 1):
        try:
            taken = _take(subject, select, node.this)
            shown = _proof(subject, node.this, taken)
        except _Unfit as unfit:
            yield Refused(str(unfit))
            continue
        if not proven:
            _spell_out_star(select)
        _replace(select, node, taken, f"s{number}")
        proven.append(shown)
    if proven:
        yield Offer(select, tuple(dict.fromkeys(proven)))


class _Unfit(Exception):
    """Why a subquery is no join."""


def _names_outer(subject: Subject, node: exp.Expr, select: exp.Select) -> bool:
    if not isinstance(node.this, exp.Select):
        return False
    tables = {folded(column.args.get("table")) for column in node.find_all(exp.Column)}
    return bool((tables - set(subject.sources(node.this))) & set(subject.sources(select)))


def _outer_refusal(select: exp.Select) -> str:
    aggregates = (next(own(item, exp.AggFunc, exp.Window), None) for item in select.expressions)
    if select.args.get("group") or select.args.get("having") or any(aggregates):
        return "the outer query groups its rows"
    if any(not (join.args.get("on") or join.kind) for join in select.args.get("joins") or ()):
        return "FROM has commas, USING or NATURAL: write JOIN … ON"
    ours = {"key", "value"} & {column.name.rpartition("_")[0] for column in select.find_all(exp.Column)}
    return "it has columns called like those of the join" if ours else ""


def _take(subject: Subject, select: exp.Select, inner: exp.Select) -> _Taken:
    """The subquery's parts. Raises _Unfit."""
    inside = subject.sources(inner)
    if any(inner.args.get(part) for part in _TOO_MUCH) or len(inner.expressions) != 1 or len(inside) != 1:
        raise _Unfit("the subquery does more than filter or aggregate one table")
    if set(inside) & set(subject.sources(select)):
        raise _Unfit("both queries call a table by the same name: give one an alias")
    if not settled(inner) or len(list(inner.find_all(exp.Query))) > 1:
        raise _Unfit("the subquery holds another one, or calls a function of unknown kind")
    keys, conditions = [], []
    for part in conjuncts(inner.args["where"].this) if inner.args.get("where") else ():
        if (pair := _pair(subject, select, inner, part)) is not None:
            keys.append(pair)
        elif _inner_alone(subject, inner, part):
            conditions.append(part.copy())
        else:
            raise _Unfit(f"it depends on the outer query by {part.sql()}, no equality of columns of one type")
    value = inner.expressions[0].unalias()
    if not keys or not _inner_alone(subject, inner, value):
        raise _Unfit("it depends on the outer query elsewhere than in WHERE")
    return _Taken(tuple(keys), tuple(conditions), exp.paren(value))


def _inner_alone(subject: Subject, inner: exp.Select, part: exp.Expr) -> bool:
    return all(subject.place(column, inner) is not None for column in part.find_all(exp.Column))


def _pair(
    subject: Subject, select: exp.Select, inner: exp.Select, part: exp.Expr
) -> tuple[exp.Column, exp.Column] | None:
    """The inner and the outer column of an equality between the two queries."""
    ends = [part.this.unnest(), part.expression.unnest()] if isinstance(part, exp.EQ) else []
    for near, far in (ends, ends[::-1]) if all(isinstance(end, exp.Column) for end in ends) and ends else ():
        here, inside = subject.place(near, inner), subject.place(far, inner)
        there = subject.place(far, select) if inside is None else None
        if here and there and here.column and there.column and here.column.type == there.column.type:
            return qualified(near, here), qualified(far, there)
    return None


def _proof(subject: Subject, inner: exp.Select, taken: _Taken) -> str:
    """Why a row finds one at most. Raises _Unfit."""
    aggregates = list(own(taken.value, exp.AggFunc))
    if aggregates:
        wrapped = any(isinstance(one.parent, exp.Filter | exp.Window | exp.WithinGroup) for one in aggregates)
        if wrapped or not all(isinstance(one, _AGGREGATES) for one in aggregates):
            raise _Unfit("it has an aggregate other than plain min, max, sum, avg and count")
        inside = {id(column) for one in aggregates for column in one.find_all(exp.Column)}
        if any(id(column) not in inside for column in taken.value.find_all(exp.Column)):
            raise _Unfit("it mixes an aggregate with plain columns")
        return "GROUP BY leaves one row for each key"
    ((_, table),) = subject.sources(inner).values()
    index = unique(table, {folded(near.this) for near, _ in taken.keys}) if table is not None else ""
    if not index:
        raise _Unfit("no unique index covers the columns that are compared: one row could find several")
    if not isinstance(taken.value.unnest(), exp.Column):
        raise _Unfit("it returns no plain column, and what finds no row might not be NULL")
    return f"{index} lets a row find one at most"


def _spell_out_star(select: exp.Select) -> None:
    """`*` as the stars of its sources, which a join more does not make wider."""
    sources = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]
    whole = [exp.Column(this=exp.Star(), table=identifier(source).copy()) for source in sources]
    listed = [[one] if not isinstance(one, exp.Star) else whole for one in select.expressions]
    select.set("expressions", [one for some in listed for one in some])


def _replace(select: exp.Select, node: exp.Expr, taken: _Taken, alias: str) -> None:
    """Join the subquery's rows, and take the value from there."""
    inner, value = node.this, taken.value
    name = inner.expressions[0].alias_or_name or inner.expressions[0].key  # as the server calls the column
    parts = list(own(value, exp.AggFunc)) or [value.unnest()]
    grouped = isinstance(parts[0], exp.AggFunc)
    derived = exp.Select().from_(inner.args["from_"].this.copy())
    for at, (near, _) in enumerate(taken.keys, 1):
        derived.select(exp.alias_(near.copy(), f"key_{at}"), copy=False)
        if grouped:
            derived.group_by(near.copy(), copy=False)
    for at, part in enumerate(parts, 1):
        derived.select(exp.alias_(part.copy(), f"value_{at}"), copy=False)
        result: exp.Expr = exp.column(f"value_{at}", alias)
        if isinstance(part, exp.Count):
            result = exp.Coalesce(this=result, expressions=[exp.Literal.number(0)])
        part.replace(result)
    if taken.conditions:
        derived.where(*taken.conditions, copy=False)
    on = [
        exp.EQ(this=exp.column(f"key_{at}", alias), expression=far.copy())
        for at, (_, far) in enumerate(taken.keys, 1)
    ]
    select.join(derived.subquery(alias), on=exp.and_(*on), join_type="left", copy=False)
    simple = value.unnest() if isinstance(value.unnest(), exp.Column | exp.Func) else value
    node.replace(exp.alias_(simple, name) if node.parent is select else simple)
