"""A domain gets a constraint, and every table that uses it is read.

What it does
    Looks for ALTER DOMAIN … ADD CONSTRAINT without NOT VALID, and SET NOT NULL.

Why it matters
    Each using table is locked against writes and read whole, all in one statement.

Instead
    ADD CONSTRAINT … NOT VALID (no lock on any table), then VALIDATE CONSTRAINT.

When it is fine
    No table uses the domain yet.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("domain add constraint", "domain set not null")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.constraint is not None and not action.constraint.valid:
        return
    name = sql_name(action.relation)
    using = ", ".join(lock.relation for lock in step.effects.locks) or "every table that uses it"
    safe = (step.statement.sql.rstrip(";") + " NOT VALID;",) if action.op == "domain add constraint" else ()
    made = action.constraint
    validate = (
        (f"ALTER DOMAIN {name} VALIDATE CONSTRAINT {quoted(made.name)};",) if made and made.name else ()
    )
    yield Hit(
        str(action.relation),
        f"{using} takes no writes while all of it is read",
        "add it as NOT VALID, then validate it",
        (*safe, *validate),
    )
