"""What a read-only transaction of PostgreSQL would let through, refused before it is sent.

In a transaction that was begun READ ONLY and has run one SELECT, the server refuses INSERT, UPDATE, DELETE,
MERGE, TRUNCATE, DDL, nextval, setval, row locks and the way back to READ WRITE. It lets through, as seen on
15 and 18: signals to other sessions, session-wide advisory locks, LOCK TABLE, COPY to a file or a program,
ANALYZE, CLUSTER, REINDEX, CHECKPOINT, LOAD, writing the server's files, other servers through dblink, resets
of statistics, and COMMIT itself. So only queries, SHOW and EXPLAIN are sent, and none that names a function
known to act.

What no look at a text can see: functions of users and extensions that act inside (in C, in an untrusted
language, or by building the text that they execute), and foreign tables whose server writes when it is read.
Only a role without those rights stops them.
"""

from __future__ import annotations

from itertools import pairwise

from dbtui.errors import NotApproved
from dbtui.sql.classify import QUERIES, classify, explained
from dbtui.sql.lex import Lexeme, meaningful, word

_RUNS_TEXT = frozenset(
    {
        "query_to_xml",
        "query_to_xmlschema",
        "query_to_xml_and_xmlschema",
        "cursor_to_xml",
        "ts_stat",
        "ts_rewrite",
        "crosstab",
        "crosstabn",
        "crosstab2",
        "crosstab3",
        "crosstab4",
        "connectby",
        "xpath_table",
    }
)


def check(sql: str) -> None:
    """Raise NotApproved unless a statement is a query, SHOW or EXPLAIN without a known way to act.

    EXPLAIN without ANALYZE may hold anything: it is not run.
    """
    inner, analyze = explained(sql)
    if inner != sql and not analyze:
        return
    verdict = classify(inner)
    if verdict.verb == "show" and inner == sql:
        return
    reason = verdict.effect
    if verdict.verb in QUERIES and not reason:
        reason = _runs_text(inner)
    if reason:
        raise NotApproved(f"read-only: {reason}", "approve it as a write to run it")


def _runs_text(sql: str) -> str:
    parts = tuple(meaningful(sql))
    for token, following in pairwise(parts):
        if (
            token.kind in (Lexeme.WORD, Lexeme.QUOTED)
            and sql[following.start] == "("
            and word(sql, token) in _RUNS_TEXT
        ):
            return f"{word(sql, token)}() runs a text as a statement"
    return ""
