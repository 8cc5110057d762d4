"""Elasticsearch 7 to 9 and OpenSearch, over plain HTTP."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.engines.elasticsearch.engine import ElasticEngine


def create(target: Target) -> Engine:
    """The engine for a target, not yet connected."""
    return ElasticEngine(target)
