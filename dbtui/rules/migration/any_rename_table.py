"""A table is renamed or moved to another schema.

What it does
    Looks for ALTER TABLE … RENAME TO and SET SCHEMA.

Why it matters
    Programs that run during the deployment know only one of the names, and fail.

Instead
    Rename it and create a view of the old name in the same transaction; drop the view when nobody uses
    it.

When it is fine
    Nothing uses the table, or its name says that it is on its way out.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Engine
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name, with_timeout

SEVERITY = Severity.ERROR
SUBJECTS = ("rename table", "rename view", "set schema")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.fresh(action.relation) or action.new_name.startswith("_drop"):
        return
    if step.table(action.relation) is None and step.schema.index(action.relation) is not None:
        return
    old, new = sql_name(action.relation, step.engine), quoted(action.new_name, step.engine)
    view: tuple[str, ...] = ()
    if action.op == "rename table" and step.engine is Engine.POSTGRESQL:
        schema = quoted(action.relation.schema) + "." if action.relation.schema else ""
        view = with_timeout(
            f"ALTER TABLE {old} RENAME TO {new};", f"CREATE VIEW {old} AS TABLE {schema}{new};"
        )
    yield Hit(
        str(action.relation),
        f"programs that know {action.relation} fail",
        "keep the old name as a view until nobody uses it",
        view,
    )
