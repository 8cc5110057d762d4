"""The session that runs a plan on MySQL or MariaDB, and what is seen beside it: see `engines.base.RunSession`."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Sequence

from dbtui.engines.base import Statement
from dbtui.engines.held import Held
from dbtui.engines.mysql.connection import LOCK_LIMIT, Connection, Connector
from dbtui.engines.mysql.failures import FAILURES
from dbtui.engines.mysql.locks import Locks
from dbtui.engines.mysql.survey import identity_of
from dbtui.engines.work import Work
from dbtui.errors import ConnectError, DbtuiError
from dbtui.model.activity import Progress
from dbtui.model.run import Look

_BRIEF = 5.0  # seconds for a question of the console's own
_POLL = 0.2  # seconds between two tries
_FOREVER = 30 * 86400.0  # seconds
_MOST = 31536000  # seconds: the largest lock_wait_timeout


class MysqlRunSession(Held[Connection]):
    """See `engines.base.RunSession`. DDL commits by itself; a transaction is for rows and the journal."""

    def __init__(self, connector: Connector, work: Work[Connection], database: str) -> None:
        super().__init__(connector.target.name)
        self._connector = connector
        self._work = work
        self._database = database
        self.identity = ""

    @property
    def id(self) -> str:
        """The connection id."""
        return str(self._open.identity.id)

    async def reopen(self) -> None:
        """A new session; an older one of this object is dropped. Raises ConnectError."""
        await self._leave()
        if self._connector.server.pooler:
            raise ConnectError(
                f"{self._connector.target.name} is reached through a proxy, which keeps no session for a plan",
                "connect to the server itself",
            )
        database = self._database or self._connector.server.database
        self._connection = await self._connector.open("run", database=database, writable=True)
        self.identity = await identity_of(self._connection, database, mariadb=self._connector.probe.mariadb)

    @property
    def _claim(self) -> str:
        """The name of the lock that all runners of this database share; the server allows 64 characters."""
        return "dbtui_" + hashlib.sha256(self._open.database.encode()).hexdigest()[:32]

    async def seize(self, *, patience: float = 2.0) -> str:
        """Take the named lock; it lasts as long as the session."""
        until = time.monotonic() + patience
        while (await self._open.fetch(f"SELECT GET_LOCK('{self._claim}', 0)", timeout=_BRIEF))[0][0] != "1":
            if time.monotonic() >= until:
                return await self._holder()
            await asyncio.sleep(_POLL)
        return ""

    async def _holder(self) -> str:
        rows = await self._open.fetch(
            "SELECT CONCAT('session ', ID, ' of ', USER, ' runs a plan (', COMMAND, ' for ', TIME, ' s)')"
            f" FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK('{self._claim}')"
        )
        return rows[0][0] if rows else "another runner was here a moment ago; try again"

    async def read(self, sql: str, *, timeout: float = 10.0) -> Sequence[tuple[str | None, ...]]:
        return await self._open.fetch(sql, timeout=timeout)

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """See `engines.base.RunSession`. Locks are waited for whole seconds, at least one."""
        self._gate.check()
        connection = self._open
        patience = LOCK_LIMIT if lock_timeout is None else int(-(-lock_timeout // 1)) or _MOST
        limits = f"SET SESSION lock_wait_timeout = {patience}, SESSION innodb_lock_wait_timeout = {patience}"
        if self._connector.probe.mariadb:
            limits += f", SESSION max_statement_time = {timeout:g}"
        counts: list[int] = []
        try:
            await connection.counted(limits, _BRIEF)
            if one:
                await connection.counted("START TRANSACTION", _BRIEF)
            for statement in statements:
                sql = statement if isinstance(statement, str) else statement(counts)
                counts.append((await connection.counted(sql, timeout or _FOREVER)).affected)
            if one:
                await connection.counted("COMMIT", _BRIEF)
        except asyncio.CancelledError:
            connection.abort()
            raise
        except DbtuiError:
            await self._roll_back(connection)
            raise
        return tuple(counts)

    async def _roll_back(self, connection: Connection) -> None:
        if not connection.closed:
            with contextlib.suppress(DbtuiError, *FAILURES):
                await connection.counted("ROLLBACK", _BRIEF)

    async def cancel(self) -> None:
        if self._connection is not None:
            await self._connector.kill_statement(self._connection.identity.id)

    async def look(self, relation: str) -> Look:
        """By the list of sessions: who waits for a metadata lock in this database waits behind ours, or with it."""
        own, mariadb = self._open.identity.id, self._connector.probe.mariadb
        async with self._work.use(self._open.database) as connection:
            rows = await connection.fetch(_LOOK.format(own=own), timeout=_BRIEF)
            waiting, behind, seconds, active = rows[0]
            blockers = await self._blockers(connection) if waiting == "1" else ()
            stages = await connection.fetch((_PERCENT if mariadb else _STAGE).format(own=own), timeout=_BRIEF)
        return Look(
            waiting=waiting == "1",
            blockers=blockers,
            behind=int(behind or 0),
            behind_seconds=float(seconds or 0),
            active=int(active or 0),
            progress=next((_progress(str(own), row) for row in stages), None),
        )

    async def _blockers(self, connection: Connection) -> tuple[str, ...]:
        """Who holds the metadata lock that is waited for, as far as performance_schema tells."""
        own = str(self._open.identity.id)
        pairs = await Locks(self._connector.probe).metadata(connection, timeout=_BRIEF)
        ids = [blocker for waiter, blocker in pairs if waiter == own]
        if not ids:
            return ()
        rows = await connection.fetch(_BLOCKERS.format(ids=", ".join(ids)), timeout=_BRIEF)
        return tuple(row[0] for row in rows)


_WAITS = "STATE LIKE 'Waiting for table metadata lock%'"
_LOOK = f"""
SELECT COALESCE(MAX(ID = {{own}} AND {_WAITS}), 0), SUM(ID <> {{own}} AND DB = DATABASE() AND {_WAITS}),
       MAX(CASE WHEN ID <> {{own}} AND DB = DATABASE() AND {_WAITS} THEN TIME END),
       SUM(COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump') AND ID NOT IN ({{own}}, CONNECTION_ID()))
  FROM information_schema.PROCESSLIST
"""

# MySQL counts units of work where performance_schema keeps stages, MariaDB per cent of one stage after the other.
_STAGE = """
SELECT s.EVENT_NAME, s.WORK_COMPLETED, s.WORK_ESTIMATED
  FROM performance_schema.events_stages_current s JOIN performance_schema.threads t ON t.THREAD_ID = s.THREAD_ID
 WHERE s.WORK_ESTIMATED > 0 AND t.PROCESSLIST_ID = {own}
"""
_PERCENT = """
SELECT CONCAT('stage ', STAGE, ' of ', MAX_STAGE), PROGRESS, 100
  FROM information_schema.PROCESSLIST WHERE ID = {own} AND MAX_STAGE > 0
"""
_BLOCKERS = """
SELECT CONCAT(p.ID, ' ', p.USER, ' ', p.COMMAND, ': ', COALESCE(LEFT(p.INFO, 120), ''),
              COALESCE(CONCAT(' (transaction open ', TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), ' s)'), ''))
  FROM information_schema.PROCESSLIST p
  LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
 WHERE p.ID IN ({ids}) ORDER BY t.trx_started IS NULL, t.trx_started LIMIT 10
"""


def _progress(session: str, row: Sequence[str]) -> Progress:
    phase, done, total = row
    return Progress(session, "ALTER", phase.rpartition("/")[2], "", float(done), float(total), "units")
