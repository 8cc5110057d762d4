"""IN over a subquery as EXISTS.

`x IN (SELECT y FROM b WHERE c)` becomes `EXISTS (SELECT 1 FROM b WHERE c AND x = b.y)`.

Why: planners that run the subquery of an IN for itself (or once for each row) stop at the first match of an EXISTS,
and can use an index on b.y. PostgreSQL plans both as the same semi-join: there the two costs are alike, and say so.
Conditions: the test stands in WHERE, below AND and OR only; the subquery has no GROUP BY, aggregate, LIMIT or set
operation, since the new condition would reach it too early; the two queries call no table by the same name.
NULLs: where IN is NULL (x is NULL, or y is NULL in a row and no other matches), EXISTS is false. WHERE drops the
row for either, so that the result is the same; below NOT, or in the SELECT list, it would not be.
Source: https://www.postgresql.org/docs/current/functions-subquery.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.advice.rewrites.memberships import memberships
from dbtui.advice.rewrites.subject import Offer, Refused, Subject
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """One offer for all that can be, and the reason for each that cannot."""
    select = subject.select.copy()
    changed = False
    for found in list(memberships(subject, select, negated=False)):
        if found.refusal:
            yield Refused(found.refusal)
            continue
        found.node.replace(found.where(*found.matches()))
        changed = True
    if changed:
        yield Offer(select, ("it stands where NULL counts as false",))
