"""A statement that was not understood.

What it does
    Looks for statements that no parser here reads whole: half a statement, another dialect, a DO block,
    a client's command.

Why it matters
    Nobody can say what it locks or destroys; it is never called safe.

Instead
    Give --engine if it is another dialect; otherwise try it on a copy and look at the locks.

When it is fine
    You know what it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Engine
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()

_DIALECTS = (
    (Engine.MYSQL, re.compile(r"`\w+`|\bENGINE\s*=|\bAUTO_INCREMENT\b|\b(?:MODIFY|CHANGE)\s+COLUMN\b", re.I)),
    (Engine.SQLITE, re.compile(r"\bAUTOINCREMENT\b|^PRAGMA\b|\bWITHOUT\s+ROWID\b", re.I)),
    (
        Engine.POSTGRESQL,
        re.compile(
            r"\$\$|::\w|\bCONCURRENTLY\b|\bNOT\s+VALID\b|\b(?:big)?serial\b|\bjsonb\b|\bDO\s+\$", re.I
        ),
    ),
)


def hint(sql: str, engine: Engine) -> str:
    """What to try: another dialect where the words are its own."""
    for other, mark in _DIALECTS:
        if other is not engine and mark.search(sql[:20_000]):
            return f"it looks like {other.value}: give --engine {other.value}"
    return "try it on a copy and look at the locks it takes"


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.statement.error:
        yield Hit("", f"not understood: {step.statement.error}", hint(step.statement.sql, step.engine))
