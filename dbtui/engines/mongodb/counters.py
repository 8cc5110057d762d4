"""The figures that are made of serverStatus, the most telling first. Names that a server lacks are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbtui.documents import at, number
from dbtui.model.snapshot import Metric

_OPERATIONS = ("insert", "query", "update", "delete", "getmore", "command")
# FerretDB counts its commands only: which of MongoDB's operations each of them is.
_COMMANDS = {
    "find": "query", "aggregate": "query", "count": "query", "distinct": "query", "getMore": "getmore",
    "insert": "insert", "update": "update", "findAndModify": "update", "delete": "delete",
}  # fmt: skip
METRICS = (  # FerretDB too has the first four, which are drawn as charts
    Metric("ops", "Ops", "rate", tuple(f"ops_{name}" for name in _OPERATIONS)),
    Metric("connections", "Connections", "gauge", ("connections",), limit="max_connections", warn_above=0.8),
    Metric("active", "Active", "gauge", ("active",)),
    Metric("waiting", "Waiting", "gauge", ("waiting",), warn_above=0.0),
    Metric("read_latency", "Read time", "gauge", ("read_latency",), unit="seconds", warn_above=0.1),
    Metric("queued", "Queued", "gauge", ("queued",), warn_above=0.0),
    Metric("write_latency", "Write time", "gauge", ("write_latency",), unit="seconds", warn_above=0.1),
    Metric("cache", "Cache", "gauge", ("cache_bytes",), unit="bytes", limit="cache_limit", warn_above=0.95),
    Metric("dirty", "Dirty", "gauge", ("cache_dirty",), unit="bytes", limit="cache_limit", warn_above=0.2),
    Metric("app_evictions", "Evicted by clients", "rate", ("app_evictions",), warn_above=0.0),
    Metric("read_tickets", "Read tickets", "gauge", ("read_tickets",), limit="read_tickets_limit"),
    Metric("write_tickets", "Write tickets", "gauge", ("write_tickets",), limit="write_tickets_limit"),
    Metric("lag", "Lag", "gauge", ("replication_lag",), unit="seconds", warn_above=10.0),
    Metric("oplog", "Oplog", "gauge", ("oplog_window",), unit="seconds", warn_below=86400.0),
    Metric("scanned", "Examined", "rate", ("scanned_objects",)),
    Metric("returned", "Returned", "rate", ("returned",)),
    Metric("conflicts", "Write conflicts", "rate", ("write_conflicts",)),
    Metric("in", "In", "rate", ("bytes_in",), unit="bytes"),
    Metric("out", "Out", "rate", ("bytes_out",), unit="bytes"),
    Metric("errors", "User asserts", "rate", ("asserts_user",)),
    Metric("failed", "Failed", "rate", ("failed_commands",)),
    Metric("asserts", "Asserts", "rate", ("asserts_server",), warn_above=0.0),
    Metric("cursors", "Cursors", "gauge", ("cursors",)),
    Metric("resident", "Memory", "gauge", ("resident_bytes",), unit="bytes"),
    Metric("flow", "Flow control", "gauge", ("flow_control",), warn_above=0.0),
    Metric("transactions", "Open tx", "gauge", ("transactions",)),
    Metric("oldest", "Oldest tx", "gauge", ("oldest_transaction",), unit="seconds", warn_above=60.0),
)
ASKED: Mapping[str, int] = {
    "serverStatus": 1,
    "tcmalloc": 0,
    "sharding": 0,
    "transportSecurity": 0,
    "security": 0,
    "mirroredReads": 0,
    "hedgingMetrics": 0,
    "shardingStatistics": 0,
    "logicalSessionRecordCache": 0,
    "storageEngine": 0,
    "watchdog": 0,
    "featureCompatibilityVersion": 0,
}

# counter → its path in serverStatus; where there are several, the first that is there counts
_PATHS: Mapping[str, tuple[str, ...]] = {
    **{f"ops_{name}": (f"opcounters.{name}",) for name in _OPERATIONS},
    "connections": ("connections.current",),
    "active": ("globalLock.activeClients.total",),
    "queued": ("globalLock.currentQueue.total",),
    "cache_bytes": ("wiredTiger.cache.bytes currently in the cache",),
    "cache_dirty": ("wiredTiger.cache.tracked dirty bytes in the cache",),
    "cache_limit": ("wiredTiger.cache.maximum bytes configured",),
    "read_tickets": ("queues.execution.read.out", "wiredTiger.concurrentTransactions.read.out"),
    "write_tickets": ("queues.execution.write.out", "wiredTiger.concurrentTransactions.write.out"),
    "read_tickets_limit": (
        "queues.execution.read.totalTickets",
        "wiredTiger.concurrentTransactions.read.totalTickets",
    ),
    "write_tickets_limit": (
        "queues.execution.write.totalTickets",
        "wiredTiger.concurrentTransactions.write.totalTickets",
    ),
    "scanned_objects": ("metrics.queryExecutor.scannedObjects",),
    "returned": ("metrics.document.returned",),
    "write_conflicts": ("metrics.operation.writeConflicts",),
    "bytes_in": ("network.bytesIn",),
    "bytes_out": ("network.bytesOut",),
    "asserts_user": ("asserts.user",),
    "cursors": ("metrics.cursor.open.total",),
    "transactions": ("transactions.currentOpen",),
}
_EVICTIONS = "wiredTiger.cache.pages evicted by application threads"


class Latency:
    """Mean times between two samples, of counters that only grow. One for each connection."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, float]] = {}

    def of(self, status: Mapping[str, Any]) -> dict[str, float]:
        """Seconds of an operation in the mean, by counter name; nothing where none ran in between."""
        found: dict[str, float] = {}
        for counter, path in (("read_latency", "reads"), ("write_latency", "writes")):
            spent = number(status, f"opLatencies.{path}.latency")
            count = number(status, f"opLatencies.{path}.ops")
            if spent is None or count is None:
                continue
            before = self._before.get(counter)
            self._before[counter] = (spent, count)
            if before is None or count < before[1] or spent < before[0]:
                continue
            ran = count - before[1]
            found[counter] = (spent - before[0]) / ran / 1e6 if ran else 0.0
        return found


def of_status(status: Mapping[str, Any]) -> dict[str, float]:
    """The counters of one answer of serverStatus. Bytes, seconds or counts."""
    found: dict[str, float] = {}
    for name, paths in _PATHS.items():
        value = next((v for path in paths if (v := number(status, path)) is not None), None)
        if value is not None:
            found[name] = value
    available = number(status, "connections.available")
    if available is not None and "connections" in found:
        found["max_connections"] = found["connections"] + available
    evictions = number(status, _EVICTIONS)
    if evictions is not None:
        found["app_evictions"] = evictions
    asserts = [number(status, f"asserts.{kind}") for kind in ("regular", "warning", "msg")]
    known = [value for value in asserts if value is not None]
    if known:
        found["asserts_server"] = sum(known)
    resident = number(status, "mem.resident")
    if resident is not None:
        found["resident_bytes"] = resident * 2**20
    lagged = at(status, "flowControl.isLagged")
    if isinstance(lagged, bool):
        found["flow_control"] = float(lagged)
    return found if "ops_query" in found else found | _of_commands(status)


def _of_commands(status: Mapping[str, Any]) -> dict[str, float]:
    """Operations counted by command, where the server has no opcounters."""
    commands = at(status, "metrics.commands")
    if not isinstance(commands, Mapping) or not commands:
        return {}
    found = dict.fromkeys((f"ops_{name}" for name in _OPERATIONS), 0.0) | {"failed_commands": 0.0}
    for name, counts in commands.items():
        if isinstance(counts, Mapping):
            found[f"ops_{_COMMANDS.get(name, 'command')}"] += number(counts, "total") or 0.0
            found["failed_commands"] += number(counts, "failed") or 0.0
    return found
