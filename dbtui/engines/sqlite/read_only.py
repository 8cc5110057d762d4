"""What may run on a connection, decided by SQLite's own compiler: the authorizer sees each thing a text would do.

It is the first lock; `mode=ro` and `query_only` stand behind it. These two alone let through, as seen on 3.40:
ATTACH of another file (which makes it), VACUUM INTO, `query_only=off` itself, and checkpoints.

Some virtual tables (R-tree, and the functions of pragmas) compile statements that write when they are first
used, and nothing tells those from a user's. So each text is compiled once as EXPLAIN QUERY PLAN, which runs
nothing and connects its tables, before it is judged.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

NO_QUERY = "is not a query"
Mode = Literal["own", "plan", "user", "write"]

_READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_CHANGES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_TRUSTED = frozenset({"own", "write"})
# Functions of the shell and of usual extensions that leave the database; none is loaded here.
_FUNCTIONS = frozenset(
    {"load_extension", "writefile", "readfile", "edit", "eval", "fts3_tokenizer", "lsdir", "fsdir", "zipfile"}
)
# With no argument they tell a value; with one, SQLite takes it as the name of a table or index, or as a limit.
_ASKED_WITH = frozenset(
    {
        "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check",
        "quick_check", "table_info", "table_list", "table_xinfo",
    }
)  # fmt: skip
_ASKED = _ASKED_WITH | {
    "analysis_limit", "application_id", "auto_vacuum", "automatic_index", "busy_timeout", "cache_size",
    "cache_spill", "cell_size_check", "checkpoint_fullfsync", "collation_list", "compile_options",
    "data_version", "database_list", "defer_foreign_keys", "encoding", "foreign_keys", "freelist_count",
    "fullfsync", "function_list", "hard_heap_limit", "ignore_check_constraints", "journal_mode",
    "journal_size_limit", "legacy_alter_table", "locking_mode", "max_page_count", "mmap_size", "module_list",
    "page_count", "page_size", "pragma_list", "query_only", "read_uncommitted", "recursive_triggers",
    "reverse_unordered_selects", "schema_version", "secure_delete", "soft_heap_limit", "synchronous",
    "temp_store", "threads", "trusted_schema", "user_version", "wal_autocheckpoint", "writable_schema",
}  # fmt: skip

_NAMES = {
    getattr(sqlite3, name): name.removeprefix("SQLITE_").replace("_", " ")
    for name in (
        "SQLITE_ALTER_TABLE", "SQLITE_ANALYZE", "SQLITE_ATTACH", "SQLITE_CREATE_INDEX", "SQLITE_CREATE_TABLE",
        "SQLITE_CREATE_TEMP_INDEX", "SQLITE_CREATE_TEMP_TABLE", "SQLITE_CREATE_TEMP_TRIGGER",
        "SQLITE_CREATE_TEMP_VIEW", "SQLITE_CREATE_TRIGGER", "SQLITE_CREATE_VIEW", "SQLITE_CREATE_VTABLE",
        "SQLITE_DELETE", "SQLITE_DETACH", "SQLITE_DROP_INDEX", "SQLITE_DROP_TABLE", "SQLITE_DROP_TEMP_INDEX",
        "SQLITE_DROP_TEMP_TABLE", "SQLITE_DROP_TEMP_TRIGGER", "SQLITE_DROP_TEMP_VIEW", "SQLITE_DROP_TRIGGER",
        "SQLITE_DROP_VIEW", "SQLITE_DROP_VTABLE", "SQLITE_INSERT", "SQLITE_PRAGMA", "SQLITE_REINDEX",
        "SQLITE_SAVEPOINT", "SQLITE_TRANSACTION", "SQLITE_UPDATE",
    )
}  # fmt: skip


class Guard:
    """The authorizer of one connection. `mode` says for whom a statement is compiled:

    own: the console's own texts; plan: compiled for a plan, never run; user: what may only read;
    write: an approved statement, which still reaches no other file and loads no code.
    """

    def __init__(self) -> None:
        self.mode: Mode = "own"
        self.refused = ""  # what was refused last, "" for nothing

    def __call__(
        self, action: int, first: str | None, second: str | None, _database: str | None, _inside: str | None
    ) -> int:
        reason = self._reason(action, first, second)
        if not reason:
            return sqlite3.SQLITE_OK
        self.refused = self.refused or reason
        return sqlite3.SQLITE_DENY

    def _reason(self, action: int, first: str | None, second: str | None) -> str:
        if self.mode == "own":
            return ""
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
            return f"{second}() reaches beyond the database"
        if self.mode == "write":
            return _beyond(action, first)
        if action in _READS or (self.mode == "plan" and action in _CHANGES):
            return ""
        name = (first or "").lower()
        if action == sqlite3.SQLITE_PRAGMA:
            if name in _ASKED_WITH or (name in _ASKED and second is None):
                return ""
            return f"PRAGMA {first} changes something" if second is not None else f"PRAGMA {first} may act"
        return f"{_NAMES.get(action, 'this')} {NO_QUERY}"


def _beyond(action: int, first: str | None) -> str:
    """What an approved statement still may not do. ATTACH of "" is what VACUUM does inside."""
    if action == sqlite3.SQLITE_ATTACH and first:
        return "ATTACH reaches another file"
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() == "writable_schema":
        return "PRAGMA writable_schema can break the file"
    return ""
