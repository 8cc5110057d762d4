"""A copy of a database that is in use, by SQLite's online backup."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from dbtui.engines.sqlite.connection import Connector
from dbtui.errors import UsageError

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


def _want_room(file: Path, folder: Path) -> None:
    needed, free = file.stat().st_size, shutil.disk_usage(folder).free
    if needed * 2 > free:
        raise UsageError(
            f"a copy of {file.name} and what is done to it need {needed * 2 >> 20} MB, and {free >> 20} are free",
            "set TMPDIR to a place with room",
        )
