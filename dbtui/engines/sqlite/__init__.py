"""SQLite files, through aiosqlite."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.engines.sqlite.engine import SqliteEngine


def create(target: Target) -> Engine:
    """The engine for a target, not yet connected."""
    return SqliteEngine(target)
