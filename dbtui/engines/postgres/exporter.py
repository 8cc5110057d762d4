"""What a Prometheus exporter asks PostgreSQL, for the figures that the rules about servers compare."""

from __future__ import annotations

from dbtui.model.export import Exported

_NOW = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
_SESSIONS = """
SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS dbtui_pg_connections,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         AS dbtui_pg_connections_limit,
       coalesce(max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE wait_event_type = 'Lock'), 0)
         AS dbtui_pg_longest_lock_wait_seconds,
       coalesce(max(extract(epoch FROM clock_timestamp() - state_change))
                FILTER (WHERE state LIKE 'idle in transaction%'), 0) AS dbtui_pg_longest_idle_in_transaction_seconds,
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))
                FILTER (WHERE backend_type = 'client backend'), 0) AS dbtui_pg_oldest_transaction_seconds
  FROM pg_stat_activity
"""
_DATABASES = """
SELECT sum(blks_hit) AS dbtui_pg_blocks_hit_total, sum(blks_read) AS dbtui_pg_blocks_read_total,
       sum(deadlocks) AS dbtui_pg_deadlocks_total
  FROM pg_stat_database
"""
_REPLICAS = """
SELECT application_name, coalesce(extract(epoch FROM replay_lag), 0) AS dbtui_pg_replica_lag_seconds,
       coalesce((/*now*/) - replay_lsn, 0) AS dbtui_pg_replica_lag_bytes
  FROM pg_stat_replication
""".replace("/*now*/", _NOW)
_SLOTS = """
SELECT slot_name, coalesce((/*now*/) - restart_lsn, 0) AS dbtui_pg_slot_retained_bytes,
       (wal_status IN ('lost', 'unreserved'))::int AS dbtui_pg_slot_lost
  FROM pg_replication_slots
""".replace("/*now*/", _NOW)
_TRANSACTIONS = """
SELECT (SELECT max(age(datfrozenxid)) FROM pg_database) AS dbtui_pg_oldest_transaction_id_age,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - prepared)), 0) FROM pg_prepared_xacts)
         AS dbtui_pg_oldest_prepared_seconds
"""
_ARCHIVER = """
SELECT archived_count AS dbtui_pg_archived_total, failed_count AS dbtui_pg_archive_failures_total
  FROM pg_stat_archiver
"""
_TABLES = """
SELECT current_database() AS database, t.schemaname AS schema, t.relname AS relation,
       t.n_dead_tup AS dbtui_pg_dead_rows,
       current_setting('autovacuum_vacuum_threshold')::float8
         + current_setting('autovacuum_vacuum_scale_factor')::float8 * greatest(c.reltuples, 0)
         AS dbtui_pg_autovacuum_due_rows
  FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid
 ORDER BY t.n_dead_tup DESC LIMIT 20
"""
_CHECKPOINTS = """
SELECT num_timed AS dbtui_pg_checkpoints_timed_total, num_requested AS dbtui_pg_checkpoints_requested_total
  FROM pg_stat_checkpointer
"""
_CHECKPOINTS_16 = """
SELECT checkpoints_timed AS dbtui_pg_checkpoints_timed_total, checkpoints_req AS dbtui_pg_checkpoints_requested_total
  FROM pg_stat_bgwriter
"""


def queries(version: int) -> tuple[Exported, ...]:
    """The questions for a server of this version number (180006). They need pg_monitor, and connect to one database."""
    return (
        Exported(
            _SESSIONS,
            (
                ("dbtui_pg_connections", "gauge", "connections of clients"),
                ("dbtui_pg_connections_limit", "gauge", "connections that ordinary users can get"),
                ("dbtui_pg_longest_lock_wait_seconds", "gauge", "longest statement that waits for a lock"),
                (
                    "dbtui_pg_longest_idle_in_transaction_seconds",
                    "gauge",
                    "longest rest inside a transaction",
                ),
                ("dbtui_pg_oldest_transaction_seconds", "gauge", "oldest transaction of a client"),
            ),
        ),
        Exported(
            _DATABASES,
            (
                ("dbtui_pg_blocks_hit_total", "counter", "blocks found in the cache"),
                ("dbtui_pg_blocks_read_total", "counter", "blocks read"),
                ("dbtui_pg_deadlocks_total", "counter", "deadlocks"),
            ),
        ),
        Exported(
            _REPLICAS,
            (
                ("dbtui_pg_replica_lag_seconds", "gauge", "how far a receiver's replay is behind"),
                ("dbtui_pg_replica_lag_bytes", "gauge", "log that a receiver has not replayed"),
            ),
            ("application_name",),
        ),
        Exported(
            _SLOTS,
            (
                ("dbtui_pg_slot_retained_bytes", "gauge", "log that a slot keeps"),
                ("dbtui_pg_slot_lost", "gauge", "1 for a slot whose log is gone or goes next"),
            ),
            ("slot_name",),
        ),
        Exported(
            _CHECKPOINTS if version >= 170_000 else _CHECKPOINTS_16,
            (
                ("dbtui_pg_checkpoints_timed_total", "counter", "checkpoints that were due"),
                ("dbtui_pg_checkpoints_requested_total", "counter", "checkpoints that were forced"),
            ),
        ),
        Exported(
            _TRANSACTIONS,
            (
                ("dbtui_pg_oldest_transaction_id_age", "gauge", "age of the oldest transaction id"),
                ("dbtui_pg_oldest_prepared_seconds", "gauge", "oldest prepared transaction"),
            ),
        ),
        Exported(
            _ARCHIVER,
            (
                ("dbtui_pg_archived_total", "counter", "log segments archived"),
                ("dbtui_pg_archive_failures_total", "counter", "failures to archive"),
            ),
        ),
        Exported(
            _TABLES,
            (
                ("dbtui_pg_dead_rows", "gauge", "dead rows of a table"),
                ("dbtui_pg_autovacuum_due_rows", "gauge", "dead rows at which autovacuum begins"),
            ),
            ("database", "schema", "relation"),
        ),
    )
