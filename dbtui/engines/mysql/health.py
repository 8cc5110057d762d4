"""What changes slowly: receivers of the log, long operations, lag, and how much history InnoDB keeps."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.server import Probe
from dbtui.engines.mysql.wire import MARK, text
from dbtui.errors import QueryError
from dbtui.model.activity import Health, Progress, Replica, Session

_METRICS = (
    f"SELECT NAME AS {MARK}, COUNT FROM information_schema.INNODB_METRICS"
    " WHERE NAME IN ('trx_rseg_history_len', 'lock_deadlocks', 'log_lsn_checkpoint_age')"
)
_STAGES = f"""
SELECT t.PROCESSLIST_ID AS {MARK}, s.EVENT_NAME, s.WORK_COMPLETED, s.WORK_ESTIMATED, t.PROCESSLIST_DB,
       LEFT(t.PROCESSLIST_INFO, 200)
  FROM performance_schema.events_stages_current s JOIN performance_schema.threads t ON t.THREAD_ID = s.THREAD_ID
 WHERE s.WORK_ESTIMATED > 0 AND t.PROCESSLIST_ID IS NOT NULL
"""
_NAMES = {
    "trx_rseg_history_len": "history_list",
    "lock_deadlocks": "deadlocks",
    "log_lsn_checkpoint_age": "checkpoint_age",
    "redo_room": "redo_room",
}
_REDO = f"SELECT 'redo_room' AS {MARK}, @@innodb_redo_log_capacity"  # from 8.0.30 on
_REPLICATION = {True: "SHOW ALL REPLICAS STATUS", False: "SHOW REPLICA STATUS"}  # of MariaDB, of MySQL
_NO_STAGES = (
    "the progress of an ALTER is not shown: UPDATE performance_schema.setup_consumers SET ENABLED = 'YES'"
    " WHERE NAME = 'events_stages_current';"
)


class SlowLook:
    """Asks one question after the other; what the server refuses is left out from then on."""

    def __init__(self, probe: Probe) -> None:
        self._refused: set[str] = set()
        self._mariadb = probe.mariadb
        self._replication = _REPLICATION[probe.mariadb]
        self._metrics = "" if probe.mariadb else _METRICS  # MariaDB has both among its status variables
        self._redo = "" if probe.mariadb else _REDO
        self._stages = _STAGES if probe.consumes("events_stages_current") else ""
        self._notes = (
            (_NO_STAGES,) if probe.performance_schema and not probe.mariadb and not self._stages else ()
        )

    async def read(
        self,
        connection: Connection,
        sessions: tuple[Session, ...],
        progress: tuple[Progress, ...],
        *,
        timeout: float,
    ) -> tuple[Health, dict[str, float]]:
        """Raises QueryTimeout, SessionLost."""
        values: dict[str, float] = {}
        sources = await self._sources(connection, timeout)
        lags = [source.lag_seconds for source in sources if source.lag_seconds is not None]
        if lags:
            values["replication_lag"] = max(lags)
        for question in (self._metrics, self._redo):
            for name, count in await self._rows(connection, question, timeout):
                values[_NAMES[name]] = float(count or 0)
        stages = [_stage(row) for row in await self._rows(connection, self._stages, timeout)]
        replicas = tuple(
            Replica(s.user, s.client, s.wait or s.state, None, None)
            for s in sessions
            if s.kind == "binlog dump"
        )
        return Health((*sources, *replicas), (*progress, *stages), notes=self._notes), values

    async def _rows(self, connection: Connection, sql: str, timeout: float) -> list[tuple[str, ...]]:
        if not sql or sql in self._refused:
            return []
        try:
            return await connection.fetch(sql, timeout=timeout)
        except QueryError as error:
            if not error.code:
                raise
            self._refused.add(sql)
            return []

    async def _sources(self, connection: Connection, timeout: float) -> tuple[Replica, ...]:
        """The channels by which this server receives, with how far each is behind; none where nothing is."""
        if self._replication in self._refused:
            return ()
        try:
            return await channels(connection, mariadb=self._mariadb, timeout=timeout)
        except QueryError as error:
            if not error.code:
                raise
            self._refused.add(self._replication)
            return ()


async def channels(connection: Connection, *, mariadb: bool, timeout: float) -> tuple[Replica, ...]:
    """The channels by which a server receives. Raises QueryError, QueryTimeout, SessionLost."""
    answer = await connection.ask(_REPLICATION[mariadb], timeout=timeout)
    names = [field.column.name for field in answer.fields]
    return tuple(
        _source({name: text(cell) for name, cell in zip(names, row, strict=True) if cell is not None})
        for row in answer.rows
    )


STOPPED = "stopped"  # begins the state of a channel of which a thread does not run


def _source(row: Mapping[str, str]) -> Replica:
    """One channel. The words are those of 8.0.22 on, and before that and on MariaDB the older ones."""

    def told(*words: str) -> str:
        return next((row[word] for word in words if word in row), "")

    receives, applies = (
        told("Replica_IO_Running", "Slave_IO_Running"),
        told("Replica_SQL_Running", "Slave_SQL_Running"),
    )
    error = told("Last_SQL_Error") or told("Last_IO_Error")
    state = "receiving and applying"
    if "No" in (receives, applies):
        idle = [name for name, runs in (("receiver", receives), ("applier", applies)) if runs == "No"]
        state = f"{STOPPED}: {' and '.join(idle)}" + (f": {error}" if error else "")
    elif error:
        state = error
    behind = told("Seconds_Behind_Source", "Seconds_Behind_Master")
    host, port = told("Source_Host", "Master_Host"), told("Source_Port", "Master_Port")
    name = told("Channel_Name", "Connection_name") or "from the source"
    return Replica(name, f"{host}:{port}", state, None, float(behind) if behind else None)


def _stage(row: tuple[str, ...]) -> Progress:
    session, event, done, estimated, database, query = row
    operation = " ".join(query.split()[:2]).upper()
    return Progress(
        session, operation, event.rpartition("/")[2], database, float(done), float(estimated), "units"
    )
