"""IN and NOT IN over a subquery, taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from dbtui.advice.rewrites.subject import Subject, qualified, settled, shaped


@dataclass(frozen=True, slots=True)
class Membership:
    """`left IN (inner)`. `node` is what a rewrite replaces, with its NOT; `left` holds outer columns, qualified."""

    node: exp.Expr
    left: tuple[exp.Column, ...]
    inner: exp.Select
    refusal: str = ""  # why it cannot be taken apart

    @property
    def right(self) -> tuple[exp.Expr, ...]:
        return tuple(item.unalias() for item in self.inner.expressions)

    def where(self, *conditions: exp.Expr) -> exp.Exists:
        """EXISTS over the subquery with these conditions on top of its own."""
        inner = self.inner.copy()
        for part in ("distinct", "order"):
            inner.set(part, None)
        inner.set("expressions", [exp.Literal.number(1)])
        for condition in conditions:
            inner = inner.where(condition, copy=False)
        return exp.Exists(this=inner)

    def matches(self) -> tuple[exp.Expr, ...]:
        """The equalities that make a row of the subquery one that `left` is found in."""
        pairs = zip(self.left, self.right, strict=True)
        return tuple(exp.EQ(this=one.copy(), expression=_operand(other)) for one, other in pairs)


def _operand(item: exp.Expr) -> exp.Expr:
    return item.copy() if isinstance(item, exp.Column | exp.Func) else exp.paren(item.copy())


def memberships(subject: Subject, select: exp.Select, *, negated: bool) -> Iterator[Membership]:
    """Those in WHERE, at places where NULL counts as false, so that only what makes them true matters."""
    where = select.args.get("where")
    for node in _places(where.this) if where is not None else ():
        not_ = isinstance(node, exp.Not)
        test = node.this.unnest() if not_ else node
        inner = _inner(test)
        if inner is not None and not_ is negated:
            yield _read(subject, select, node, test.this.unnest(), inner)


def _places(condition: exp.Expr) -> Iterator[exp.Expr]:
    """The operands of AND and OR, to any depth."""
    inner = condition.unnest()
    if isinstance(inner, exp.And | exp.Or):
        for part in (inner.this, inner.expression):
            yield from _places(part)
    else:
        yield inner


def _inner(test: exp.Expr) -> exp.Expr | None:
    """The query of an IN or of `= ANY`, which is the same."""
    if isinstance(test, exp.In) and test.args.get("query") is not None:
        inner: exp.Expr = test.args["query"].unnest()
        return inner
    if isinstance(test, exp.EQ) and isinstance(test.expression, exp.Any):
        query = test.expression.this.unnest()
        return query if isinstance(query, exp.Query) else None
    return None


def _read(
    subject: Subject, select: exp.Select, node: exp.Expr, left: exp.Expr, inner: exp.Expr
) -> Membership:
    columns = left.expressions if isinstance(left, exp.Tuple) else [left]
    if not isinstance(inner, exp.Select):
        return Membership(node, (), exp.Select(), "the subquery is a set operation")
    plain = inner.copy()
    distinct = plain.args.get("distinct")
    if distinct is not None and not distinct.args.get("on"):
        plain.set("distinct", None)
    if shape := shaped(plain):
        return Membership(node, (), inner, f"the subquery has {shape}")
    if not all(settled(item) for item in inner.expressions):
        return Membership(node, (), inner, "the subquery returns what a function of unknown kind makes")
    if len(columns) != len(inner.expressions) or inner.is_star:
        return Membership(node, (), inner, "what the subquery returns is not listed")
    inside = subject.sources(inner)
    found: list[exp.Column] = []
    for column in columns:
        place = subject.place(column, select) if isinstance(column, exp.Column) else None
        if place is None or not isinstance(column, exp.Column):
            return Membership(node, (), inner, f"{left.sql()} is no column of a known table")
        if place.alias in inside:
            return Membership(node, (), inner, f"both queries call a table {place.alias}: give one an alias")
        found.append(qualified(column, place))
    return Membership(node, tuple(found), inner)
