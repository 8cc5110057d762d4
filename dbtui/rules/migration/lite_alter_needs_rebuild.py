"""SQLite has no ALTER for this.

What it does
    Looks for changes of type or default, for UNIQUE, PRIMARY KEY and FOREIGN KEY, and before 3.53 for
    NOT NULL and CHECK.

Why it matters
    The statement is a syntax error.

Instead
    The twelve steps: foreign_keys off, a transaction, a new table, INSERT … SELECT, DROP, RENAME,
    indexes, triggers and views again, foreign_key_check, COMMIT, foreign_keys on.

When it is fine
    From 3.53 on: ALTER COLUMN … SET NOT NULL, DROP NOT NULL, ADD and DROP CONSTRAINT … CHECK.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.rebuild import rebuild
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = (
    "set type",
    "set default",
    "drop default",
    "add constraint",
    "drop constraint",
    "set not null",
    "drop not null",
)


def check(step: Step, action: Action) -> Iterator[Hit]:
    made = action.constraint
    native = action.op in ("set not null", "drop not null", "drop constraint") or (
        action.op == "add constraint" and made is not None and made.kind == "check"
    )
    if native and step.version >= (3, 53):
        return
    yield Hit(
        str(action.relation),
        f"SQLite {'.'.join(map(str, step.version))} cannot {action.op}",
        "rebuild the table",
        rebuild(action.relation),
    )
