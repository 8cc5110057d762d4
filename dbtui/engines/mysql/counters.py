"""The figures that are made of SHOW GLOBAL STATUS, the most telling first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dbtui.engines.mysql.sessions import CLIENT
from dbtui.engines.mysql.wire import MARK
from dbtui.model.activity import Session
from dbtui.model.snapshot import Metric

METRICS = (
    Metric("qps", "QPS", "rate", ("questions",)),
    Metric("cache", "Buffer pool", "ratio", ("pages_hit",), ("pages_read",), unit="fraction", warn_below=0.95),
    Metric("connections", "Connections", "gauge", ("threads_connected",), limit="max_connections", warn_above=0.8),
    Metric("load", "Running", "gauge", ("running",)),
    Metric("waiting", "Row waits", "gauge", ("innodb_row_lock_current_waits",), warn_above=0.0),
    Metric("lag", "Lag", "gauge", ("replication_lag",), unit="seconds", warn_above=10.0),
    Metric("history", "History list", "gauge", ("history_list",), warn_above=100_000.0),
    Metric("oldest", "Oldest tx", "gauge", ("oldest_transaction",), unit="seconds", warn_above=600.0),
    Metric("idle_in_transaction", "Idle in tx", "gauge", ("idle_in_transaction",)),
    Metric("slow", "Slow", "rate", ("slow_queries",)),
    Metric("temp", "Disk tmp tables", "rate", ("created_tmp_disk_tables",)),
    Metric("redo", "Redo", "rate", ("innodb_os_log_written",), unit="bytes"),
    Metric("written", "Rows written", "rate", ("rows_written",)),
    Metric("fetched", "Rows read", "rate", ("rows_read",)),
    Metric("scanned", "Rows scanned", "rate", ("handler_read_rnd_next",)),
    Metric("rollbacks", "Rollbacks", "rate", ("com_rollback",)),
    Metric("deadlocks", "Deadlocks", "rate", ("deadlocks",), warn_above=0.0),
    Metric("free_waits", "Waits for free pages", "rate", ("innodb_buffer_pool_wait_free",), warn_above=0.0),
    Metric("refused", "Refused connects", "rate", ("aborted_connects", "connection_errors_max_connections"),
           warn_above=0.0),
    Metric("memory", "Session memory", "gauge", ("session_memory",), unit="bytes"),
    Metric("flow_control", "Flow control", "rate", ("wsrep_flow_control_paused_ns",), warn_above=1e8),
)  # fmt: skip

_WRITTEN = (
    ("Innodb_rows_inserted", "Innodb_rows_updated", "Innodb_rows_deleted"),
    ("Handler_write", "Handler_update", "Handler_delete"),  # MariaDB 11 has no others
)
_READ = (
    ("Innodb_rows_read",),
    ("Handler_read_first", "Handler_read_key", "Handler_read_last", "Handler_read_next", "Handler_read_prev",
     "Handler_read_rnd", "Handler_read_rnd_next"),
)  # fmt: skip
STATUS = tuple(dict.fromkeys((
    "Questions", "Threads_connected", "Threads_running", "Max_used_connections", "Slow_queries", "Aborted_connects",
    "Aborted_clients", "Connection_errors_max_connections", "Innodb_row_lock_current_waits",
    "Innodb_buffer_pool_read_requests", "Innodb_buffer_pool_reads", "Innodb_buffer_pool_wait_free",
    "Innodb_checkpoint_age", "Innodb_checkpoint_max_age",
    "Innodb_os_log_written", "Innodb_deadlocks", "Innodb_history_list_length", "Created_tmp_disk_tables",
    "Handler_read_rnd_next", "Com_rollback", "Uptime", "wsrep_cluster_size", "wsrep_flow_control_paused_ns",
    *(name for names in (*_WRITTEN, *_READ) for name in names),
)))  # fmt: skip
QUESTION = f"SHOW GLOBAL STATUS WHERE (SELECT 1 AS {MARK}) AND Variable_name IN ({{}})".format(
    ", ".join(f"'{name}'" for name in STATUS)
)
_KNOWN = (  # to MariaDB alone; MySQL has them among its metrics
    ("innodb_history_list_length", "history_list"),
    ("innodb_deadlocks", "deadlocks"),
    ("innodb_checkpoint_age", "checkpoint_age"),
    ("innodb_checkpoint_max_age", "redo_room"),
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")


def of_status(rows: Iterable[tuple[str, ...]]) -> dict[str, float]:
    """The counters of one answer, by their names in lower case, in the server's units."""
    values = {name.lower(): float(value) for name, value in rows if _NUMBER.match(value)}
    requests, reads = values.get("innodb_buffer_pool_read_requests"), values.get("innodb_buffer_pool_reads")
    if requests is not None and reads is not None:
        values["pages_read"] = reads
        values["pages_hit"] = max(0.0, requests - reads)
    for known, ways in (("rows_written", _WRITTEN), ("rows_read", _READ)):
        counted = next((way for way in ways if all(name.lower() in values for name in way)), ())
        if counted:
            values[known] = sum(values[name.lower()] for name in counted)
    for name, known in _KNOWN:
        if name in values:
            values[known] = values[name]
    return values


def of_sessions(sessions: Iterable[Session]) -> Mapping[str, float]:
    """What the sessions add: those that run something, as Threads_running counts the server's own and the console's
    too; idle in transaction; the age of the oldest transaction in seconds.
    """
    running, idle, oldest = 0, 0, 0.0
    for session in sessions:
        running += session.kind == CLIENT and session.state == "active"
        idle += session.state == "idle in transaction"
        oldest = max(oldest, session.transaction_age or 0.0)
    return {"running": running, "idle_in_transaction": idle, "oldest_transaction": oldest}
