"""Answers that hold more than a plan, without what a user put into them: documents, terms and keys."""

from __future__ import annotations

import json
import re
from typing import Any

from dbtui.documents import mapping, mappings

_OF_THE_PLAN = ("took", "valid", "explanations", "profile", "shards")
_LUCENE = frozenset({"description", "explanation", "error", "query"})  # members whose texts are queries
_FIELD = re.compile(r"(?:^|[\s(+#|-])([\w.@]+):")


def masked_search(text: str) -> str:
    """A profile or validated query of Elasticsearch: no documents, no results, and of queries the fields alone."""
    document = mapping(json.loads(text.lstrip("\ufeff")))
    kept = {key: _named(document[key]) for key in _OF_THE_PLAN if key in document}
    total = mapping(document.get("hits")).get("total")
    return json.dumps(kept if total is None else {**kept, "hits": {"total": total}})


def masked_command(text: str) -> str:
    """What is known of a command of Redis, without the names of its keys."""
    told = mapping(json.loads(text))
    keys = [{**key, "key": "?"} for key in mappings(told.get("keys"))]
    return json.dumps({**told, "keys": keys} if keys else dict(told))


def _named(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _named(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_named(inner, key) for inner in value]
    if isinstance(value, str) and key in _LUCENE:
        return " ".join(f"{field}:?" for field in _FIELD.findall(value)) or "?"
    return value
