"""A migration without its way back.

What it does
    Looks for files of tools that have a down section or file, without one.

Why it matters
    When the deployment fails, nobody has written or tried the way back.

Instead
    Write the down section; where there is no way back, say so in it.

When it is fine
    The team only ever goes forward.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.file.position == 0 and step.file.has_down is False:
        yield Hit(
            step.file.name,
            f"this {step.file.style} migration has no way back",
            "write the down section or file",
        )
