"""What a change would meet on a PostgreSQL server: read-only questions that wait for no lock longer than 300 ms."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines.postgres.connection import Connection, Connector, Work
from dbtui.engines.postgres.ddl import identifier, qualified, relation_ddl
from dbtui.engines.postgres.identity import identity
from dbtui.engines.postgres.queries import load
from dbtui.engines.room import free_bytes
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.migration import Engine, Relation
from dbtui.model.survey import Conflict, Rates, Survey, TableFacts

_TIMEOUT = 15.0
_LOCK_WAIT = 0.3
INTERVAL = 2.0  # seconds between two readings of the counters, which sessions report once a second at most
_SAMPLE = 32 << 20  # bytes that are read to measure the server
_LEAST = 8 << 20  # bytes below which a table tells nothing of the server's speed
# What an index and a rewrite cost beside a scan of the same bytes (measured on PostgreSQL 15, in cache: VALIDATE
# 1.5 GB/s, CREATE INDEX 237 MB/s, rewrite 62 MB/s). Where the disk is what limits, all three come closer.
_INDEX_SHARE, _REWRITE_SHARE = 1 / 5, 1 / 15

_REPLICAS = """SELECT (SELECT count(*) FROM pg_catalog.pg_stat_replication),
  (SELECT coalesce(json_agg(json_build_array(slot_name, active,
      pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                      restart_lsn)::int8)), '[]')::text FROM pg_catalog.pg_replication_slots)"""


@dataclass(frozen=True, slots=True)
class _Found:
    """A relation near the change, as the catalog knows it."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def relation(self) -> Relation:
        return Relation(self.name, self.schema)


class PostgresSurveyor:
    """See `model.survey.Surveyor`. It uses the session of catalog and queries."""

    dialect = Engine.POSTGRESQL

    def __init__(self, connector: Connector, work: Work) -> None:
        self._connector = connector
        self._work = work

    async def survey(
        self, tables: tuple[Relation, ...], database: str = "", *, interval: float = INTERVAL
    ) -> Survey:
        """Facts of these tables and of what is near them; of all with none named, then without rates of use."""
        unknown: list[str] = []
        async with self._work.use(database) as connection:
            names = [qualified(*(p for p in (t.schema, t.name) if p)) for t in tables] or None
            records = await connection.fetch(load("survey_near"), names, timeout=_TIMEOUT)
            near = [_Found(*record) for record in records]
            ddl = await _ddl(connection, near, unknown, whole=not tables)
            facts = await _tables(connection, near, interval if tables else 0.0, unknown)
            conflicts = await _conflicts(connection, near)
            replicas, slots, notes = await _replication(connection, unknown)
            rates = await _calibrated(connection, near, facts) if tables else None
            server = self._connector.server
            data = connection.probe.settings.get("data_directory", "")
            free = free_bytes(server.address, data, tunnelled=bool(self._connector.target.ssh))
            return Survey(
                identity=await identity(connection),
                database=connection.database,
                version=(server.version_number // 10000, server.version_number % 10000),
                address=server.address,
                ddl=ddl,
                tables=facts,
                conflicts=conflicts,
                rates=rates,
                replicas=replicas,
                slots=slots,
                notes=(*notes, *_told(conflicts, facts)),
                free_bytes=free,
                unknown=tuple(unknown)
                if free is not None
                else (*unknown, "free disk: PostgreSQL does not tell"),
            )


async def _ddl(connection: Connection, near: Sequence[_Found], unknown: list[str], *, whole: bool) -> str:
    """The statements that make the relations, without invalid indexes: they prove nothing and serve nobody.

    Of functions only how often they are computed, but all that they say with `whole`.
    """
    made: list[str] = []
    try:
        async with connection.reading(timeout=_TIMEOUT, lock_timeout=_LOCK_WAIT) as raw:
            await raw.execute("SET LOCAL search_path TO ''", timeout=_TIMEOUT)
            types = [str(record[0]) for record in await raw.fetch(load("survey_types"), timeout=_TIMEOUT)]
            if whole:
                types = [sql for sql in types if not sql.startswith("CREATE FUNCTION")]
                types += [
                    str(record[0]) for record in await raw.fetch(load("survey_routines"), timeout=_TIMEOUT)
                ]
            made += [f"{sql};\n" for sql in types]
            keys: list[str] = []
            for one in near:
                body = await raw.fetchval(load("catalog_ddl"), one.schema, one.name, timeout=_TIMEOUT)
                if body is None:
                    continue
                part: dict[str, Any] = json.loads(body, strict=False)
                part["indexes"] = [i for i in part["indexes"] or () if i["valid"]]
                own = relation_ddl(part)
                # Foreign keys refer to tables that may come later.
                lines = own.split(";\n")
                keys += [line for line in lines if "FOREIGN KEY" in line and line.startswith("ALTER")]
                made += [f"{line};\n" for line in lines if line.strip() and line not in keys]
            made += [f"{line};\n" for line in keys]
    except (QueryTimeout, PermissionDenied) as error:
        unknown.append(f"structure: {error.message}")
    return "".join(made)


async def _tables(
    connection: Connection, near: Sequence[_Found], interval: float, unknown: list[str]
) -> tuple[TableFacts, ...]:
    """Sizes, and what happens per second: from two readings of the counters."""
    by_oid = {one.oid: one for one in near if one.kind in ("r", "p", "m")}
    try:
        first = await _read(connection, list(by_oid))
        if interval:
            await asyncio.sleep(interval)
        second = await _read(connection, list(by_oid)) if interval else first
    except (QueryTimeout, PermissionDenied) as error:
        unknown.append(f"sizes: {error.message}")
        return tuple(TableFacts(one.relation) for one in by_oid.values())
    return tuple(_facts(by_oid[oid].relation, first.get(oid, row), row) for oid, row in second.items())


async def _read(connection: Connection, oids: list[int]) -> dict[int, Sequence[Any]]:
    async with connection.reading(timeout=_TIMEOUT, lock_timeout=_LOCK_WAIT) as raw:
        records = await raw.fetch(load("survey_tables"), oids, timeout=_TIMEOUT)
    return {record[0]: tuple(record) for record in records}


def _facts(relation: Relation, before: Sequence[Any], now: Sequence[Any]) -> TableFacts:
    _, rows, heap, indexes, scans, writes, at, listed, triggers = now
    elapsed = at - before[6]
    parts = json.loads(listed)
    return TableFacts(
        relation,
        rows if rows >= 0 else None,
        heap,
        indexes,
        max(0.0, (scans - before[4]) / elapsed) if elapsed > 0 else None,
        max(0.0, ((writes or 0) - (before[5] or 0)) / elapsed) if elapsed > 0 else None,
        {name: size for name, size, _ in parts},
        tuple(name for name, _, valid in parts if not valid),
        triggers=tuple(json.loads(triggers)),
    )


async def _conflicts(connection: Connection, near: Sequence[_Found]) -> tuple[Conflict, ...]:
    records = await connection.fetch(load("survey_conflicts"), [one.oid for one in near], timeout=_TIMEOUT)
    return tuple(
        Conflict(session, str(Relation(name, schema)) if name else "", mode, seconds, what)
        for session, schema, name, mode, seconds, what in records
    )


async def _replication(connection: Connection, unknown: list[str]) -> tuple[int, tuple[str, ...], list[str]]:
    try:
        async with connection.reading(timeout=_TIMEOUT) as raw:
            count, listed = await raw.fetchrow(_REPLICAS, timeout=_TIMEOUT)
    except (QueryError, PermissionDenied) as error:
        unknown.append(f"replicas: {error.message}")
        return 0, (), []
    slots = json.loads(listed)
    notes = [
        f"the replication slot {name} is not used and keeps {kept / 1e9:.1f} GB of WAL: a rewrite adds to it"
        for name, active, kept in slots
        if not active and kept is not None
    ]
    if count:
        notes.append(f"{count} replicas: an AccessExclusiveLock stops their readers of the table, too")
    return int(count), tuple(name for name, _, _ in slots), notes


def _told(conflicts: Sequence[Conflict], facts: Sequence[TableFacts]) -> list[str]:
    """What a reader of the plan should know of the server now."""
    notes = [
        f"session {one.session} ({one.what}) has a transaction open for {one.seconds:.0f} s:"
        " CREATE INDEX CONCURRENTLY waits for it"
        for one in conflicts
        if not one.relation and one.seconds >= 60
    ][:5]
    notes += [
        f"{table.relation} has the invalid index {name}: it costs each write and serves nobody"
        for table in facts
        for name in table.invalid_indexes
    ]
    return list(dict.fromkeys(notes))


async def _calibrated(
    connection: Connection, near: Sequence[_Found], facts: Sequence[TableFacts]
) -> Rates | None:
    """How fast this server reads, by some pages of the largest table that the change is about."""
    largest = max((one for one in facts if one.bytes), key=lambda one: one.bytes or 0, default=None)
    plain = {(one.schema, one.name) for one in near if one.kind in ("r", "m")}
    if largest is None or (largest.bytes or 0) < _LEAST:
        return None
    if (largest.relation.schema, largest.relation.name) not in plain:
        return None
    share = min(100.0, 100.0 * _SAMPLE / (largest.bytes or 1))
    table = f"{identifier(largest.relation.schema)}.{identifier(largest.relation.name)}"
    sql = f"SELECT count(*) FROM {table} TABLESAMPLE SYSTEM ({share:.6f})"  # noqa: S608 - quoted
    try:
        async with connection.reading(timeout=5.0, lock_timeout=_LOCK_WAIT) as raw:
            started = time.perf_counter()
            await raw.fetchval(sql, timeout=5.0)
            took = time.perf_counter() - started
    except (QueryTimeout, QueryError, PermissionDenied):
        return None
    scan = (largest.bytes or 0) * share / 100 / max(took, 1e-4)
    return Rates(scan, scan * _INDEX_SHARE, scan * _REWRITE_SHARE, measured=True)
