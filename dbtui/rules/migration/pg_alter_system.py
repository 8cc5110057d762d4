"""ALTER SYSTEM changes the server's configuration.

What it does
    Looks for ALTER SYSTEM.

Why it matters
    It is for the whole server, not this database; it takes effect at a reload or a restart, and managed
    servers refuse it.

Instead
    ALTER DATABASE … SET or ALTER ROLE … SET, or the provider's parameter groups.

When it is fine
    The whole server is meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("alter system",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit(
        "", "it is for the whole server and waits for a reload or restart", "consider ALTER DATABASE … SET"
    )
