"""URL scheme → engine. An engine's folder, and with it its driver, is imported when it is first used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.errors import UsageError
from dbtui.model.nouns import Nouns
from dbtui.model.snapshot import Metric

ENGINES = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "redis": "redis",
    "rediss": "redis",
    "valkey": "redis",
    "valkeys": "redis",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "mongodb": "mongodb",
    "elasticsearch": "elasticsearch",
    "opensearch": "elasticsearch",
}


def create(target: Target) -> Engine:
    """The engine for a target's URL, not yet connected. Raises UsageError for a scheme that no engine serves."""
    folder = ENGINES.get(target.scheme)
    if folder is None:
        known = ", ".join(sorted(f"{scheme}://" for scheme in ENGINES))
        raise UsageError(f"no engine serves {target.scheme}:// URLs", f"use one of {known}")
    engine: Engine = import_module(f"dbtui.engines.{folder}").create(target)
    return engine


def metrics(engine: str) -> Sequence[Metric]:
    """The figures of an engine, by the name of its folder."""
    found: Sequence[Metric] = import_module(f"dbtui.engines.{engine}.counters").METRICS
    return found


def nouns(engine: str) -> Nouns:
    """What an engine, by the name of its folder, calls its things; the usual words for one that is not known."""
    if engine not in ENGINES.values():
        return Nouns()
    try:
        found: Nouns = import_module(f"dbtui.engines.{engine}.nouns").NOUNS
    except ModuleNotFoundError:  # its driver is not installed
        return Nouns()
    return found
