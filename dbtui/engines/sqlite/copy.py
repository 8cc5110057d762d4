"""A copy of a database that is in use, by SQLite's online backup."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from dbtui.engines.sqlite.connection import Connector
from dbtui.errors import QueryError, UsageError

_TIMEOUT = 600.0  # seconds
_PAGES = 10_000  # copied at a time, so that it can be interrupted and writers get their turn


async def copy(connector: Connector, path: str) -> None:
    """Copy the connector's file to a new `path`. Raises UsageError, QueryError, QueryTimeout."""
    _want_room(Path(connector.place.path), Path(path).parent)

    def run(raw: sqlite3.Connection) -> None:
        target = sqlite3.connect(path)
        try:
            raw.backup(target, pages=_PAGES)
        finally:
            target.close()

    connection = await connector.open("run")
    try:
        await connection.run(run, timeout=_TIMEOUT)
    finally:
        await connection.close()


def indexed(path: str, indexes: Sequence[str]) -> None:
    """Make indexes in a copy, with statistics where the file had some. Raises QueryError, UsageError."""
    refused = [sql for sql in indexes if not re.match(r"\s*create\s+(unique\s+)?index\b", sql, re.I)]
    if refused:
        raise UsageError("that is no CREATE INDEX", "write CREATE INDEX name ON table (column, …)")
    try:
        with contextlib.closing(sqlite3.connect(path)) as raw:
            for sql in indexes:
                raw.execute(sql)
            if raw.execute("select 1 from sqlite_schema where name = 'sqlite_stat1'").fetchone():
                raw.execute("analyze")
            raw.commit()
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise QueryError(str(error)) from None


def _want_room(file: Path, folder: Path) -> None:
    needed, free = file.stat().st_size, shutil.disk_usage(folder).free
    if needed * 2 > free:
        raise UsageError(
            f"a copy of {file.name} and what is done to it need {needed * 2 >> 20} MB, and {free >> 20} are free",
            "set TMPDIR to a place with room",
        )
