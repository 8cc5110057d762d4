"""A value of an enum is renamed.

What it does
    Looks for ALTER TYPE … RENAME VALUE.

Why it matters
    Programs that still send or compare the old text fail from that moment.

Instead
    Add a value, teach the programs both, move the rows in batches.

When it is fine
    No program knows the value.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("rename enum value",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit(
        str(action.relation),
        f"programs that know '{action.name}' fail",
        "add the new value, let programs accept both, then move the rows in batches",
        (
            f"ALTER TYPE {sql_name(action.relation)} ADD VALUE '{action.new_name.replace(chr(39), chr(39) * 2)}';",
        ),
    )
