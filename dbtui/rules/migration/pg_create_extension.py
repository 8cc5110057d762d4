"""An extension is created.

What it does
    Looks for CREATE EXTENSION.

Why it matters
    It may need a superuser, files on the server, shared_preload_libraries and a restart, none of which
    a migration can bring.

Instead
    Have it installed before, and keep IF NOT EXISTS here.

When it is fine
    It is there already.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create extension",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit("", "it may need privileges, files on the server and a restart", "have it installed beforehand")
