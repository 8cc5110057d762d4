"""The statements of a text, as SQLite tells them apart: the body of a trigger holds semicolons."""

from __future__ import annotations

import sqlite3

from dbtui.engines.sqlite.ddl import lexemes
from dbtui.sql.split import Statement


def split(text: str) -> tuple[Statement, ...]:
    """The statements in order, without empty ones and without their semicolons.

    Comments before a statement belong to it; a text of comments alone is no statement.
    """
    found: list[Statement] = []
    first, last, real = -1, 0, False
    for start, end in lexemes(text):
        piece = text[start:end]
        if piece.isspace():
            continue
        if piece == ";" and (not real or sqlite3.complete_statement(text[first:end])):
            if real:
                found.append(Statement(text[first:last], first, last))
            first, real = -1, False
            continue
        first = start if first < 0 else first
        if not piece.startswith(("--", "/*")):
            last, real = end, True
    if real:
        found.append(Statement(text[first:last], first, last))
    return tuple(found)
