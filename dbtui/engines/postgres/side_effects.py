"""What running a statement would do beyond its result, by its words and those of its plan.

The plan shows what views hold. What a function does inside is not looked into.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise

from dbtui.engines.postgres.connection import Connection
from dbtui.engines.postgres.queries import load
from dbtui.sql.lex import Lexeme, meaningful, word
from dbtui.sql.quoting import identifier

_CALLED = re.compile(r'(?:"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]{0,62}))\(')
_VERBS = {"Insert": "I", "Update": "U", "Delete": "D", "Merge": "U"}


async def side_effects(connection: Connection, sql: str, plan: str) -> tuple[str, ...]:
    """A phrase each: volatile functions, triggers, rules, cascades, sequences. `plan` is JSON, with VERBOSE.

    Raises QueryError, QueryTimeout, SessionLost.
    """
    paths, verbs = _written(plan)
    names = sorted(_called(sql) | {found[0] or found[1].lower() for found in _CALLED.findall(plan)})
    rows = await connection.fetch(load("side_effects"), names, paths, verbs, timeout=10.0)
    return tuple(str(row[0]) for row in rows)


def _called(sql: str) -> set[str]:
    """Names in a statement that an opening parenthesis follows."""
    parts = tuple(meaningful(sql))
    return {
        word(sql, token)
        for token, following in pairwise(parts)
        if token.kind in (Lexeme.WORD, Lexeme.QUOTED) and sql[following.start] == "("
    }


def _written(plan: str) -> tuple[list[str], list[str]]:
    """The tables that the nodes of a plan in JSON change, as SQL names, and how."""
    try:
        waiting = list(json.loads(plan))
    except (ValueError, TypeError):
        return [], []
    found: list[tuple[str, str]] = []
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        waiting += [node.get("Plan"), *node.get("Plans", ())]
        verb = _VERBS.get(str(node.get("Operation")))
        if node.get("Node Type") == "ModifyTable" and verb is not None and node.get("Relation Name"):
            schema = f"{identifier(node['Schema'])}." if node.get("Schema") else ""
            found.append((schema + identifier(str(node["Relation Name"])), verb))
            if node["Operation"] == "Merge":
                found += [(found[-1][0], "I"), (found[-1][0], "D")]
    return [path for path, _ in found], [verb for _, verb in found]
