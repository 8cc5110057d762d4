"""A script as statements of one engine. Whatever a parser cannot read stays a statement, with its error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.parse_script import Chunk, split_script
from dbtui.model.migration import Action, Engine, Statement

_IGNORE = re.compile(r"dbtui:\s*ignore\b([\w \t,*-]*)", re.I)
# psql commands that change nothing a linter must know; others may bring in SQL that is not here.
_HARMLESS = re.compile(
    r"\\(?:echo|qecho|warn|timing|pset|set|unset|x|a|t|prompt|restrict|unrestrict|c|connect|encoding|conninfo|q|"
    r"d\w*\+?|!|password|errverbose|r|\.)(?=\s|$)|^\."
)


def parse(text: str, engine: Engine, file: str = "") -> Iterator[Statement]:
    """The statements of a script in order, each with the actions that were understood."""
    understand = _reader(engine)
    for chunk in split_script(text, engine):
        if chunk.kind == "command" and _HARMLESS.match(chunk.sql):
            continue
        yield _statement(chunk, understand, file)


def _statement(chunk: Chunk, understand: Callable[[str], tuple[Action, ...]], file: str) -> Statement:
    ignored = (
        _ignored(chunk.comments) | _ignored(chunk.sql)
        if "dbtui" in chunk.comments + chunk.sql
        else frozenset()
    )
    sql = chunk.sql.rstrip()
    if chunk.kind == "command":
        return Statement(
            sql, file, chunk.line, error="a command of the client, not of the server", ignored=ignored
        )
    if chunk.kind == "open":
        why = "half a statement: a quote, comment or bracket is not closed, or a client's command is inside"
        return Statement(sql, file, chunk.line, error=why, ignored=ignored)
    try:
        return Statement(sql, file, chunk.line, understand(sql), ignored=ignored)
    except NotUnderstoodError as error:
        return Statement(sql, file, chunk.line, error=str(error), ignored=ignored)


def _ignored(text: str) -> frozenset[str]:
    found: set[str] = set()
    for match in _IGNORE.finditer(text):
        found.update(match.group(1).replace(",", " ").split() or ["*"])
    return frozenset(found)


def _reader(engine: Engine) -> Callable[[str], tuple[Action, ...]]:
    """The parser of an engine, imported on first use."""
    if engine is Engine.POSTGRESQL:
        from dbtui.migrations.parse_postgresql import understand as postgresql

        return postgresql
    if engine is Engine.SQLITE:
        from dbtui.migrations.parse_sqlite import understand as sqlite

        return sqlite
    from dbtui.migrations.parse_mysql import understand as mysql

    return lambda sql: mysql(sql, engine)
