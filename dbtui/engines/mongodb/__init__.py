"""MongoDB 5 to 8, and what speaks its protocol (FerretDB, DocumentDB), through motor."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.engines.mongodb.engine import MongoEngine


def create(target: Target) -> Engine:
    """The engine for a target, not yet connected."""
    return MongoEngine(target)
