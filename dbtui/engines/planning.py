"""What all explainers ask before they ask the server: has it a plan, and may it be run for one."""

from __future__ import annotations

from collections.abc import Container

from dbtui.errors import NotApproved, QueryError
from dbtui.safety import Approval, scope_of

OWN_OPTIONS = "the options of the EXPLAIN in the text were not used"


def check_has_plan(verb: str, with_plans: Container[str]) -> None:
    """Raise QueryError for a statement of a kind that has no plan; `verb` is its first word in lower case."""
    if verb not in with_plans:
        what = verb.upper() or "this"
        raise QueryError(f"{what} has no plan", "only queries and statements that change rows have one")


def check_may_run(approval: Approval | None, connection: str, sql: str, effect: str) -> None:
    """Raise NotApproved unless `sql`, which does not only read, was approved; `effect` says what it would do."""
    if approval is None:
        raise NotApproved(f"ANALYZE would run it, and {effect}", "approve it, or explain without")
    approval.check(connection, scope_of(sql))
