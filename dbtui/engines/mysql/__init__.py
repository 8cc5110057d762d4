"""MySQL 8 and 9, MariaDB 10.6 to 11, and what speaks their protocol, through aiomysql."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.engines.mysql.engine import MysqlEngine


def create(target: Target) -> Engine:
    """The engine for a target, not yet connected."""
    return MysqlEngine(target)
