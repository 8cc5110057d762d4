"""A longer VARCHAR crosses 255 bytes.

What it does
    Looks for a VARCHAR whose greatest length goes from at most 255 bytes to more (63 to 64 characters
    of utf8mb4).

Why it matters
    The length takes two bytes instead of one, so the table is copied.

Instead
    Stay at or below 255 bytes, or start above it.

When it is fine
    The table was made in the same file. MariaDB does it at once where the old length was below 128
    bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("change column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    crossing = step.used("extend varchar across 255") or step.used("extend varchar across 255 from 127")
    if crossing and step.effects.rewrites and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.name} needs a second length byte: all of {action.relation} is copied",
            "stay at or below 255 bytes (63 characters of utf8mb4), or use gh-ost",
        )
