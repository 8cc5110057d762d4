"""What the server says of the size, the cost and the use of a database, a collection and its indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbtui import text
from dbtui.documents import number
from dbtui.engines.mongodb.failures import lacks
from dbtui.engines.mongodb.session import Connection
from dbtui.errors import QueryError

_LOOK = 5.0  # seconds


async def database_facts(connection: Connection, database: str) -> tuple[tuple[str, str], ...]:
    """How many collections and documents it has, and their sizes."""
    try:
        stats = await connection.command({"dbStats": 1}, database=database, timeout=_LOOK, role="read")
    except QueryError as error:
        return (("sizes", str(error)),)
    sizes = (("data", "dataSize"), ("on disk", "storageSize"), ("indexes", "indexSize"))
    counts = (("collections", "collections"), ("views", "views"), ("documents", "objects"))
    facts = [(label, f"{int(stats[key]):,}") for label, key in counts if key in stats]
    facts += [(label, text.size(number(stats, key))) for label, key in sizes if key in stats]
    return tuple(facts)


async def storage_of(connection: Connection, database: str, collection: str) -> Mapping[str, Any]:
    """storageStats of a collection, of all shards together; empty where the server does not say."""
    asked = {"aggregate": collection, "pipeline": [{"$collStats": {"storageStats": {}}}], "cursor": {}}
    try:
        found = await connection.documents(asked, database=database, timeout=_LOOK)
    except QueryError:
        return {}
    parts = [stats for one in found if isinstance(stats := one.get("storageStats"), Mapping)]
    return parts[0] if len(parts) == 1 else _summed(parts)


def _summed(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        for key in ("size", "count", "storageSize", "totalIndexSize", "totalSize", "freeStorageSize"):
            whole[key] = whole.get(key, 0) + (number(part, key) or 0)
        sizes = whole.setdefault("indexSizes", {})
        for name, size in (part.get("indexSizes") or {}).items():
            sizes[name] = sizes.get(name, 0) + size
    if whole.get("count"):
        whole["avgObjSize"] = whole["size"] / whole["count"]
    return whole | ({"shards": len(parts)} if parts else {})


def storage_facts(storage: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not storage:
        return [("sizes", "the server does not say")]
    count = number(storage, "count")
    facts = [("documents", "" if count is None else f"{int(count):,}")]
    sizes = (("data", "size"), ("a document", "avgObjSize"), ("on disk", "storageSize"), ("free", "freeStorageSize"),
             ("indexes", "totalIndexSize"))  # fmt: skip
    facts += [(label, text.size(number(storage, key))) for label, key in sizes]
    if storage.get("shards"):
        facts.append(("shards", str(storage["shards"])))
    if storage.get("capped"):
        facts.append(("capped at", text.size(number(storage, "maxSize"))))
    return facts


async def cost_facts(connection: Connection, namespace: str) -> list[tuple[str, str]]:
    """What the collection has cost since the server's start, where the server keeps top."""
    if not connection.probe.is_mongod:
        return []
    try:
        reply = await connection.command({"top": 1}, timeout=_LOOK, role="clusterMonitor")
    except QueryError as error:
        return [] if lacks(error) else [("top", str(error))]
    return top_facts(reply, namespace)


def top_facts(reply: Mapping[str, Any], namespace: str) -> list[tuple[str, str]]:
    """The times of a namespace in an answer of top, which are in microseconds."""
    one = (reply.get("totals") or {}).get(namespace)
    if not isinstance(one, Mapping):
        return []
    facts = []
    for label, key in (("reading", "readLock"), ("writing", "writeLock")):
        spent, count = number(one, f"{key}.time"), number(one, f"{key}.count")
        if spent is not None and count:
            facts.append((label, f"{text.milliseconds(spent / 1000)} in {text.count(count)} operations"))
    return facts


async def index_uses(connection: Connection, database: str, collection: str) -> Mapping[str, int]:
    """Index name → how often it was used, summed over shards; empty where the server does not count or say."""
    asked = {"aggregate": collection, "pipeline": [{"$indexStats": {}}], "cursor": {}}
    try:
        found = await connection.documents(asked, database=database, timeout=_LOOK)
    except QueryError:
        return {}
    uses: dict[str, int] = {}
    for one in found:
        count = number(one, "accesses.ops")
        if count is not None:
            name = str(one.get("name"))
            uses[name] = uses.get(name, 0) + int(count)
    return uses
