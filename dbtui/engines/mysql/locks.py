"""Who waits for whom: row locks of InnoDB and metadata locks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.server import Probe
from dbtui.engines.mysql.wire import MARK

MOST = 500  # waits of one reading
_ROWS_MYSQL = f"""
SELECT /*+ MAX_EXECUTION_TIME(2000) */ DISTINCT r.PROCESSLIST_ID AS {MARK}, b.PROCESSLIST_ID
  FROM performance_schema.data_lock_waits w
  JOIN performance_schema.threads r ON r.THREAD_ID = w.REQUESTING_THREAD_ID
  JOIN performance_schema.threads b ON b.THREAD_ID = w.BLOCKING_THREAD_ID
 LIMIT {MOST}
"""
_ROWS_MARIADB = f"""
SELECT DISTINCT r.trx_mysql_thread_id AS {MARK}, b.trx_mysql_thread_id
  FROM information_schema.INNODB_LOCK_WAITS w
  JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
  JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id
 LIMIT {MOST}
"""
_METADATA = f"""
SELECT t.PROCESSLIST_ID AS {MARK}, l.LOCK_STATUS, l.LOCK_TYPE, l.OBJECT_TYPE,
       CONCAT_WS('.', l.OBJECT_SCHEMA, l.OBJECT_NAME)
  FROM performance_schema.metadata_locks p
  JOIN performance_schema.metadata_locks l
    ON l.OBJECT_TYPE = p.OBJECT_TYPE AND l.OBJECT_SCHEMA <=> p.OBJECT_SCHEMA AND l.OBJECT_NAME <=> p.OBJECT_NAME
  JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
 WHERE p.LOCK_STATUS = 'PENDING' AND t.PROCESSLIST_ID IS NOT NULL
 GROUP BY 1, 2, 3, 4, 5
 LIMIT {MOST * 4}
"""


@dataclass(frozen=True, slots=True)
class MetadataLock:
    """One metadata lock that is held or wanted. `kind` is performance_schema's LOCK_TYPE."""

    session: str
    granted: bool
    kind: str
    object: tuple[str, str]  # type and name


class Locks:
    """Asks for the waits in the words of one server."""

    def __init__(self, probe: Probe) -> None:
        if probe.mariadb:
            self._rows = _ROWS_MARIADB if probe.has("INNODB_LOCK_WAITS") else ""
        else:
            self._rows = _ROWS_MYSQL if probe.performance_schema else ""
        self._metadata = _METADATA if probe.performance_schema and probe.sees_metadata_locks else ""

    async def rows(self, connection: Connection, *, timeout: float) -> list[tuple[str, str]]:
        """Pairs of who waits for a row and for whom. Raises QueryError, QueryTimeout, SessionLost."""
        if not self._rows:
            return []
        found = await connection.fetch(self._rows, timeout=timeout)
        return [(waiter, blocker) for waiter, blocker in found if waiter and blocker and waiter != blocker]

    async def metadata(self, connection: Connection, *, timeout: float) -> list[tuple[str, str]]:
        """Likewise of metadata locks; nobody where the server does not tell."""
        if not self._metadata:
            return []
        found = await connection.fetch(self._metadata, timeout=timeout)
        return waits(
            [
                MetadataLock(id_, status == "GRANTED", kind, (type_, name))
                for id_, status, kind, type_, name in found
            ]
        )


def blockers(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Session id → the ids it waits for."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for waiter, blocker in pairs:
        found[waiter][blocker] = None
    return {waiter: tuple(ids) for waiter, ids in found.items()}


def waits(locks: Sequence[MetadataLock]) -> list[tuple[str, str]]:
    """Pairs of who waits and for whom. A waiter that no holder stops stands behind another that waits."""
    around: Mapping[tuple[str, str], list[MetadataLock]] = defaultdict(list)
    for lock in locks:
        around[lock.object].append(lock)
    pairs = []
    for wanted in locks:
        if wanted.granted:
            continue
        others = [
            o for o in around[wanted.object] if o.session != wanted.session and conflict(wanted.kind, o.kind)
        ]
        holders = [other for other in others if other.granted]
        pairs += [(wanted.session, other.session) for other in holders or others]
    return pairs


# The matrix of MySQL's sql/mdl.cc (comment above MDL_object_lock): what a wanted lock goes along with when held.
_S, _SH, _SR, _SW, _SWLP = (
    "SHARED", "SHARED_HIGH_PRIO", "SHARED_READ", "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO",
)  # fmt: skip
_SU, _SRO, _SNW, _SNRW = (
    "SHARED_UPGRADABLE", "SHARED_READ_ONLY", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE",
)  # fmt: skip
_COMPATIBLE = {
    _S: {_S, _SH, _SR, _SW, _SWLP, _SU, _SRO, _SNW, _SNRW},
    _SH: {_S, _SH, _SR, _SW, _SWLP, _SU, _SRO, _SNW, _SNRW},
    _SR: {_S, _SH, _SR, _SW, _SWLP, _SU, _SRO, _SNW},
    _SW: {_S, _SH, _SR, _SW, _SWLP, _SU},
    _SWLP: {_S, _SH, _SR, _SW, _SWLP, _SU},
    _SU: {_S, _SH, _SR, _SW, _SWLP, _SRO},
    _SRO: {_S, _SH, _SR, _SU, _SRO, _SNW},
    _SNW: {_S, _SH, _SR, _SRO},
    _SNRW: {_S, _SH},
    "INTENTION_EXCLUSIVE": {"INTENTION_EXCLUSIVE"},
}

_BACKUP = "BACKUP_"


def _is_work(kind: str) -> bool:
    return kind.removeprefix(_BACKUP) in ("DML", "TRANS_DML", "SYS_DML", "DDL", "ALTER_COPY", "COMMIT")


def conflict(wanted: str, held: str) -> bool:
    """Whether a lock of one kind has to wait for one of the other. Kinds that are not known do."""
    if wanted.startswith(_BACKUP) and held.startswith(_BACKUP):  # MariaDB: work goes along with work
        return not (_is_work(wanted) and _is_work(held))
    return held not in _COMPATIBLE.get(wanted, set())
