"""What running a statement would do beyond its result, by the names in it and what the catalog says of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.lex import Dialect, first_word, literal, meaningful, word
from dbtui.engines.mysql.read_only import acts
from dbtui.engines.mysql.server import names_in

_EVENTS = {"insert": ["INSERT"], "replace": ["INSERT", "DELETE"], "update": ["UPDATE"], "delete": ["DELETE"]}
_VIEWS = """
SELECT VIEW_DEFINITION FROM information_schema.VIEWS
 WHERE TABLE_NAME IN ({names}) AND TABLE_SCHEMA NOT IN ('sys', 'information_schema')
"""
_EFFECTS = """
SELECT CONCAT('the function ', ROUTINE_SCHEMA, '.', ROUTINE_NAME, '() ',
              IF(SQL_DATA_ACCESS = 'MODIFIES SQL DATA', 'writes', 'is not deterministic'))
  FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME IN ({called})
   AND (IS_DETERMINISTIC = 'NO' OR SQL_DATA_ACCESS = 'MODIFIES SQL DATA') AND ROUTINE_SCHEMA <> 'sys'
UNION ALL
SELECT CONCAT('the trigger ', TRIGGER_NAME, ' of ', EVENT_OBJECT_TABLE, ' fires')
  FROM information_schema.TRIGGERS
 WHERE EVENT_OBJECT_SCHEMA IN ({places}) AND EVENT_OBJECT_TABLE IN ({names}) AND EVENT_MANIPULATION IN ({events})
UNION ALL
SELECT CONCAT('the foreign key ', CONSTRAINT_NAME, ' of ', TABLE_NAME, ' cascades')
  FROM information_schema.REFERENTIAL_CONSTRAINTS
 WHERE UNIQUE_CONSTRAINT_SCHEMA IN ({places}) AND REFERENCED_TABLE_NAME IN ({names})
   AND ('DELETE' IN ({events}) AND DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
        OR 'UPDATE' IN ({events}) AND UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
UNION ALL
SELECT CONCAT('AUTO_INCREMENT of ', TABLE_NAME, ' moves on, and is not rolled back')
  FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA IN ({places}) AND TABLE_NAME IN ({names}) AND EXTRA LIKE '%auto_increment%'
   AND 'INSERT' IN ({events})
"""


async def side_effects(connection: Connection, sql: str) -> tuple[str, ...]:
    """A phrase each: functions, triggers, cascades, counters. What a function does inside is not looked into.

    A table that a change only reads counts as one that it may change. Raises QueryError, QueryTimeout, SessionLost.
    """
    dialect = connection.identity.dialect
    names = {word(sql, part) for part in meaningful(sql, dialect)} - {""}
    called = set(_called(sql, dialect))
    for (definition,) in await connection.fetch(_VIEWS.format(names=names_in(names))):
        called |= set(_called(definition, dialect))
    events = _EVENTS.get(first_word(sql, dialect), [])
    if "duplicate" in names:  # ON DUPLICATE KEY UPDATE
        events = [*events, "UPDATE"]
    rows = await connection.fetch(
        _EFFECTS.format(
            called=names_in(called),
            names=names_in(names),
            places=f"{names_in(names)}, {literal(connection.database)}",
            events=names_in(events or [""]),
        )
    )
    beyond = [f"the function {name}() acts beyond the transaction" for name in sorted(called) if acts(name)]
    return (*beyond, *sorted({row[0] for row in rows}))


def _called(sql: str, dialect: Dialect) -> Iterator[str]:
    """Names that an opening parenthesis follows."""
    for part, following in pairwise(meaningful(sql, dialect)):
        if sql[following.start] == "(" and word(sql, part):
            yield word(sql, part)
