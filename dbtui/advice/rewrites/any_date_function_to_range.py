"""A function of a date column as a range of the column.

`date(at) = '2025-01-31'` (or `at::date = …`, `date_trunc('month', at) = …`, `extract(year FROM at) = 2025`) becomes
`at >= '2025-01-31' AND at < '2025-02-01'`.

Why: an index on the column serves the range, and not the function; the range's rows can be estimated, and
partitions be pruned by it.
Conditions: the column's type is a timestamp or datetime; the other side is a literal date or, for `date()`, a
placeholder or CURRENT_DATE; a truncated column is compared with a beginning of that unit. For a timestamp with time
zone both texts go by the session's time zone, and agree but where a clock is set back across midnight: then the
first hour of that day comes twice, and the range begins with its second turn.
NULLs: for a NULL in the column or as the value both texts are NULL, so that it may stand anywhere, below NOT too.
Source: https://www.postgresql.org/docs/current/functions-datetime.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from sqlglot import exp

from dbtui.advice.conditions import PLACEHOLDER
from dbtui.advice.rewrites.subject import Offer, Refused, Subject
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T]00:00(?::00)?)?")
_FLIPPED: dict[type[exp.Binary], type[exp.Binary]] = {
    exp.LT: exp.GT,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
}
_Ends = tuple[exp.Expr, exp.Expr]  # the first moment, and the first after it


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """One offer for all comparisons in WHERE that can be ranges, and the reason for each that cannot."""
    select = subject.select.copy()
    where = select.args.get("where")
    zoned = changed = False
    for node in (
        list(where.find_all(*_FLIPPED)) if where is not None and subject.facts.dialect != "sqlite" else ()
    ):
        for kind, call, other in ((type(node), node.this, node.expression),
                                  (_FLIPPED[type(node)], node.expression, node.this)):  # fmt: skip
            unit, column = _call(call.unnest())
            place = (
                subject.place(column, select) if column is not None and node.parent_select is select else None
            )
            if column is None or place is None or place.column is None:
                continue
            if not place.column.type.startswith(("timestamp", "datetime")):
                yield Refused(f"{column.sql()} is of type {place.column.type}, no timestamp")
                continue
            ends = _ends(unit, other.unnest(), subject.facts.dialect)
            if ends is None:
                yield Refused(f"{other.sql()} is no {unit.lower()} that can be told beforehand")
                continue
            zoned |= "with time zone" in place.column.type
            changed = True
            node.replace(_range(kind, column, ends))
            break
    if changed:
        warnings = ["the session's time zone sets its clock back across no midnight"] if zoned else []
        if len(list(select.find_all(exp.Placeholder))) > len(list(subject.select.find_all(exp.Placeholder))):
            warnings.append("the value of a ? that stands there twice is given twice")
        yield Offer(select, (), tuple(warnings))


def _call(node: exp.Expr) -> tuple[str, exp.Column | None]:
    """The unit that a function cuts a column to, and the column; None for anything else."""
    unit, inner = "", node.this
    is_date = isinstance(node, exp.Date | exp.TsOrDsToDate) and not node.expressions
    if is_date or (isinstance(node, exp.Cast) and node.to.this is exp.DType.DATE):
        unit = "DAY"
    elif isinstance(node, exp.TimestampTrunc | exp.DateTrunc) and not node.args.get("zone"):
        unit = "TRUNCATED " + node.text("unit").upper()
    elif isinstance(node, exp.Year):
        unit = "YEAR"
        inner = inner.this if isinstance(inner, exp.TsOrDsToDate) else inner
    elif isinstance(node, exp.Extract) and node.name.upper() == "YEAR":
        unit, inner = "YEAR", node.expression
    return unit, inner if unit and isinstance(inner, exp.Column) else None


def _ends(unit: str, value: exp.Expr, dialect: str) -> _Ends | None:
    """Where the day, month or year that is compared with begins and ends; None where nobody can tell."""
    if unit == "YEAR":
        if isinstance(value, exp.Literal) and value.is_int and 1000 <= int(value.this) < 9999:
            return exp.Literal.string(f"{value.this}-01-01"), exp.Literal.string(
                f"{int(value.this) + 1}-01-01"
            )
        return None
    if isinstance(value, exp.Cast) and unit == "DAY" and value.to.this is exp.DType.DATE:
        value = value.this
    if isinstance(value, exp.Literal) and value.is_string and (found := _DATE.fullmatch(value.name)):
        return _literal_ends(unit.removeprefix("TRUNCATED "), found[1])
    known = isinstance(value, exp.CurrentDate | exp.Placeholder) or value.name.lower() == PLACEHOLDER
    if unit != "DAY" or not known:
        return None
    first = value.copy() if isinstance(value, exp.CurrentDate) else exp.cast(value.copy(), "date")
    one = exp.Literal.number(1)
    if dialect == "postgres":
        return first, exp.Add(this=first.copy(), expression=one)
    return first, exp.Add(this=first.copy(), expression=exp.Interval(this=one, unit=exp.var("DAY")))


def _literal_ends(unit: str, text: str) -> _Ends | None:
    try:
        first = date.fromisoformat(text)
    except ValueError:
        return None
    begins = {"DAY": first, "MONTH": first.replace(day=1), "YEAR": first.replace(month=1, day=1)}
    if begins.get(unit) != first or first.year >= 9999:
        return None
    days = {"DAY": 1, "MONTH": 31, "YEAR": 366}[unit]
    after = first + timedelta(days)
    after = {"DAY": after, "MONTH": after.replace(day=1), "YEAR": after.replace(month=1, day=1)}[unit]
    return exp.Literal.string(first.isoformat()), exp.Literal.string(after.isoformat())


def _range(kind: type[exp.Binary], column: exp.Column, ends: _Ends) -> exp.Expr:
    """The comparison of the unit as one of the column with the unit's ends."""
    first, after = ends
    if kind is exp.EQ:
        low = exp.GTE(this=column.copy(), expression=first)
        return exp.paren(exp.And(this=low, expression=exp.LT(this=column.copy(), expression=after)))
    compare, end = {
        exp.LT: (exp.LT, first),
        exp.GTE: (exp.GTE, first),
        exp.LTE: (exp.LT, after),
        exp.GT: (exp.GTE, after),
    }[kind]
    return compare(this=column.copy(), expression=end)
