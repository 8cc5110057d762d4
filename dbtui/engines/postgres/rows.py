"""One statement that a user typed, and its rows as the text that the server's output functions make.

The driver decodes binary values into Python's types, which cannot hold all of them (infinite and BC dates,
intervals with months, composites, types of extensions). So the server is asked for text: the statement
becomes a subquery whose columns are cast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import asyncpg

from dbtui.errors import NotApproved, QueryError
from dbtui.model.result import ResultColumn
from dbtui.sql.classify import QUERIES, classify
from dbtui.sql.split import Statement, split

Row = tuple[str | None, ...]
UNNAMED = ""  # a prepared statement with a name may stay behind in a pooler's connection
READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction

# int8 int2 int4 oid float4 float8 money numeric
_NUMBERS = frozenset({20, 21, 23, 26, 700, 701, 790, 1700})
# A cast to text is not what the output function prints for boolean ("true"), char(n) (blanks cut) and inet (a
# mask added): there the output function is called itself.
_OUTPUT = {16: "boolout", 1042: "bpcharout", 869: "inet_out"}


@dataclass(frozen=True, slots=True)
class TextQuery:
    """What to send, and the columns of its result; every column arrives as text."""

    sql: str
    columns: tuple[ResultColumn, ...]


def single(sql: str) -> Statement:
    """The one statement of a text. Raises QueryError for none, several, or one of psql's commands."""
    if "\0" in sql:
        raise QueryError(
            "the statement holds a NUL character", "take it out: no text of PostgreSQL can hold it"
        )
    if not _encodable(sql):
        raise QueryError("the statement holds half a character", "type that part again")
    found = split(sql)
    if not found:
        raise QueryError("there is no statement to run", "type one")
    if len(found) > 1:
        raise QueryError(f"these are {len(found)} statements", "run them one at a time")
    if found[0].command:
        raise QueryError("a backslash starts a command of psql, which no server knows", "type SQL")
    return found[0]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def as_text(raw: asyncpg.Connection, statement: Statement, timeout: float | None = None) -> TextQuery:
    """The statement made to return text, checked by the server. Raises QueryError and what asyncpg raises."""
    verdict = classify(statement.text)
    if verdict.placeholders:
        raise QueryError(
            f"the statement has placeholders (up to ${verdict.placeholders}), and no values for them",
            "write values in their place; its plan can be had as it is",
        )
    unknown_as_text(raw)
    try:
        prepared = await raw.prepare(statement.text, name=UNNAMED, timeout=timeout)
    except NotApproved as error:
        raise QueryError(error.message, error.hint, code=READ_ONLY) from None
    attributes = prepared.get_attributes()
    columns = result_columns(attributes)
    if verdict.verb not in QUERIES or not columns:  # SHOW and EXPLAIN print text by themselves
        return TextQuery(statement.text, columns)
    names = [f"c{number}" for number in range(1, len(columns) + 1)]
    texts = ", ".join(
        _text(name, attribute.type.oid) for name, attribute in zip(names, attributes, strict=True)
    )
    sql = f"SELECT {texts} FROM (\n{statement.text}\n) AS result({', '.join(names)})"  # noqa: S608
    return TextQuery(sql, columns)


def unknown_as_text(raw: asyncpg.Connection) -> None:
    """Have types that the driver does not know arrive as text.

    Its own way is to ask for the make-up of each such type in up to three round trips, and then to refuse
    composites of types that have no binary form.
    """
    raw._introspect_types = partial(_as_text, raw)


async def _as_text(
    raw: asyncpg.Connection, oids: Iterable[int], timeout: float | None
) -> tuple[list[Any], Any]:
    known = await raw.fetch(
        "SELECT t.oid::int8, format_type(t.oid, NULL) FROM pg_type t WHERE t.oid = ANY ($1::oid[])",
        list(oids),
        timeout=timeout,
    )
    names = {oid: str(name) for oid, name in known}
    settings = raw.get_settings()
    for oid in oids:
        settings.add_python_codec(oid, names.get(oid, f"type {oid}"), "", [], "scalar", str, str, "text")
    return [], SimpleNamespace(name="")  # asked as an unnamed statement: an unnamed one before it is gone


def result_columns(attributes: Iterable[asyncpg.Attribute]) -> tuple[ResultColumn, ...]:
    """The columns that a prepared statement announces."""
    return tuple(ResultColumn(a.name, a.type.name, a.type.oid in _NUMBERS) for a in attributes)


def _text(name: str, oid: int) -> str:
    function = _OUTPUT.get(oid)
    return f"pg_catalog.textin(pg_catalog.{function}({name}))" if function else f"{name}::pg_catalog.text"
