"""The session that runs a plan on PostgreSQL, and what is seen beside it: see `engines.base.RunSession`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from dbtui.engines.base import Statement
from dbtui.engines.held import Held, opened
from dbtui.engines.postgres.connection import LOCK_LIMIT, Connection, Connector, Work
from dbtui.engines.postgres.failures import FAILURES, describe
from dbtui.engines.postgres.identity import identity
from dbtui.engines.postgres.rows import UNNAMED, unknown_as_text
from dbtui.engines.postgres.session import WATCH_CLIENT
from dbtui.errors import ConnectError, SessionLost
from dbtui.model.activity import Progress
from dbtui.model.run import Look, Observed

# The pair of numbers of pg_advisory_lock that every runner takes: "dbtui" and "plan" in ASCII, cut to four bytes.
_CLAIM = "1684174965, 1886151022"
# Keys travel as text: the same words on every session. What is journalled as done must outlive a crash.
_SETTINGS = """
SET datestyle TO ISO; SET timezone TO UTC; SET extra_float_digits TO 3;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_POLL = 0.2  # seconds between two tries
_BRIEF = 5.0  # seconds for a question of the console's own


async def hold(connector: Connector, work: Work, database: str) -> PostgresRunSession:
    """A session of its own. Raises ConnectError; a pooler is refused, since settings and locks would be lost."""
    return await opened(PostgresRunSession(connector, work, database))


class PostgresRunSession(Held[Connection]):
    """See `engines.base.RunSession`."""

    def __init__(self, connector: Connector, work: Work, database: str) -> None:
        super().__init__(connector.target.name)
        self._connector = connector
        self._work = work
        self._database = database
        self.identity = ""

    @property
    def id(self) -> str:
        """The process id of the backend."""
        return str(self._open.pid)

    async def reopen(self) -> None:
        """A new session; an older one of this object is dropped. Raises ConnectError."""
        await self._leave()
        self._connection = connection = await self._connector.open(
            "run", database=self._database, writable=True
        )
        if connection.pooled:
            raise ConnectError(
                f"{self._connector.target.name} is reached through a pooler, which keeps no session for a plan",
                "connect to the server itself",
            )
        await connection.execute(_SETTINGS)
        self.identity = await identity(connection)

    async def seize(self, *, patience: float = 2.0) -> str:
        """Take the advisory lock that all runners of this database share."""
        until = time.monotonic() + patience
        while not await self._open.fetchval(f"SELECT pg_catalog.pg_try_advisory_lock({_CLAIM})"):
            if time.monotonic() >= until:
                return await self._holder()
            await asyncio.sleep(_POLL)
        return ""

    async def _holder(self) -> str:
        rows = await self._open.fetch(_HOLDER)
        return rows[0][0] if rows else "another runner was here a moment ago; try again"

    async def read(self, sql: str, *, timeout: float = 10.0) -> Sequence[tuple[str | None, ...]]:
        rows = await self._open.fetch(sql, timeout=timeout)
        return [tuple(None if cell is None else str(cell) for cell in row) for row in rows]

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """See `engines.base.RunSession`. A statement in `one` transaction whose client is gone is given up."""
        self._gate.check()
        raw = self._open._raw
        limits = {
            "lock_timeout": LOCK_LIMIT if lock_timeout is None else lock_timeout,
            "statement_timeout": timeout,
        }
        counts: list[int] = []
        async with self._reported(), _wrapped(raw, limits, one=one):
            for statement in statements:
                sql = statement if isinstance(statement, str) else statement(counts)
                counts.append(await run_one(raw, sql))
        return tuple(counts)

    @asynccontextmanager
    async def _reported(self) -> AsyncIterator[None]:
        """The console's own errors; a session in doubt is dropped, so that the server rolls back."""
        connection = self._open
        try:
            yield
        except asyncio.CancelledError:
            connection.abort()
            raise
        except FAILURES as error:
            described = describe(error, connection.probe.user)
            if isinstance(described, SessionLost) or isinstance(error, TimeoutError):
                connection.abort()
            raise described from None

    async def observe(self, statements: Sequence[str], *, one: bool, relation: str) -> Observed:
        """Run statements as `write` does, and say what they locked, rewrote and scanned: for a rehearsal.

        Outside a transaction the locks are seen from another session, which holds `relation` and an old snapshot
        for a moment, so that statements that wait for such sessions stand still.
        """
        from dbtui.engines.postgres.observe import observe_alone, observe_within

        self._gate.check()
        async with self._reported():
            if one:
                return await observe_within(self._open._raw, statements)
            other = await self._connector.open("act", database=self._open.database, writable=True)
            try:
                return await observe_alone(self._open._raw, other._raw, statements, relation)
            finally:
                await other.close()

    async def cancel(self) -> None:
        if self._connection is not None:
            await self._connection.cancel()

    async def look(self, relation: str) -> Look:
        pid = self._open.pid
        async with self._work.use(self._open.database) as connection:
            me = (await connection.fetch(_LOOK, pid, relation, timeout=_BRIEF))[0]
            blockers = await connection.fetch(_BLOCKERS, pid, timeout=_BRIEF) if me["waiting"] else ()
            progress = await connection.fetch(_PROGRESS, pid, timeout=_BRIEF)
        return Look(
            waiting=bool(me["waiting"]),
            blockers=tuple(str(row[0]) for row in blockers),
            behind=int(me["behind"]),
            behind_seconds=float(me["behind_seconds"] or 0.0),
            active=int(me["active"]),
            lag=None if me["lag"] is None else float(me["lag"]),
            lag_bytes=None if me["lag_bytes"] is None else int(me["lag_bytes"]),
            autovacuum=bool(me["autovacuum"]),
            progress=next((_progress(row) for row in progress), None),
        )


@asynccontextmanager
async def _wrapped(raw: asyncpg.Connection, limits: dict[str, float], *, one: bool) -> AsyncIterator[None]:
    """A transaction around the block, or settings of the session that are put back behind it."""
    scope = "LOCAL " if one else ""
    words = "; ".join(f"SET {scope}{name} TO {int(value * 1000)}" for name, value in limits.items())
    if one:
        words += f"; SELECT {WATCH_CLIENT}"
    await raw.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {words}" if one else words)
    try:
        yield
        if one:
            await raw.execute("COMMIT")
    except (*FAILURES, asyncio.CancelledError):
        if one and not raw.is_closed():
            with contextlib.suppress(*FAILURES):
                await raw.execute("ROLLBACK", timeout=_BRIEF)
        raise
    finally:
        if not one and not raw.is_closed():
            with contextlib.suppress(*FAILURES):
                await raw.execute("; ".join(f"RESET {name}" for name in limits), timeout=_BRIEF)


async def run_one(raw: asyncpg.Connection, sql: str) -> int:
    """Run one statement by the extended protocol, which takes no second one; the rows it changed."""
    unknown_as_text(raw)
    prepared = await raw.prepare(sql, name=UNNAMED)
    await prepared.fetch()
    count = (prepared.get_statusmsg() or "").rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def _progress(row: asyncpg.Record) -> Progress:
    return Progress(
        session=str(row["pid"]),
        operation=str(row["command"]),
        phase=str(row["phase"]),
        target=str(row["target"] or ""),
        done=float(row["done"]),
        total=float(row["total"]) or None,
        unit=str(row["unit"]),
    )


_HOLDER = f"""
SELECT format('session %s of %s@%s runs a plan since %s (%s)', a.pid, a.usename,
              coalesce(host(a.client_addr), 'local'), to_char(a.backend_start, 'HH24:MI:SS TZ'),
              coalesce(nullif(a.state, ''), 'its state is hidden'))
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
   AND (l.classid::int8, l.objid::int8) = ({_CLAIM})
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""  # noqa: S608 - made of constants

_LOOK = """
SELECT coalesce((SELECT wait_event_type = 'Lock' FROM pg_catalog.pg_stat_activity WHERE pid = $1), false) AS waiting,
       count(*) FILTER (WHERE behind) AS behind,
       max(extract(epoch FROM clock_timestamp() - coalesce(query_start, state_change))) FILTER (WHERE behind)
         AS behind_seconds,
       count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend' AND pid <> $1
                          AND pid <> pg_backend_pid()) AS active,
       (SELECT max(extract(epoch FROM replay_lag)) FROM pg_catalog.pg_stat_replication) AS lag,
       (SELECT max(pg_wal_lsn_diff(sent_lsn, replay_lsn)) FROM pg_catalog.pg_stat_replication) AS lag_bytes,
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v
                WHERE v.datname = current_database() AND v.relid = to_regclass($2)) AS autovacuum
  FROM (SELECT *, wait_event_type = 'Lock' AND pid <> $1 AND $1 = ANY (pg_catalog.pg_blocking_pids(pid)) AS behind
          FROM pg_catalog.pg_stat_activity) a
"""

_BLOCKERS = """
SELECT format('%s %s %s: %s', a.pid, a.usename, a.state, left(a.query, 120))
       || coalesce(' (transaction open ' ||
                   round(extract(epoch FROM clock_timestamp() - a.xact_start))::text || ' s)', '')
  FROM unnest(pg_catalog.pg_blocking_pids($1)) b(pid) JOIN pg_catalog.pg_stat_activity a USING (pid)
 ORDER BY a.xact_start NULLS LAST LIMIT 10
"""

_PROGRESS = """
SELECT pid, command, phase, index_relid::regclass::text AS target,
       CASE WHEN tuples_total > 0 THEN tuples_done WHEN blocks_total > 0 THEN blocks_done ELSE lockers_done END AS done,
       CASE WHEN tuples_total > 0 THEN tuples_total WHEN blocks_total > 0 THEN blocks_total ELSE lockers_total END
         AS total,
       CASE WHEN tuples_total > 0 THEN 'tuples' WHEN blocks_total > 0 THEN 'blocks' ELSE 'sessions' END AS unit
  FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1
"""
