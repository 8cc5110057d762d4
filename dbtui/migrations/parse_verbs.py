"""Statements that their first word tells apart: of MySQL, MariaDB and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.queries import query
from dbtui.migrations.words import Words
from dbtui.model.migration import Action, Engine

Reader = Callable[[Words, str], tuple[Action, ...]]  # of the words behind the verb, and the whole text
_LONG = 200_000  # characters: of a statement beyond this its beginning is read, the rest is data
_BEGINNING = 2_000


def by_verb(sql: str, engine: Engine, verbs: Mapping[str, Reader]) -> tuple[Action, ...]:
    """The actions of one statement. Raises NotUnderstoodError."""
    words = Words(sql if len(sql) < _LONG else sql[:_BEGINNING], engine)
    if words.done:
        return (Action("comment"),)
    verb = words.token().upper
    reader = verbs.get(verb)
    if reader is None:
        raise NotUnderstoodError(f"{verb[:40]} is not known here")
    return reader(words, sql)


def plain(op: str) -> Reader:
    """A statement of which no more than its verb counts."""
    return lambda words, sql: (Action(op),)


def select(words: Words, sql: str) -> tuple[Action, ...]:
    """A query."""
    return query(sql, words.engine, "select", None)
