"""Triggers take a large part of the time.

What it does
    Looks for triggers with more than 10 % of the execution time. Those of a foreign key often read
    the whole child table for each row.

Why it matters
    A foreign key has no index on the side of the child unless somebody makes one.

Instead
    Index the referencing columns; for triggers of your own, do the work for all rows at once (FOR
    EACH STATEMENT with a transition table).

When it is fine
    The referenced table is never deleted from in daily work.

See
    https://www.postgresql.org/docs/current/ddl-constraints.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.documents import as_number
from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count, milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
WHOLE = True


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    for trigger in tree.plan.triggers:
        took = as_number(trigger.get("Time"))
        share = tree.share(took)
        if not tree.reaches("ms of a trigger", took, 1) or not tree.reaches("its share", share, 0.1):
            continue
        constraint = str(trigger.get("Constraint Name") or "")
        called = constraint or str(trigger.get("Trigger Name") or "a trigger")
        calls = as_number(trigger.get("Calls"))
        yield Hit(
            f"{called} takes {milliseconds(took)}, {share * 100:.0f} % of the time, in {count(calls)} calls",
            "index the referencing columns of the foreign key"
            if constraint
            else "do the work once a statement",
            {"trigger_ms": took, "share": share, "calls": calls},
            object=str(trigger.get("Relation") or called),
        )
