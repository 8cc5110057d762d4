"""SQLite's errors in the console's own words: what happened, and what to do."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

from dbtui.engines.sqlite.place import Place, may, size_of
from dbtui.engines.sqlite.read_only import NO_QUERY
from dbtui.errors import ConnectError, DbtuiError, PermissionDenied, QueryError, QueryTimeout, SessionLost
from dbtui.sql.classify import QUERIES, first_word

READ_ONLY = "SQLITE_AUTH"
_TOLD_BY_THE_GUARD = QUERIES | {"explain", "pragma"}
_NEAR = re.compile(r'near "(.+)": syntax error', re.S)
_NEWEST_FORMAT = 2  # with a WAL
_DAMAGE = "PRAGMA integrity_check tells what is damaged; take it from a backup, or save what can be read with .recover"


def name_of(error: sqlite3.Error | sqlite3.Warning) -> str:
    """SQLite's extended name of an error, "SQLITE_BUSY_SNAPSHOT"; "" for one of Python's module."""
    return str(getattr(error, "sqlite_errorname", "") or "")


def is_busy(error: sqlite3.Error | sqlite3.Warning) -> bool:
    """Whether a lock of somebody else was in the way."""
    return name_of(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def describe(error: sqlite3.Error | sqlite3.Warning, sql: str, refused: str, holder: str) -> DbtuiError:
    """What a statement met. `refused` is what the guard said, `holder` who holds the file where one is known."""
    code, message = name_of(error), str(error)
    if refused:
        verb = first_word(sql)
        if verb and verb not in _TOLD_BY_THE_GUARD and refused.endswith(NO_QUERY):
            refused = f"{verb.upper()} {NO_QUERY}"
        return QueryError(f"read-only: {refused}", "approve it as a write to run it", code=READ_ONLY)
    if code == "SQLITE_INTERRUPT":
        return QueryTimeout(
            "the statement was interrupted", "give it more time, or narrow it down", code=code
        )
    if is_busy(error):
        return QueryError(
            f"the database is locked{holder}", "try it again when the other transaction is done", code=code
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return QueryError(f"the file is damaged: {message}", _DAMAGE, code=code)
    if code.startswith("SQLITE_READONLY"):
        return PermissionDenied(message, _why_read_only(code), code=code)
    if code.startswith("SQLITE_IOERR"):
        return SessionLost(f"the file could not be read ({code})", "look at the disk or the mount")
    if code == "SQLITE_FULL":
        return QueryError(message, "make room on the disk, or raise max_page_count", code=code)
    if code == "SQLITE_TOOBIG":
        return QueryError(
            "a value of the result is too large to be shown", "take a part of it: substr()", code=code
        )
    if not code:
        return _of_module(message)
    near = _NEAR.fullmatch(message)
    at = sql.find(near[1]) if near is not None and sql.count(near[1]) == 1 else -1
    return QueryError(message, _hint(message), code=code, position=at + 1 if at >= 0 else None)


def _of_module(message: str) -> QueryError:
    if "one statement at a time" in message:
        return QueryError("the text holds more than one statement", "run one at a time")
    if "binding" in message.lower():
        return QueryError(
            "the statement has placeholders", "write values in their place; its plan can be had"
        )
    return QueryError(message)


def _hint(message: str) -> str:
    if message.startswith("no such module"):
        return "an extension that this SQLite does not have made the table"
    if message.startswith("unsafe use of"):
        return "the schema of a file is not trusted to call it"
    return ""


def _why_read_only(code: str) -> str:
    if code == "SQLITE_READONLY_ROLLBACK":
        return (
            "a transaction broke off: open the file once with a program that may write, which rolls it back"
        )
    if code == "SQLITE_READONLY_DBMOVED":
        return "the file was moved while it was open"
    return "the file or its folder may not be written by this user"


def _format(place: Place) -> int:
    """The format that a reader has to know, of the file's header: https://sqlite.org/fileformat2.html; 0 for none.

    Nothing is locked in a file that SQLite refused, so that closing it here lets go of no lock of ours.
    """
    try:
        with Path(place.path).open("rb") as file:
            start = file.read(20)
    except OSError:
        return 0
    return start[19] if len(start) == 20 and start.startswith(b"SQLite format 3\0") else 0


def unopened(error: sqlite3.Error, place: Place, holder: str) -> ConnectError:
    """Why no session with a file could be had."""
    code, message = name_of(error), str(error)
    if code.startswith("SQLITE_NOTADB"):
        if (version := _format(place)) > _NEWEST_FORMAT:
            what = f"{place.path} is of file format {version}, which SQLite {sqlite3.sqlite_version} does not read"
            return ConnectError(what, "a newer SQLite wrote it: run dbtui with a Python that has one")
        return ConnectError(
            f"{place.path} is not a SQLite database", "or it is encrypted, or its start is damaged"
        )
    if is_busy(error):
        return ConnectError(
            f"{place.name} is locked{holder}", "it is tried again; only its holder can let go"
        )
    if code.startswith("SQLITE_CORRUPT"):
        return ConnectError(f"{place.name} is damaged: {message}", _DAMAGE)
    if code == "SQLITE_READONLY_ROLLBACK" or (code.startswith("SQLITE_CANTOPEN") and _has_journal(place)):
        return ConnectError(
            f"a transaction of {place.name} broke off and has to be rolled back first",
            "open it once with a program that may write",
        )
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return _closed_folder(place, message)
    return ConnectError(f"{place.path} cannot be opened: {message}", code)


def _has_journal(place: Place) -> bool:
    return bool(size_of(place.path + "-journal"))


def _closed_folder(place: Place, message: str) -> ConnectError:
    folder = Path(place.path).parent
    missing = [name for name in (place.wal, place.shm) if size_of(name) is None]
    if missing and not may(str(folder), os.W_OK):
        names = " and ".join(Path(name).name for name in missing)
        return ConnectError(
            f"{place.name} is in WAL mode: SQLite must make {names} beside it, and may not write {folder}",
            "open it while its application runs, make the folder writable, or read a copy of it elsewhere",
        )
    unreadable = [
        name for name in (place.wal, place.shm) if size_of(name) is not None and not may(name, os.R_OK)
    ]
    if unreadable:
        return ConnectError(
            f"no permission to read {', '.join(unreadable)}", "they belong to the database too"
        )
    return ConnectError(
        f"{place.path} cannot be opened: {message}", "look at the rights of the file and its folder"
    )
