"""The command of an online schema change tool for an ALTER TABLE."""

from __future__ import annotations

import shlex

from dbtui.model.migration import Action
from dbtui.rules.migration.step import Step


def online(action: Action, step: Step) -> tuple[str, ...]:
    """gh-ost, or pt-online-schema-change where the table has foreign keys, with the user's own words."""
    change = ", ".join(a.text for a in step.statement.actions if a.text) or "ENGINE=InnoDB"
    table = action.relation
    known = step.table(table)
    keys = known is not None and any(c.kind == "foreign key" for c in known.constraints)
    if keys or (known is not None and step.schema.referencing(table)):
        target = f"D={shlex.quote(table.schema or '…')},t={shlex.quote(table.name)}"
        method = "--alter-foreign-keys-method=rebuild_constraints"
        return (f"-- pt-online-schema-change --alter {shlex.quote(change)} {method} {target} --execute",)
    names = f"--database={shlex.quote(table.schema or '…')} --table={shlex.quote(table.name)}"
    return (f"-- gh-ost {names} --alter={shlex.quote(change)} --execute",)
