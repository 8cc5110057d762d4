"""The figures that are made of the counters of INFO, the most telling first."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.engines.redis.info import number, numbered, whole
from dbtui.model.snapshot import Metric

METRICS = (
    Metric("ops", "Commands", "rate", ("total_commands_processed",)),
    Metric("hits", "Hits", "ratio", ("keyspace_hits",), ("keyspace_misses",), unit="fraction", warn_below=0.8),
    Metric("memory", "Memory", "gauge", ("used_memory",), unit="bytes", limit="memory_limit", warn_above=0.9),
    Metric(
        "cpu", "Main thread", "rate", ("used_cpu_sys_main_thread", "used_cpu_user_main_thread"), unit="fraction",
        warn_above=0.9,
    ),
    Metric("script", "Blocked by a script", "gauge", ("script_running",), unit="seconds", warn_above=0.0),
    Metric("clients", "Clients", "gauge", ("connected_clients",), limit="maxclients", warn_above=0.8),
    Metric("lag", "Lag", "gauge", ("replication_lag",), unit="seconds", warn_above=10.0),
    Metric("lag_bytes", "Lag", "gauge", ("replication_lag_bytes",), unit="bytes", warn_above=64 * 2**20),
    Metric("link", "Primary lost", "gauge", ("primary_link_down",), unit="seconds", warn_above=0.0),
    Metric("evicted", "Evicted", "rate", ("evicted_keys",), warn_above=0.0),
    Metric("blocked", "Waiting", "gauge", ("blocked_clients",)),
    Metric("errors", "Errors", "rate", ("total_error_replies",), warn_above=10.0),
    Metric("rejected", "Refused clients", "rate", ("rejected_connections",), warn_above=0.0),
    Metric("spike", "Latency spike", "gauge", ("latency_spike",), unit="seconds", warn_above=0.1),
    Metric("saving", "Save failed", "gauge", ("save_failed",), warn_above=0.0),
    Metric("expired", "Expired", "rate", ("expired_keys",)),
    Metric("in", "In", "rate", ("total_net_input_bytes",), unit="bytes"),
    Metric("out", "Out", "rate", ("total_net_output_bytes",), unit="bytes"),
    Metric("keys", "Keys", "gauge", ("keys",)),
    Metric("fragmentation", "Fragmentation", "gauge", ("fragmentation",), warn_above=1.5),
    Metric("evicted_clients", "Evicted clients", "rate", ("evicted_clients",), warn_above=0.0),
    Metric("connections", "New clients", "rate", ("total_connections_received",)),
    Metric("fork", "Last fork", "gauge", ("latest_fork",), unit="seconds", warn_above=0.5),
    Metric("unsaved", "Unsaved changes", "gauge", ("rdb_changes_since_last_save",)),
    Metric("list_age", "Client list age", "gauge", ("client_list_age",), unit="seconds"),
)  # fmt: skip
_FRAGMENTED_FROM = 64 * 2**20  # bytes of data, below which the ratio only tells what the program itself takes


def of_info(info: Mapping[str, str]) -> dict[str, float]:
    """Every plain number of INFO under its own name, and what is made of several of them.

    Bytes, seconds or counts. What the server does not say is left out.
    """
    values = {name: value for name, text in info.items() if (value := number(text)) is not None}
    limit = values.get("maxmemory") or values.get("total_system_memory")
    if limit:
        values["memory_limit"] = limit
    values["keys"] = sum(whole(each.get("keys")) for _, each in numbered(info, "db"))
    if values.get("used_memory", 0.0) >= _FRAGMENTED_FROM and "mem_fragmentation_ratio" in values:
        values["fragmentation"] = values["mem_fragmentation_ratio"]
    if "latest_fork_usec" in values:
        values["latest_fork"] = values["latest_fork_usec"] / 1e6
    values["save_failed"] = sum(
        info.get(name, "ok") != "ok"
        for name in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")
    )
    values["script_running"] = 0.0
    return values | _replication(info, values)


def _replication(info: Mapping[str, str], values: Mapping[str, float]) -> dict[str, float]:
    """Lag of the slowest replica on a primary; on a replica, how long its primary has been silent or away."""
    if info.get("role") == "slave":
        if info.get("master_link_status") == "up":
            silent = max(0.0, values.get("master_last_io_seconds_ago", 0.0))
            return {"replication_lag": silent, "primary_link_down": 0.0}
        return {"primary_link_down": max(1.0, values.get("master_link_down_since_seconds", 1.0))}
    replicas = [each for _, each in numbered(info, "slave") if "offset" in each]
    if not replicas:
        return {}
    offset = values.get("master_repl_offset", 0.0)
    return {
        "replication_lag": max(number(each.get("lag")) or 0.0 for each in replicas),
        "replication_lag_bytes": max(0.0, *(offset - (number(each["offset"]) or 0.0) for each in replicas)),
    }
