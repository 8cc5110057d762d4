"""What a change would meet on MySQL or MariaDB: read-only questions to information_schema and performance_schema."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.mysql.lex import identifier, literal
from dbtui.engines.room import free_bytes
from dbtui.engines.work import Work
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.migration import Engine, Relation
from dbtui.model.survey import Conflict, Rates, Survey, TableFacts

_TIMEOUT = 15.0
_MOST = 500  # tables of one survey
_LEAST = 8 << 20  # bytes below which a table tells nothing of the server's speed
_ROWS = 100_000  # that are read to measure the server
# What a build of an index and of the table cost beside a scan of the same bytes: InnoDB's rebuild sorts and writes
# each row again. A first guess, which the next estimates on this server replace.
_INDEX_SHARE, _REWRITE_SHARE = 1 / 5, 1 / 15

_NEAR = """SELECT DISTINCT k.TABLE_SCHEMA, k.TABLE_NAME, k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME
  FROM information_schema.KEY_COLUMN_USAGE k
 WHERE k.REFERENCED_TABLE_NAME IS NOT NULL AND (k.TABLE_SCHEMA = {0} OR k.REFERENCED_TABLE_SCHEMA = {0})"""
_ALL = (
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {0} AND TABLE_TYPE = 'BASE TABLE'"
)
_SIZES = """SELECT TABLE_NAME, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = {0} AND TABLE_NAME IN ({1})"""
_USE = """SELECT OBJECT_NAME, COUNT_READ, COUNT_WRITE FROM performance_schema.table_io_waits_summary_by_table
 WHERE OBJECT_SCHEMA = {0} AND OBJECT_NAME IN ({1})"""
_TRIGGERS = """SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS
 WHERE EVENT_OBJECT_SCHEMA = {0} AND EVENT_OBJECT_TABLE IN ({1})"""
_VERSIONS = """SELECT SUBSTRING_INDEX(NAME, '/', -1), TOTAL_ROW_VERSIONS FROM information_schema.INNODB_TABLES
 WHERE NAME IN ({0})"""
_OPEN = """SELECT t.trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), COALESCE(p.USER, ''),
       COALESCE(p.COMMAND, '') FROM information_schema.INNODB_TRX t
  LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
 WHERE t.trx_mysql_thread_id <> CONNECTION_ID() ORDER BY t.trx_started LIMIT 20"""
_LOCKS = """SELECT t.PROCESSLIST_ID, l.OBJECT_NAME, l.LOCK_TYPE, COALESCE(t.PROCESSLIST_TIME, 0),
       COALESCE(t.PROCESSLIST_COMMAND, '')
  FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
 WHERE l.OBJECT_TYPE = 'TABLE' AND l.OBJECT_SCHEMA = {0} AND l.OBJECT_NAME IN ({1}) AND l.LOCK_STATUS = 'GRANTED'
   AND t.PROCESSLIST_ID <> CONNECTION_ID() LIMIT 50"""
_REPLICAS = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"


class MysqlSurveyor:
    """See `model.survey.Surveyor`. It uses the session of catalog and queries."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work

    @property
    def dialect(self) -> Engine:
        return Engine.MARIADB if self._connector.probe.mariadb else Engine.MYSQL

    async def survey(
        self, tables: tuple[Relation, ...], database: str = "", *, interval: float = 2.0
    ) -> Survey:
        """Facts of these tables, of those that they refer to, and of those that refer to them."""
        unknown: list[str] = []
        async with self._work.use(database) as connection:
            schema = database or connection.database
            names = await _near(connection, schema, [one.name for one in tables])
            facts = await self._facts(connection, schema, names, interval if tables else 0.0, unknown)
            ddl = await _ddl(connection, schema, names, unknown)
            if not tables:
                ddl += await _code(connection, schema, unknown)
            conflicts = await _conflicts(connection, schema, names, unknown)
            replicas = await _number(connection, _REPLICAS, unknown, "replicas")
            rates = await _calibrated(connection, schema, facts) if tables else None
            server = self._connector.server
            number = server.version_number
            data = "".join(
                row[0] for row in await _asked(connection, "SELECT @@datadir", unknown, "data folder")
            )
            free = free_bytes(server.address, data, tunnelled=bool(self._connector.target.ssh))
            return Survey(
                identity=await identity_of(connection, schema, mariadb=self._connector.probe.mariadb),
                database=schema,
                version=(number // 10000, number // 100 % 100, number % 100),
                address=server.address,
                ddl=ddl,
                tables=facts,
                conflicts=conflicts,
                rates=rates,
                replicas=replicas,
                notes=tuple(_told(conflicts, replicas)),
                free_bytes=free,
                unknown=tuple(unknown)
                if free is not None
                else (*unknown, "free disk: the server does not tell"),
            )

    async def _facts(
        self, connection: Connection, schema: str, names: Sequence[str], interval: float, unknown: list[str]
    ) -> tuple[TableFacts, ...]:
        if not names:
            return ()
        listed = ", ".join(literal(name) for name in names)
        found = await _asked(connection, _SIZES.format(literal(schema), listed), unknown, "sizes")
        sizes = {row[0]: row[1:] for row in found}
        before = await _used(connection, schema, listed, unknown)
        started = time.monotonic()
        if interval:
            await asyncio.sleep(interval)
        after = await _used(connection, schema, listed, unknown) if interval else before
        elapsed = time.monotonic() - started
        triggers: dict[str, list[str]] = {}
        fired = await _asked(connection, _TRIGGERS.format(literal(schema), listed), unknown, "triggers")
        for table, trigger in fired:
            triggers.setdefault(table, []).append(trigger)
        versions: dict[str, int] = {}
        if not self._connector.probe.mariadb and self._connector.server.version_number >= 80029:
            paths = ", ".join(literal(f"{schema}/{name}") for name in names)
            rows = await _asked(connection, _VERSIONS.format(paths), unknown, "row versions")
            versions = {table: int(count) for table, count in rows if count.isdigit()}
        made = []
        for name in names:
            size = sizes.get(name, ("", "", ""))
            use = _rate(before.get(name), after.get(name), elapsed) if interval else (None, None)
            figures = [int(text) if text.isdigit() else None for text in size]
            made.append(
                TableFacts(Relation(name, ""), figures[0], figures[1], figures[2], use[0], use[1],
                           row_versions=versions.get(name), triggers=tuple(triggers.get(name, ())))
            )  # fmt: skip
        return tuple(made)


def _rate(
    before: tuple[int, int] | None, after: tuple[int, int] | None, elapsed: float
) -> tuple[float | None, float | None]:
    """Rows that were read and written per second."""
    if before is None or after is None:
        return None, None
    return max(0, after[0] - before[0]) / elapsed, max(0, after[1] - before[1]) / elapsed


async def _asked(connection: Connection, sql: str, unknown: list[str], what: str) -> list[tuple[str, ...]]:
    try:
        return await connection.fetch(sql, timeout=_TIMEOUT)
    except (PermissionDenied, QueryTimeout, QueryError) as error:
        unknown.append(f"{what}: {error.message}")
        return []


async def _number(connection: Connection, sql: str, unknown: list[str], what: str) -> int:
    rows = await _asked(connection, sql, unknown, what)
    return int(rows[0][0]) if rows and rows[0][0].isdigit() else 0


async def _near(connection: Connection, schema: str, names: Sequence[str]) -> list[str]:
    """The tables that are there, with those on the other side of their foreign keys; all when none is named."""
    there = [row[0] for row in await connection.fetch(_ALL.format(literal(schema)), timeout=_TIMEOUT)]
    if not names:
        return there[:_MOST]
    wanted = {name.casefold() for name in names}
    found = set(wanted)
    for own_schema, own, other_schema, other in await connection.fetch(
        _NEAR.format(literal(schema)), timeout=_TIMEOUT
    ):
        if own.casefold() in wanted and other_schema == schema:
            found.add(other.casefold())
        if other.casefold() in wanted and own_schema == schema:
            found.add(own.casefold())
    return [name for name in there if name.casefold() in found][:_MOST]


async def _ddl(connection: Connection, schema: str, names: Sequence[str], unknown: list[str]) -> str:
    made = []
    for name in names:
        sql = f"SHOW CREATE TABLE {identifier(schema)}.{identifier(name)}"
        rows = await _asked(connection, sql, unknown, f"structure of {name}")
        made += [f"{row[1]};\n" for row in rows]
    return "".join(made)


_CODE = """
SELECT 'VIEW', TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {0}
 UNION ALL
SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {0}
 UNION ALL
SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {0}
"""


async def _code(connection: Connection, schema: str, unknown: list[str]) -> str:
    """The statements that make views, routines and triggers; what a body hides from the role is left out."""
    made = []
    for kind, name in await _asked(connection, _CODE.format(literal(schema)), unknown, "views and routines"):
        sql = f"SHOW CREATE {kind} {identifier(schema)}.{identifier(name)}"
        rows = await _asked(connection, sql, unknown, f"structure of {name}")
        made += [f"{row[1 if kind == 'VIEW' else 2]};\n" for row in rows]
    return "".join(made)


async def _used(
    connection: Connection, schema: str, listed: str, unknown: list[str]
) -> Mapping[str, tuple[int, int]]:
    rows = await _asked(connection, _USE.format(literal(schema), listed), unknown, "use of tables")
    return {name: (int(read), int(written)) for name, read, written in rows}


async def _conflicts(
    connection: Connection, schema: str, names: Sequence[str], unknown: list[str]
) -> tuple[Conflict, ...]:
    found = [
        Conflict(session, "", "", float(seconds or 0), f"{user} {command}".strip())
        for session, seconds, user, command in await _asked(connection, _OPEN, unknown, "transactions")
    ]
    if names:
        sql = _LOCKS.format(literal(schema), ", ".join(literal(name) for name in names))
        found += [
            Conflict(session, table, mode, float(seconds or 0), command)
            for session, table, mode, seconds, command in await _asked(
                connection, sql, unknown, "metadata locks"
            )
        ]
    return tuple(found)


def _told(conflicts: Sequence[Conflict], replicas: int) -> list[str]:
    notes = [
        f"session {one.session} ({one.what}) has a transaction open for {one.seconds:.0f} s: ALTER TABLE waits for"
        " its end, and everybody behind it"
        for one in conflicts[:5]
        if not one.relation and one.seconds >= 5
    ]
    if replicas:
        notes.append(f"{replicas} replicas: what builds a table anew, they do again in one piece")
    return notes


async def identity_of(connection: Connection, schema: str, *, mariadb: bool) -> str:
    """The server's own UUID (MariaDB has none: name, port and id stand for it) and the database."""
    sql = "SELECT CONCAT_WS(':', @@hostname, @@port, @@server_id)" if mariadb else "SELECT @@server_uuid"
    rows = await connection.fetch(sql, timeout=_TIMEOUT)
    return f"{rows[0][0]}/{schema}"


async def _calibrated(connection: Connection, schema: str, facts: Sequence[TableFacts]) -> Rates | None:
    """How fast this server reads, by the first rows of the largest table that the change is about."""
    largest = max(
        (one for one in facts if one.bytes and one.rows), key=lambda one: one.bytes or 0, default=None
    )
    if largest is None or (largest.bytes or 0) < _LEAST:
        return None
    table = f"{identifier(schema)}.{identifier(largest.relation.name)}"
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {_ROWS}) x"
    started = time.perf_counter()
    try:
        rows = await connection.fetch(sql, timeout=5.0)
    except (QueryTimeout, QueryError, PermissionDenied):
        return None
    took = time.perf_counter() - started
    share = min(1.0, int(rows[0][0]) / max(1, largest.rows or 1))
    scan = (largest.bytes or 0) * share / max(took, 1e-4)
    return Rates(scan, scan * _INDEX_SHARE, scan * _REWRITE_SHARE, measured=True)
