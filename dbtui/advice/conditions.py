"""What kind of index a condition asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from dbtui.advice.access import Gathering, Special, Term

PLACEHOLDER = "dbtui_placeholder"  # $1 is read as a call of it
Owner = Callable[[exp.Column], "tuple[Gathering, str] | None"]
Placed = tuple[Gathering, str, Term | Special]

_RANGES = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_CONTAINS = (
    exp.ArrayContainsAll,
    exp.ArrayContainedBy,
    exp.ArrayOverlaps,
    exp.JSONBContains,
    exp.JSONBContainsTopKey,
    exp.JSONBContainsAnyTopKeys,
    exp.JSONBContainsAllTopKeys,
    exp.MatchAgainst,
)
_UNSTABLE = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Rand)


def place(condition: exp.Expr, owner: Owner) -> Iterator[Placed]:
    """The table, "equal", "ranges" or "special", and the term that a conjunct is; nothing where no index serves."""
    condition = condition.unnest()
    if isinstance(condition, exp.EQ | exp.NullSafeEQ):
        yield from _comparison(condition, owner, "equal")
    elif isinstance(condition, _RANGES):
        yield from _comparison(condition, owner, "ranges")
    elif isinstance(condition, exp.Between):
        yield from _subject(condition.this, owner, "ranges", None)
    elif isinstance(condition, exp.In):
        yield from _membership(condition, owner)
    elif isinstance(condition, exp.Is) and isinstance(condition.expression, exp.Null | exp.Boolean):
        yield from _subject(condition.this, owner, "equal", condition.expression.sql())
    elif isinstance(condition, exp.Column):
        yield from _subject(condition, owner, "equal", "TRUE")
    elif isinstance(condition, exp.Not):
        yield from _negation(condition.this.unnest(), owner)
    elif isinstance(condition, exp.Like | exp.ILike):
        yield from _pattern(condition, owner)
    elif isinstance(condition, _CONTAINS):
        yield from _contained(condition, owner)


def constant(expression: exp.Expr | None, owner: Owner) -> bool:
    """Whether an expression is the same for every row of the tables that are read here."""
    return expression is not None and all(owner(column) is None for column in expression.find_all(exp.Column))


def _comparison(condition: exp.Binary, owner: Owner, kind: str) -> Iterator[Placed]:
    for subject, other in ((condition.this, condition.expression), (condition.expression, condition.this)):
        if constant(other, owner):
            if isinstance(other, exp.Any) and not isinstance(other.this.unnest(), exp.Query):
                yield from _subject(subject, owner, kind, None, many=True)
            else:
                yield from _subject(subject, owner, kind, _literal(other) if kind == "equal" else None)
            return


def _membership(condition: exp.In, owner: Owner) -> Iterator[Placed]:
    if condition.args.get("query") is not None:
        found = list(_subject(condition.this, owner, "equal", None))
        for gathering, _, term in found:  # a semi-join: its order is the other side's
            if isinstance(term, Term) and term.column:
                gathering.joins.setdefault(f"in {id(condition)}", []).append(term.key)
    elif all(constant(item, owner) for item in condition.expressions):
        many = len(condition.expressions) > 1
        value = None if many else _literal(condition.expressions[0])
        yield from _subject(condition.this, owner, "equal", value, many=many)


def _negation(inner: exp.Expr, owner: Owner) -> Iterator[Placed]:
    if isinstance(inner, exp.Column):
        yield from _subject(inner, owner, "equal", "FALSE")


def _pattern(condition: exp.Binary, owner: Owner) -> Iterator[Placed]:
    pattern = condition.expression
    text = str(pattern.this) if isinstance(pattern, exp.Literal) else None
    if text is not None and isinstance(condition, exp.Like) and text[:1] not in ("%", "_", ""):
        for gathering, kind, term in _subject(condition.this, owner, "ranges", None):
            if isinstance(term, Term):
                yield gathering, kind, Term(term.key, None, text=True, column=term.column)
    elif text is None or len(text.strip("%_")) >= 3:  # what a trigram index needs to know of it
        for gathering, _, term in _subject(condition.this, owner, "ranges", None):
            if isinstance(term, Term):
                yield gathering, "special", Special(term.key, "gin", "gin_trgm_ops")


def _contained(condition: exp.Expr, owner: Owner) -> Iterator[Placed]:
    subject = condition.this.unnest()
    if isinstance(subject, exp.Column) and (found := owner(subject)) is not None:
        yield found[0], "special", Special(found[1], "gin")


def _subject(
    expression: exp.Expr, owner: Owner, kind: str, value: str | None, *, many: bool = False
) -> Iterator[Placed]:
    """A column, or an expression of columns of one table that every row gives the same answer for."""
    expression = expression.unnest()
    if isinstance(expression, exp.Column):
        if (found := owner(expression)) is not None:
            yield found[0], kind, Term(found[1], value, many)
        return
    columns = list(expression.find_all(exp.Column))
    owners = [owner(column) for column in columns]
    if not columns or any(found is None or found[0] is not owners[0][0] for found in owners if owners[0]):
        return
    if owners[0] is None or expression.find(*_UNSTABLE, exp.Query, exp.AggFunc, exp.Window):
        return
    if any(call.name.lower() == PLACEHOLDER for call in expression.find_all(exp.Anonymous)):
        return  # date_trunc($1, at): no index is on a value that each call chooses
    bare = expression.copy()
    for column in list(bare.find_all(exp.Column)):
        column.set("table", None)
        column.set("db", None)
    yield owners[0][0], kind, Term(bare.sql("postgres"), value, many, column=False)


def _literal(expression: exp.Expr) -> str | None:
    if isinstance(expression, exp.Cast):
        return _literal(expression.this)
    if isinstance(expression, exp.Literal | exp.Boolean):
        return expression.sql("postgres")
    return None
