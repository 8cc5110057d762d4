"""NOT IN over a subquery as NOT EXISTS.

`x NOT IN (SELECT y FROM b WHERE c)` becomes `NOT EXISTS (SELECT 1 FROM b WHERE c AND x = b.y)`.

Why: PostgreSQL cannot make an anti-join of NOT IN, because of its NULLs. It hashes the subquery where that fits in
memory, and else reads it again for each row; NOT EXISTS is an anti-join.
Conditions: the catalog promises that y is never NULL, and no outer join adds one, or the subquery itself says
`y IS NOT NULL`; else as for any-in-to-exists.
NULLs: one NULL among the y makes NOT IN return nothing at all, and NOT EXISTS ignores it: hence the condition. A
NULL x passes NOT IN only where the subquery is empty, and passes NOT EXISTS always: where x may be NULL, the text
says `x IS NOT NULL OR NOT EXISTS (SELECT 1 FROM b WHERE c)` too, which keeps exactly that. Comparisons of rows with
NULLs in some columns are neither: there all columns must be NOT NULL.
Source: https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-NOTIN
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from dbtui.advice.rewrites.memberships import Membership, memberships
from dbtui.advice.rewrites.subject import Offer, Refused, Subject
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """One offer for all that can be, and the reason for each that cannot."""
    select = subject.select.copy()
    proven: list[str] = []
    for found in list(memberships(subject, select, negated=True)):
        reason = found.refusal or _refusal(subject, select, found)
        if reason:
            yield Refused(reason)
            continue
        proven += [f"{column.sql()} is NOT NULL" for column in found.right]
        found.node.replace(_rewritten(subject, select, found))
    if proven:
        yield Offer(select, tuple(dict.fromkeys(proven)))


def _refusal(subject: Subject, select: exp.Select, found: Membership) -> str:
    for column in found.right:
        if not subject.never_null(column, found.inner):
            return f"{column.sql()} may be NULL, and then NOT IN returns nothing: NOT NULL would allow it"
    if len(found.left) > 1 and not all(subject.never_null(column, select) for column in found.left):
        return "rows are compared, and a column of the left one may be NULL"
    return ""


def _rewritten(subject: Subject, select: exp.Select, found: Membership) -> exp.Expr:
    none = exp.Not(this=found.where(*found.matches()))
    if all(subject.never_null(column, select) for column in found.left):
        return none
    empty = exp.Not(this=found.where())
    known = exp.Not(this=exp.Is(this=found.left[0].copy(), expression=exp.Null()))
    return exp.paren(exp.and_(exp.paren(exp.Or(this=known, expression=empty)), none))
