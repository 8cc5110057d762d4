"""A domain gets a constraint, or has one validated, and every table that uses it is read.

What it does
    Looks for ALTER DOMAIN … ADD CONSTRAINT without NOT VALID, SET NOT NULL and VALIDATE CONSTRAINT.

Why it matters
    Each using table is locked against writes and read whole, all in one statement. VALIDATE CONSTRAINT
    of a domain, unlike that of a table, takes the same lock.

Instead
    ADD CONSTRAINT … NOT VALID locks no table and holds for all new values. Validate it when nobody
    writes, or give each table a CHECK of its own instead: that can be validated beside writers.

When it is fine
    No table uses the domain yet.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step
from dbtui.rules.migration.transaction import relation_of

SEVERITY = Severity.ERROR
SUBJECTS = ("domain add constraint", "domain set not null", "domain validate constraint")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.constraint is not None and not action.constraint.valid:
        return
    using = [lock.relation for lock in step.effects.locks if not step.fresh(relation_of(lock.relation))]
    if not using and step.schema.key(action.relation) in step.schema.domains:
        return
    adds = action.op == "domain add constraint"
    yield Hit(
        str(action.relation),
        f"{', '.join(using) or 'every table that uses it'} takes no writes while all of it is read",
        "add it as NOT VALID: it holds for new values at once; validate it when nobody writes"
        if adds
        else "do it when nobody writes, or use a CHECK on each table instead",
        (step.statement.sql.rstrip(";") + " NOT VALID;",) if adds else (),
    )
