"""Whether what a statement changes can be rolled back: asked before it is run only to be measured."""

from __future__ import annotations

from itertools import pairwise

from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.lex import meaningful, word
from dbtui.engines.mysql.server import names_in
from dbtui.errors import QueryError

_OWN = "'mysql', 'sys', 'information_schema', 'performance_schema'"
_LASTING = (
    "TABLE_TYPE = 'BASE TABLE' AND ENGINE IN"
    " (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS IS NULL OR TRANSACTIONS <> 'YES')"
)


async def check_rolls_back(connection: Connection, sql: str) -> None:
    """Raise QueryError where a rollback would not undo all of a statement.

    A table without transactions (MyISAM, Aria, MEMORY) that the statement names is refused. What triggers,
    functions and views write cannot be told from outside: they are refused where the server has any such table.
    """
    dialect = connection.identity.dialect
    parts = meaningful(sql, dialect)
    names = {word(sql, part) for part in parts} - {""}
    here = f"TABLE_NAME IN ({names_in(names)}) AND (TABLE_SCHEMA IN ({names_in(names)}) OR TABLE_SCHEMA = DATABASE())"
    lasting = await connection.fetch(
        f"SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE {here} AND {_LASTING} LIMIT 1"
    )
    if lasting:
        table, engine = lasting[0]
        raise QueryError(
            f"{table} is a table of {engine}, and no rollback brings its rows back", "measure it on a copy"
        )
    called = {
        word(sql, part)
        for part, following in pairwise(parts)
        if sql[following.start] == "(" and word(sql, part)
    }
    hidden = await connection.fetch(
        "SELECT CONCAT('the trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS"
        f" WHERE EVENT_OBJECT_TABLE IN ({names_in(names)})"
        " UNION ALL SELECT CONCAT('the function ', ROUTINE_NAME) FROM information_schema.ROUTINES"
        f" WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME IN ({names_in(called)})"
        " UNION ALL SELECT CONCAT('the view ', TABLE_NAME) FROM information_schema.VIEWS"
        f" WHERE TABLE_NAME IN ({names_in(names)}) AND TABLE_SCHEMA NOT IN ({_OWN}) LIMIT 1"
    )
    if not hidden:
        return
    anywhere = await connection.fetch(
        "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), ENGINE FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA NOT IN ({_OWN}) AND {_LASTING} LIMIT 1"
    )
    if anywhere:
        raise QueryError(
            f"{hidden[0][0]} may write to a table without transactions, such as {anywhere[0][0]}",
            "no rollback brings its rows back: measure it on a copy",
        )
