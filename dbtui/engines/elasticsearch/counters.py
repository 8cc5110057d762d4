"""The figures that are made of cluster health and of the statistics of the nodes, the most telling first.

Counters are those of all nodes together. A node that joins or leaves brings or takes what it has counted in its
whole life, so only what each node has added since the sample before goes into a sum. Of heap, disk and breakers the
node that has least left is shown: a mean over the cluster would hide it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.documents import at, mapping, number
from dbtui.model.snapshot import Metric

METRICS = (
    Metric("searches", "Shard searches", "rate", ("query_total",)),
    Metric("search_time", "Search time", "gauge", ("search_latency",), unit="seconds", warn_above=1.0),
    Metric("indexing", "Indexing", "rate", ("index_total",)),
    Metric("heap", "Heap", "gauge", ("heap_used",), unit="bytes", limit="heap_max", warn_above=0.9),
    Metric("red", "Cluster red", "gauge", ("red",), warn_above=0.0),
    Metric("unassigned", "Unassigned shards", "gauge", ("unassigned_shards",), warn_above=0.0),
    Metric("search_rejected", "Searches rejected", "rate", ("rejected_search",), warn_above=0.0),
    Metric("write_rejected", "Writes rejected", "rate", ("rejected_write",), warn_above=0.0),
    Metric("other_rejected", "Others rejected", "rate", ("rejected_other",), warn_above=0.0),
    Metric("pressure_rejected", "Pressure rejected", "rate", ("pressure_rejections",), warn_above=0.0),
    Metric("tripped", "Breakers tripped", "rate", ("breakers_tripped",), warn_above=0.0),
    Metric("disk", "Disk", "gauge", ("disk_used",), unit="bytes", limit="disk_total", warn_above=0.85),
    Metric("gc", "GC", "rate", ("gc_seconds",), unit="fraction", warn_above=0.1),
    Metric("pending", "Pending tasks", "gauge", ("pending_tasks",), warn_above=50.0),
    Metric("cpu", "CPU", "gauge", ("cpu",), unit="fraction", warn_above=0.9),
    Metric("search_active", "Searching", "gauge", ("active_search",)),
    Metric("search_queue", "Search queue", "gauge", ("queue_search",), warn_above=100.0),
    Metric("write_active", "Writing", "gauge", ("active_write",)),
    Metric("write_queue", "Write queue", "gauge", ("queue_write",), warn_above=1000.0),
    Metric("index_time", "Indexing time", "gauge", ("index_latency",), unit="seconds"),
    Metric("fetches", "Fetches", "rate", ("fetch_total",)),
    Metric("gets", "Gets", "rate", ("get_total",)),
    Metric("failed_searches", "Failed searches", "rate", ("query_failed",), warn_above=0.0),
    Metric("failed_writes", "Failed writes", "rate", ("index_failed",), warn_above=0.0),
    Metric("throttled", "Indexing throttled", "gauge", ("throttled_nodes",), warn_above=0.0),
    Metric("breaker", "Breaker", "gauge", ("breaker_used",), unit="bytes", limit="breaker_limit", warn_above=0.9),
    Metric("request_cache", "Request cache", "ratio", ("request_hits",), ("request_misses",), unit="fraction"),
    Metric("query_cache", "Query cache", "ratio", ("query_hits",), ("query_misses",), unit="fraction"),
    Metric("refreshes", "Refreshes", "rate", ("refresh_total",)),
    Metric("merging", "Merging", "gauge", ("merges_current",)),
    Metric("contexts", "Search contexts", "gauge", ("open_contexts",), warn_above=400.0),
    Metric("pressure", "Indexing memory", "gauge", ("pressure_bytes",), unit="bytes"),
    Metric("fielddata", "Fielddata", "gauge", ("fielddata_bytes",), unit="bytes"),
    Metric("relocating", "Relocating", "gauge", ("relocating_shards",)),
    Metric("initializing", "Initializing", "gauge", ("initializing_shards",)),
    Metric("clients", "HTTP clients", "gauge", ("http_open",)),
    Metric("files", "Open files", "gauge", ("files_open",), limit="files_max", warn_above=0.8),
    Metric("nodes", "Nodes", "gauge", ("nodes",)),
    Metric("shards", "Shards", "gauge", ("active_shards",)),
    Metric("documents", "Documents", "gauge", ("documents",)),
    Metric("store", "Store", "gauge", ("store_bytes",), unit="bytes"),
)  # fmt: skip
ASKED = ("_nodes", "stats", "os,process,jvm,fs,thread_pool,breaker,http,indices,indexing_pressure")

# counter → its paths in the statistics of a node; where there are several, the first that is there counts
_COUNTERS: Mapping[str, tuple[str, ...]] = {
    "query_total": ("indices.search.query_total",),
    "query_ms": ("indices.search.query_time_in_millis",),
    "query_failed": ("indices.search.query_failure", "indices.search.query_failed"),
    "fetch_total": ("indices.search.fetch_total",),
    "get_total": ("indices.get.total",),
    "index_total": ("indices.indexing.index_total",),
    "index_ms": ("indices.indexing.index_time_in_millis",),
    "index_failed": ("indices.indexing.index_failed",),
    "refresh_total": ("indices.refresh.total",),
    "request_hits": ("indices.request_cache.hit_count",),
    "request_misses": ("indices.request_cache.miss_count",),
    "query_hits": ("indices.query_cache.hit_count",),
    "query_misses": ("indices.query_cache.miss_count",),
}
_GAUGES: Mapping[str, str] = {
    "open_contexts": "indices.search.open_contexts",
    "merges_current": "indices.merges.current",
    "fielddata_bytes": "indices.fielddata.memory_size_in_bytes",
    "pressure_bytes": "indexing_pressure.memory.current.all_in_bytes",
    "http_open": "http.current_open",
}
# used → its path, its limit's name, and that one's path: of the node with least left
_FILLED = (
    ("heap_used", "jvm.mem.heap_used_in_bytes", "heap_max", "jvm.mem.heap_max_in_bytes"),
    ("breaker_used", "breakers.parent.estimated_size_in_bytes", "breaker_limit",
     "breakers.parent.limit_size_in_bytes"),
    ("files_open", "process.open_file_descriptors", "files_max", "process.max_file_descriptors"),
)  # fmt: skip
_PRESSURE = ("coordinating_rejections", "primary_rejections", "replica_rejections")
# Documents and bytes of a store are counted once a copy of a shard.
FILTER = ",".join(
    f"nodes.*.{path}"
    for path in (
        "name",
        *(path for paths in _COUNTERS.values() for path in paths),
        *_GAUGES.values(),
        *(path for _, used, _, limit in _FILLED for path in (used, limit)),
        *(f"indexing_pressure.memory.total.{kind}" for kind in _PRESSURE),
        "thread_pool.*.active,nodes.*.thread_pool.*.queue,nodes.*.thread_pool.*.rejected",
        "breakers.*.tripped",
        "jvm.gc.collectors.*.collection_time_in_millis",
        "fs.total.total_in_bytes,nodes.*.fs.total.available_in_bytes",
        "os.cpu.percent",
        "indices.indexing.is_throttled",
        "indices.docs.count",
        "indices.store.size_in_bytes",
    )
)
_HEALTH = {
    "number_of_nodes": "nodes",
    "active_shards": "active_shards",
    "relocating_shards": "relocating_shards",
    "initializing_shards": "initializing_shards",
    "unassigned_shards": "unassigned_shards",
    "number_of_pending_tasks": "pending_tasks",
}


def of_health(health: Mapping[str, Any]) -> dict[str, float]:
    """The counters of one answer of _cluster/health."""
    found = {ours: value for theirs, ours in _HEALTH.items() if (value := number(health, theirs)) is not None}
    return found | {"red": float(health.get("status") == "red")}


class Figures:
    """The counters of the nodes, with the mean times between two samples. One for each connection."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, float]] = {}  # node → its counters in the sample before
        self._sums: dict[str, float] = {}

    def of(self, stats: Mapping[str, Any]) -> dict[str, float]:
        """The counters of one answer of _nodes/stats. Bytes, seconds, fractions or counts."""
        nodes = {
            name: node for name, node in mapping(stats.get("nodes")).items() if isinstance(node, Mapping)
        }
        before = dict(self._sums)
        for name, node in nodes.items():
            self._add(name, _counted(node))
        self._seen = {name: seen for name, seen in self._seen.items() if name in nodes}
        found = dict(self._sums)
        for latency, kind in (("search_latency", "query"), ("index_latency", "index")):
            ran = found.get(f"{kind}_total", 0.0) - before.get(f"{kind}_total", 0.0)
            spent = found.get(f"{kind}_ms", 0.0) - before.get(f"{kind}_ms", 0.0)
            if before:
                found[latency] = spent / ran / 1000 if ran > 0 else 0.0
        return found | _gauges(list(nodes.values()))

    def _add(self, name: str, now: Mapping[str, float]) -> None:
        """Add what a node has counted since it was seen last; all of it when nothing was seen before."""
        first = not self._sums or not self._seen
        last = self._seen.get(name)
        for counter, value in now.items():
            grown = value if first else 0.0
            if last is not None:
                grown = value - last.get(counter, value)
                if grown < 0:  # it was started anew
                    grown = value
            self._sums[counter] = self._sums.get(counter, 0.0) + grown
        self._seen[name] = dict(now)


def _counted(node: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, paths in _COUNTERS.items():
        value = next((v for path in paths if (v := number(node, path)) is not None), None)
        if value is not None:
            found[name] = value
    for pool, stats in _parts(node, "thread_pool"):
        name = pool if pool in ("search", "write") else "other"
        found[f"rejected_{name}"] = found.get(f"rejected_{name}", 0.0) + (number(stats, "rejected") or 0.0)
    for name, stats in _parts(node, "breakers"):
        found[f"tripped_{name}"] = number(stats, "tripped") or 0.0
    found["breakers_tripped"] = sum(v for name, v in found.items() if name.startswith("tripped_"))
    found["gc_seconds"] = sum(
        (number(stats, "collection_time_in_millis") or 0.0) / 1000
        for _, stats in _parts(node, "jvm.gc.collectors")
    )
    found["pressure_rejections"] = sum(
        number(node, f"indexing_pressure.memory.total.{kind}") or 0.0 for kind in _PRESSURE
    )
    return found


def _gauges(nodes: list[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, path in (
        *_GAUGES.items(),
        ("documents", "indices.docs.count"),
        ("store_bytes", "indices.store.size_in_bytes"),
    ):
        values = [value for node in nodes if (value := number(node, path)) is not None]
        if values:
            found[name] = sum(values)
    for pool in ("search", "write"):
        for what in ("active", "queue"):
            found[f"{what}_{pool}"] = sum(number(node, f"thread_pool.{pool}.{what}") or 0.0 for node in nodes)
    for used, path, limit, limit_path in _FILLED:
        pairs = [(number(node, path), number(node, limit_path)) for node in nodes]
        found |= _fullest(used, limit, pairs)
    disks = [
        (number(node, "fs.total.total_in_bytes"), number(node, "fs.total.available_in_bytes"))
        for node in nodes
    ]
    found |= _fullest(
        "disk_used", "disk_total", [(t - a, t) for t, a in disks if t is not None and a is not None]
    )
    found["cpu"] = max((number(node, "os.cpu.percent") or 0.0 for node in nodes), default=0.0) / 100
    found["throttled_nodes"] = float(sum(at(node, "indices.indexing.is_throttled") is True for node in nodes))
    return found


def _fullest(used: str, limit: str, pairs: list[Any]) -> dict[str, float]:
    known = [(taken, most) for taken, most in pairs if taken is not None and most]
    if not known:
        return {}
    taken, most = max(known, key=lambda pair: pair[0] / pair[1])
    return {used: taken, limit: most}


def _parts(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, stats in mapping(at(node, path)).items():
        if isinstance(stats, Mapping):
            yield name, stats
