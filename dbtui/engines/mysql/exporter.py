"""What a Prometheus exporter asks MySQL and MariaDB, for the figures that the rules about servers compare."""

from __future__ import annotations

from dbtui.model.export import Exported

# exported figure → the status variable it is
_STATUS = {
    "dbtui_my_threads_connected": ("Threads_connected", "gauge", "connections"),
    "dbtui_my_buffer_pool_wait_free_total": (
        "Innodb_buffer_pool_wait_free",
        "counter",
        "waits for a free page",
    ),
    "dbtui_my_connection_errors_total": (
        "Connection_errors_max_connections",
        "counter",
        "clients that were refused",
    ),
}
_MARIADB = {
    "dbtui_my_deadlocks_total": ("Innodb_deadlocks", "counter", "deadlocks"),
    "dbtui_my_history_list": ("Innodb_history_list_length", "gauge", "undo records that wait for purge"),
    "dbtui_my_checkpoint_age": ("Innodb_checkpoint_age", "gauge", "redo since the last checkpoint, bytes"),
    "dbtui_my_redo_room": (
        "Innodb_checkpoint_max_age",
        "gauge",
        "redo that may stand between checkpoints, bytes",
    ),
}
_TRANSACTIONS = """
SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0) AS dbtui_my_oldest_transaction_seconds,
       COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_wait_started, NOW())), 0) AS dbtui_my_longest_row_wait_seconds
  FROM information_schema.INNODB_TRX
"""
_LIMIT = "SELECT @@max_connections AS dbtui_my_max_connections"
_METRICS = """
SELECT MAX(IF(NAME = 'lock_deadlocks', COUNT, NULL)) AS dbtui_my_deadlocks_total,
       MAX(IF(NAME = 'trx_rseg_history_len', COUNT, NULL)) AS dbtui_my_history_list,
       MAX(IF(NAME = 'log_lsn_checkpoint_age', COUNT, NULL)) AS dbtui_my_checkpoint_age,
       @@innodb_redo_log_capacity AS dbtui_my_redo_room
  FROM information_schema.INNODB_METRICS
"""


def _status(variables: dict[str, tuple[str, str, str]], table: str) -> Exported:
    columns = ", ".join(
        f"MAX(IF(VARIABLE_NAME = '{variable}', VARIABLE_VALUE + 0, NULL)) AS {name}"
        for name, (variable, _, _) in variables.items()
    )
    figures = tuple(
        (name, "gauge" if kind == "gauge" else "counter", what) for name, (_, kind, what) in variables.items()
    )
    return Exported(f"SELECT {columns} FROM {table}", figures)  # type: ignore[arg-type]


def queries(*, mariadb: bool) -> tuple[Exported, ...]:
    """The questions for one of the two products. They need PROCESS, on MySQL SELECT on performance_schema too."""
    transactions = Exported(
        _TRANSACTIONS,
        (
            ("dbtui_my_oldest_transaction_seconds", "gauge", "oldest open transaction"),
            ("dbtui_my_longest_row_wait_seconds", "gauge", "longest wait for a row"),
        ),
    )
    limit = Exported(_LIMIT, (("dbtui_my_max_connections", "gauge", "connections that there can be"),))
    if mariadb:
        return _status(_STATUS | _MARIADB, "information_schema.GLOBAL_STATUS"), transactions, limit
    figures = tuple((name, kind, what) for name, (_, kind, what) in _MARIADB.items())
    metrics = Exported(_METRICS, figures)  # type: ignore[arg-type]
    return _status(_STATUS, "performance_schema.global_status"), transactions, limit, metrics
