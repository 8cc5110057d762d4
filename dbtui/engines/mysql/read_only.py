"""What a read-only session of MySQL or MariaDB would let through, refused before it is sent.

With SET SESSION TRANSACTION READ ONLY and inside START TRANSACTION READ ONLY the servers refuse INSERT, UPDATE,
DELETE, TRUNCATE, DDL, row locks, sequences and routines that write. As seen on MySQL 9.7 and MariaDB 11.8 they
let through: SET SESSION TRANSACTION READ WRITE, SET GLOBAL, SELECT … INTO OUTFILE, FLUSH, KILL, GET_LOCK,
COMMIT, and on MariaDB SET STATEMENT tx_read_only=0 FOR …, BEGIN NOT ATOMIC … and ANALYZE TABLE. So the parser
is part of the guard on these two: only statements whose first word is known to read are sent, one at a time
(MULTI_STATEMENTS is off), none with a comment that is run, and read-only is set anew before each.

What no look at a text can see: functions loaded from libraries (UDFs) that act outside the database. Only a
user without EXECUTE on them stops that.
"""

from __future__ import annotations

import re

from dbtui.engines.mysql.lex import USUAL, Dialect, words
from dbtui.errors import NotApproved

QUERIES = frozenset({"select", "with", "table", "values"})
_PLANS = frozenset({"explain", "describe", "desc"})
_CHANGES = frozenset({"insert", "update", "delete", "replace"})
_ACTS = frozenset(
    re.findall(
        r"\S+",
        """
        get_lock release_lock release_all_locks sys_exec sys_eval sys_set nextval setval
        master_pos_wait source_pos_wait master_gtid_wait wait_for_executed_gtid_set
        wait_until_sql_thread_after_gtids set_firewall_mode set_firewall_group_mode
        read_firewall_users read_firewall_whitelist mysql_firewall_flush_status
        spider_direct_sql spider_bg_direct_sql spider_copy_tables spider_flush_table_mon_cache
        """,
    )
)
_ACT_PREFIXES = (
    "asynchronous_connection_failover_", "audit_log_", "gen_dictionary", "group_replication_", "keyring_",
    "mask_dictionary", "masking_dictionary", "option_tracker_", "version_tokens_",
)  # fmt: skip
CODE = "1792"  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION


def check(sql: str, dialect: Dialect = USUAL) -> None:
    """Raise NotApproved unless a statement surely only reads. EXPLAIN without ANALYZE may hold anything."""
    reason = effect(sql, dialect)
    if reason:
        raise NotApproved(f"read-only: {reason}", "approve it as a write to run it")


def acts(name: str) -> bool:
    """Whether a function of this name, in lower case, acts beyond the transaction."""
    return name in _ACTS or name.startswith(_ACT_PREFIXES)


def only_reads(sql: str, dialect: Dialect = USUAL) -> bool:
    """Whether a statement is a query without anything that writes, locks or acts."""
    return not effect(sql, dialect) and words(sql, dialect)[:1] not in (("show",), ("explain",))


def effect(sql: str, dialect: Dialect = USUAL) -> str:
    """What makes a statement no mere reading, "" for one that only reads."""
    if "/*!" in sql or "/*M!" in sql or "/*m!" in sql:
        return "what stands in /*! … */ is run by some servers and not by others"
    parts = words(sql, dialect)
    if parts[:1] == ("show",):
        return _into(parts)
    if parts[:1] == ("analyze",) and parts[1:2] in (("table",), ("local",), ("no_write_to_binlog",)):
        return "ANALYZE TABLE writes statistics"
    inner, runs = explained(parts)
    if not runs and inner is not parts:
        return _into(parts)
    return _query_effect(inner)


def explained(parts: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """The words of what an EXPLAIN or ANALYZE is about, and whether it is run; the words themselves if neither."""
    if not parts or parts[0] not in _PLANS | {"analyze"}:
        return parts, True
    at, runs = 1, parts[0] == "analyze"
    while at < len(parts):
        if parts[at] == "analyze":
            runs = True
        elif parts[at] == "format" and parts[at + 1 : at + 2] == ("=",):
            at += 2
        elif parts[at] not in ("extended", "partitions"):
            break
        at += 1
    return parts[at:], runs


def _query_effect(parts: tuple[str, ...]) -> str:
    verb = next((part for part in parts if part != "("), "")
    if verb not in QUERIES:
        return f"{verb.upper()} is not a query" if verb.isidentifier() else "it is not a query"
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else ""
        name = part.strip('`"').lower()
        if following == "(" and acts(name):
            return f"{name}() acts beyond the transaction"
        if part == "next" and following == "value" and parts[index + 2 : index + 3] == ("for",):
            return "NEXT VALUE FOR moves a sequence on"
        if (part == "for" and following in ("update", "share")) or (part, following) == ("lock", "in"):
            return "FOR UPDATE and the like lock rows"
        if part in _CHANGES and following != "(" and index and parts[index - 1] in (")", "("):
            return f"it holds {part.upper()}"
        if part == "procedure" and following == "analyse":
            return "PROCEDURE ANALYSE is not a query"
    return _into(parts)


def _into(parts: tuple[str, ...]) -> str:
    return "INTO writes a file or a variable" if "into" in parts else ""
