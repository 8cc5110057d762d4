"""The server refuses the ALGORITHM= or LOCK= that is demanded.

What it does
    Looks for clauses below what the operation needs on this version.

Why it matters
    The statement fails with error 1845 or 1846, and what follows in the file does not run.

Instead
    Split the statement, or plan for what it really needs.

When it is fine
    It is meant to fail where it is not cheap.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.refused:
        yield Hit("", step.refused, "split the statement, or plan for what it needs")
