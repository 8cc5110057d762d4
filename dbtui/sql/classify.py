"""What a PostgreSQL statement may do, judged by its words alone.

The judgement is on the safe side: what is not surely harmless is not. It is no guard by itself (a function
that a user wrote may do anything); the server's read-only transaction is. It tells what that transaction
would let through: signals to other sessions, locks that outlive it, files and other servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dbtui.sql.lex import Lexeme, Token, meaningful, word
from dbtui.sql.mask import placeholders

QUERIES = frozenset({"select", "values", "table", "with"})
_CHANGES = frozenset({"insert", "update", "delete", "merge"})
_EFFECTS = frozenset(
    [
        "nextval",
        "setval",
        "set_config",
        "loread",
        "lowrite",
        "pg_cancel_backend",
        "pg_terminate_backend",
        "pg_log_backend_memory_contexts",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_promote",
        "pg_switch_wal",
        "pg_notify",
        "pg_logical_emit_message",
        "pg_replication_slot_advance",
        "pg_import_system_collations",
        "pg_export_snapshot",
        "pg_prewarm",
        "pg_truncate_visibility_map",
        "gin_clean_pending_list",
        "heap_force_kill",
        "heap_force_freeze",
    ]
)
_EFFECT_PREFIXES = (
    "binary_upgrade_",
    "brin_desummarize_",
    "brin_summarize_",
    "dblink",
    "hypopg_",
    "lo_",
    "pg_advisory_",
    "pg_backup_",
    "pg_buffercache_evict",
    "pg_clear_",
    "pg_copy_",
    "pg_create_",
    "pg_drop_",
    "pg_file_",
    "pg_logical_slot_get",
    "pg_replication_origin_",
    "pg_restore_",
    "pg_start_backup",
    "pg_stat_reset",
    "pg_stat_statements_reset",
    "pg_stop_backup",
    "pg_sync_replication",
    "pg_try_advisory_",
    "pg_wal_replay_",
)
_EXPLAIN_WORDS = frozenset({"analyze", "analyse", "verbose"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verb` is the deciding one ("with … delete" is "delete"); `effect` says what makes it no mere query."""

    verb: str  # lower case; "" for an empty text
    effect: str  # "" for a statement that only reads, as far as its words tell
    placeholders: int  # the highest $n

    @property
    def only_reads(self) -> bool:
        """Whether it is a query without a word that writes, locks or reaches beyond its transaction."""
        return self.verb in QUERIES and not self.effect


def classify(sql: str) -> Verdict:
    """The verdict on one statement."""
    parts = tuple(meaningful(sql))
    verb = _verb(sql, parts)
    return Verdict(verb, _effect(sql, parts, verb), placeholders(sql))


def first_word(sql: str) -> str:
    """The first keyword in lower case, past comments and opening parentheses; "" where there is none."""
    for token in meaningful(sql):
        if sql[token.start] != "(":
            return word(sql, token) if token.kind is Lexeme.WORD else ""
    return ""


def _verb(sql: str, parts: tuple[Token, ...]) -> str:
    first = next((token for token in parts if sql[token.start] != "("), None)
    if first is None or first.kind is not Lexeme.WORD:
        return ""
    verb = word(sql, first)
    if verb != "with":
        return verb
    depth = 0
    for before, token in pairwise(parts):
        mark = sql[token.start]
        depth += (mark == "(") - (mark == ")")
        if depth <= 0 and sql[before.start] == ")" and word(sql, token) in _CHANGES | QUERIES:
            return word(sql, token)
    return verb


def _effect(sql: str, parts: tuple[Token, ...], verb: str) -> str:
    if verb not in QUERIES:
        return f"{verb.upper()} is not a query" if verb else "it is not a query"
    for index, token in enumerate(parts):
        name = word(sql, token)
        if not name:
            continue
        if token.kind is Lexeme.QUOTED and sql[token.start] in "uU":
            return "it has names in Unicode escapes, which are not looked through"
        following = parts[index + 1] if index + 1 < len(parts) else None
        found = _word_effect(sql, token, name, following) or _change(sql, parts, index, name)
        if found:
            return found
    return ""


def _word_effect(sql: str, token: Token, name: str, following: Token | None) -> str:
    if (
        following is not None
        and sql[following.start] == "("
        and (name in _EFFECTS or name.startswith(_EFFECT_PREFIXES))
    ):
        return f"{name}() acts beyond the transaction"
    if token.kind is not Lexeme.WORD:
        return ""
    if name == "into":
        return "SELECT INTO makes a table"
    if name == "for" and following is not None and word(sql, following) in ("update", "share", "no", "key"):
        return "FOR UPDATE and the like lock rows"
    return ""


def _change(sql: str, parts: tuple[Token, ...], index: int, name: str) -> str:
    before = sql[parts[index - 1].start] if index else ""
    if name in _CHANGES and parts[index].kind is Lexeme.WORD and before in ("(", ")"):
        return f"it holds {name.upper()}"
    return ""


def explained(sql: str) -> tuple[str, bool]:
    """What an EXPLAIN explains, without the word and its options, and whether those said ANALYZE.

    A statement that is no EXPLAIN is returned as it is.
    """
    parts = tuple(meaningful(sql))
    if not parts or word(sql, parts[0]) != "explain" or parts[0].kind is not Lexeme.WORD:
        return sql, False
    analyze, index = False, 1
    if index < len(parts) and sql[parts[index].start] == "(" and _is_option(sql, parts):
        options, index = _options(sql, parts)
        analyze = _analyze_is_on(options)
    while index < len(parts) and word(sql, parts[index]) in _EXPLAIN_WORDS:
        analyze = analyze or word(sql, parts[index]) != "verbose"
        index += 1
    return (sql[parts[index].start :] if index < len(parts) else ""), analyze


def _is_option(sql: str, parts: tuple[Token, ...]) -> bool:
    """Whether the parenthesis after EXPLAIN opens options rather than a query."""
    return len(parts) > 2 and sql[parts[2].start] != "(" and word(sql, parts[2]) not in QUERIES


def _options(sql: str, parts: tuple[Token, ...]) -> tuple[list[list[str]], int]:
    """Each option with its value, and the index of the token after the list."""
    options: list[list[str]] = [[]]
    for index in range(2, len(parts)):
        text = sql[parts[index].start : parts[index].end].lower()
        if text == ")":
            return options, index + 1
        if text == ",":
            options.append([])
        else:
            options[-1].append(text.strip("'\""))
    return options, len(parts)


def _analyze_is_on(options: list[list[str]]) -> bool:
    values = [
        option[1] if len(option) > 1 else "on"
        for option in options
        if option[:1] in (["analyze"], ["analyse"])
    ]
    return bool(values) and values[-1] not in ("off", "false", "0", "no", "f")
