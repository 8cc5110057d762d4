"""The figures that are made of PostgreSQL's counters, the most telling first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dbtui.model.activity import Session
from dbtui.model.snapshot import Metric

METRICS = (
    Metric("tps", "TPS", "rate", ("commits", "rollbacks")),
    Metric(
        "cache", "Cache hits", "ratio", ("blocks_hit",), ("blocks_read",), unit="fraction", warn_below=0.9
    ),
    Metric("connections", "Connections", "gauge", ("connections",), limit="max_connections", warn_above=0.8),
    Metric("load", "Active", "gauge", ("active",)),
    Metric("wal", "WAL", "rate", ("wal_bytes",), unit="bytes"),
    Metric("lag", "Lag", "gauge", ("replication_lag",), unit="seconds", warn_above=10.0),
    Metric("waiting", "Waiting", "gauge", ("waiting",), warn_above=0.0),
    Metric("idle_in_transaction", "Idle in tx", "gauge", ("idle_in_transaction",)),
    Metric("oldest", "Oldest tx", "gauge", ("oldest_transaction",), unit="seconds", warn_above=600.0),
    Metric("written", "Rows written", "rate", ("rows_inserted", "rows_updated", "rows_deleted")),
    Metric("fetched", "Rows fetched", "rate", ("rows_fetched",)),
    Metric("rollbacks", "Rollbacks", "rate", ("rollbacks",)),
    Metric("temp", "Temp", "rate", ("temp_bytes",), unit="bytes"),
    Metric("deadlocks", "Deadlocks", "rate", ("deadlocks",), warn_above=0.0),
    Metric(
        "retained", "Kept by slots", "gauge", ("slots_retained_bytes",), unit="bytes", warn_above=10 * 2**30
    ),
    Metric("wraparound", "Oldest xid", "gauge", ("oldest_transaction_id_age",), warn_above=1.5e9),
)


def of_sample(answer: Mapping[str, Any], connections: int, sessions: Iterable[Session]) -> dict[str, float]:
    """The counters of one answer of activity.sql. Bytes, seconds or counts; what the server does not say is
    left out.
    """
    values: dict[str, float] = {k: v for k, v in answer["counters"].items() if v is not None}
    values["connections"] = connections
    values["max_connections"] = answer["max"]
    if answer.get("wal") is not None:
        values["wal_bytes"] = answer["wal"]
    if answer.get("lag") is not None:
        values["replication_lag"] = max(0.0, answer["lag"])
    values |= {"active": 0, "idle_in_transaction": 0, "waiting": 0, "oldest_transaction": 0.0}
    for session in sessions:
        if session.kind not in ("client backend", "parallel worker"):
            continue
        values["active"] += session.state == "active"
        values["idle_in_transaction"] += session.state.startswith("idle in transaction")
        values["waiting"] += session.wait_type == "Lock"
        values["oldest_transaction"] = max(values["oldest_transaction"], session.transaction_age or 0.0)
    return values
