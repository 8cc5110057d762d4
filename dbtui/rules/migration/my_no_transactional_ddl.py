"""A file with several DDL statements is not all or nothing.

What it does
    Looks for files with more than one DDL statement.

Why it matters
    Each commits by itself, what was before it too; after a failure in the middle half of the file is
    applied.

Instead
    One DDL statement to a file.

When it is fine
    The file makes new tables only, each IF NOT EXISTS.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.file.position == 0 and step.file.transactional > 1:
        yield Hit(
            step.file.name,
            f"its {step.file.transactional} statements commit one by one",
            "one statement to a file",
        )
