"""Queries of MySQL, MariaDB and SQLite: sqlglot says whether they are whole, and which tables they touch."""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType

from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.tokens import tokens
from dbtui.model.migration import Action, Engine, Relation

_TOO_LONG = 20_000  # characters; beyond it a query is data, and only its verb is read
_REPLACE = re.compile(r"^REPLACE\b", re.I)  # the parser of queries takes it for a function
_BOUND = re.compile(r"\b(?:WHERE|LIMIT)\b", re.I)
_DIALECTS = {Engine.MYSQL: "mysql", Engine.MARIADB: "mysql", Engine.SQLITE: "sqlite"}


@cache
def _sqlglot() -> ModuleType:
    """sqlglot, imported when the first query comes: it takes a tenth of a second. It logs what it gives up on."""
    import logging

    import sqlglot

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    return sqlglot


def query(sql: str, engine: Engine, verb: str, target: Relation | None) -> tuple[Action, ...]:
    """A SELECT, INSERT, UPDATE, DELETE or CREATE VIEW as an action. Raises NotUnderstoodError."""
    options = {"where": "yes"} if has_where(sql, engine) else {}
    if len(sql) > _TOO_LONG:
        return (Action(verb, target or Relation(""), options=options),)
    glot = _sqlglot()
    try:
        found = glot.parse(_REPLACE.sub("INSERT", sql), read=_DIALECTS[engine])
    except (glot.errors.SqlglotError, RecursionError) as error:
        why = re.sub(r"\x1b\[\d*m|<class '[^']*'>|\. Line.*", "", str(error), flags=re.S)
        raise NotUnderstoodError(" ".join(why.split())[:200]) from None
    if len(found) != 1 or found[0] is None or isinstance(found[0], glot.exp.Command):
        raise NotUnderstoodError("the query was not parsed whole")
    tree = found[0]
    if isinstance(tree, glot.exp.Update) and not tree.args.get("expressions"):
        raise NotUnderstoodError("an UPDATE that sets nothing")
    own = {cte.alias for cte in tree.find_all(glot.exp.CTE)}
    tables = dict.fromkeys(
        Relation(table.name, table.db) for table in tree.find_all(glot.exp.Table) if table.name not in own
    )
    if target is None:
        return (Action(verb, others=tuple(tables), options=options),)
    return (Action(verb, target, others=tuple(t for t in tables if t != target), options=options),)


def has_where(sql: str, engine: Engine) -> bool:
    """Whether a statement has a WHERE or LIMIT outside brackets."""
    if not _BOUND.search(sql):
        return False
    depth = 0
    for token in tokens(sql, engine):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth and token.upper in ("WHERE", "LIMIT"):
            return True
    return False
