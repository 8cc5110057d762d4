"""A name is longer than 63 bytes.

What it does
    Looks for new tables, columns, constraints and indexes with longer names.

Why it matters
    PostgreSQL cuts the name silently; two names may become the same, and migrations that look for the
    whole name fail.

Instead
    A shorter name.

When it is fine
    Never.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()

_NAME = re.compile(r'"[^"]{62,}"|\b[^\W\d]\w{61,}')


def check(step: Step, _: None) -> Iterator[Hit]:
    names: dict[str, None] = {}
    for token in _NAME.findall(step.statement.sql) if len(step.statement.sql) < 50_000 else ():
        if len(token.strip('"').encode()) > 63:
            names[token] = None
    for name in names:
        yield Hit(name, f"{name} is cut to 63 bytes", "shorten it")
