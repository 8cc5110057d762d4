"""A name that is a reserved word.

What it does
    Looks for new tables and columns whose name needs quotes because it is a reserved word.

Why it matters
    Every query must quote it, and tools that do not quote fail.

Instead
    Another name.

When it is fine
    It is there already, elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create table", "add column")

_WORDS = frozenset(
    [
        "all",
        "and",
        "any",
        "as",
        "asc",
        "between",
        "by",
        "case",
        "check",
        "column",
        "constraint",
        "create",
        "cross",
        "default",
        "delete",
        "desc",
        "distinct",
        "drop",
        "else",
        "end",
        "except",
        "exists",
        "false",
        "for",
        "foreign",
        "from",
        "grant",
        "group",
        "having",
        "in",
        "index",
        "inner",
        "insert",
        "intersect",
        "into",
        "is",
        "join",
        "key",
        "left",
        "like",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "or",
        "order",
        "outer",
        "primary",
        "references",
        "right",
        "select",
        "session_user",
        "set",
        "some",
        "table",
        "then",
        "to",
        "true",
        "union",
        "unique",
        "update",
        "user",
        "using",
        "values",
        "when",
        "where",
        "with",
    ]
)


def check(step: Step, action: Action) -> Iterator[Hit]:
    names = [column.name for column in (action.column, *action.columns) if column is not None]
    if action.op == "create table":
        names.append(action.relation.name)
    for name in names:
        if name.lower() in _WORDS:
            yield Hit(str(action.relation), f"{name} is a reserved word", "choose another name")
