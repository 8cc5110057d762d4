"""Plans of DocumentDB (FerretDB's store): PostgreSQL's nodes under queryPlanner.Plan, in any order of keys.

Constants are BSON in hexadecimal digits, relations are numbered tables; both are written as the collection and the
values that they stand for. What is measured, and how, is as in PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dbtui.documents import mapping
from dbtui.model.plan import Plan
from dbtui.plans.formats import postgres_document
from dbtui.plans.formats.mongo_bson import readable
from dbtui.plans.formats.postgres_document import MAX_DEPTH, text_of, too_deep
from dbtui.plans.measure import measure

_ORDER = ("Node Type", "Join Type", "Strategy", "Partial Mode", "Parent Relationship", "Custom Plan Provider",
          "Relation Name", "Alias", "Index Name", "namespaceName", "IndexDetails", "Index Cond", "Recheck Cond",
          "Filter", "Group Key", "Sort Key")  # fmt: skip


def read(document: Mapping[str, Any], original: str) -> Plan:
    """The measured plan. Raises InputError."""
    planner = document["queryPlanner"]
    command = {
        key: value for key, value in mapping(document.get("command")).items() if not key.startswith("$")
    }
    timings = {key: planner[key] for key in ("Planning Time", "Execution Time") if key in planner}
    made = postgres_document.build({"Plan": _node(planner["Plan"], "", 0), **timings}, "json", original)
    return replace(
        measure(made),
        format="mongo-documentdb",
        query=json.dumps(command, ensure_ascii=False) if command else "",
        server_version=text_of(mapping(document.get("serverInfo")).get("version")),
    )


def _node(node: object, namespace: str, depth: int) -> object:
    """A node with its keys in order, its constants readable, and its collection by name."""
    if depth > MAX_DEPTH:
        raise too_deep()
    if not isinstance(node, Mapping):
        return node
    namespace = text_of(node.get("namespaceName")) or namespace
    ranked = sorted(node, key=lambda key: (_ORDER.index(key) if key in _ORDER else len(_ORDER), key))
    made = {key: _readable(key, node[key]) for key in ranked if key != "Plans"}
    if namespace and text_of(node.get("Relation Name")).startswith("documents_"):
        made["Schema"], _, made["Relation Name"] = namespace.partition(".")
        made.pop("Alias", None)
    if isinstance(node.get("Plans"), list):
        made["Plans"] = [_node(child, namespace, depth + 1) for child in node["Plans"]]
    return made


def _readable(key: str, value: object) -> object:
    if isinstance(value, str):
        return readable(value)
    if key in ("IndexDetails", "IndexCosts"):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [readable(one) if isinstance(one, str) else one for one in value]
    return value
