"""A file mixes statements that need a transaction with some that refuse one.

What it does
    Looks for files with CONCURRENTLY, VACUUM or the like beside other DDL.

Why it matters
    Without a transaction, a failure in the middle leaves half of the file applied, and the tool calls
    it dirty.

Instead
    One file for each kind.

When it is fine
    The file holds its own BEGIN and COMMIT around the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.file.position == 0 and step.file.not_transactional and step.file.transactional:
        yield Hit(
            step.file.name,
            "a failure in the middle leaves half of it applied",
            "split it into one file for each kind",
        )
