"""What statements really do to the relations that were there before them: locks, new files, scans.

In a transaction that is all to be read from inside, just before it ends. What refuses a transaction is looked at from
beside; an old snapshot and a lock of that other session make CREATE INDEX CONCURRENTLY and its kin wait, and so be
seen. What is read: `pg_locks` of the backend, `pg_class.relfilenode` before and after, and what the server tells at
level debug1 when it reads a whole table, in its own English.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import asyncpg

from dbtui.engines.postgres.run import run_one
from dbtui.model.locks import STRENGTH
from dbtui.model.migration import Lock
from dbtui.model.run import Observed

_STANDS_STILL = 3.0  # seconds to wait until a statement waits for the other session
_POLL = 0.005

_LOCKS = """
SELECT l.relation::int8, c.oid::regclass::text, l.mode, l.granted
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE l.locktype = 'relation' AND l.pid = $1 AND c.relkind IN ('r', 'p', 'm', 'v', 'S')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_WAITS = "SELECT count(*) FROM pg_catalog.pg_locks WHERE pid = $1 AND NOT granted AND locktype <> 'relation'"
_FILES = """
SELECT c.oid::int8, c.oid::regclass::text, pg_catalog.pg_relation_filenode(c.oid)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm', 'v', 'i', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
# tablecmds.c and index.c, all versions from 10 on
_SCAN = re.compile(r'(?:rewriting|verifying) table "(.+)"|building index ".+" on table "(.+?)"')


async def observe_within(raw: asyncpg.Connection, statements: Sequence[str]) -> Observed:
    """Run them in one transaction, which is committed."""
    before = await _files(raw)
    began = time.monotonic()
    scans: set[str] = set()
    with _told(raw, scans):
        async with raw.transaction():
            await raw.execute("SET LOCAL client_min_messages TO debug1")
            for statement in statements:
                await run_one(raw, statement)
            locks = await raw.fetch(_LOCKS, raw.get_server_pid())
            after = await _files(raw)
    known = {name for name, _ in before.values()}
    seconds = time.monotonic() - began
    return Observed(
        _strongest(locks, before), _rewritten(before, after), tuple(sorted(scans & known)), seconds
    )


@contextmanager
def _told(raw: asyncpg.Connection, scans: set[str]) -> Iterator[None]:
    """Gather the names of tables that the server says it reads as a whole."""

    def listen(_connection: object, notice: asyncpg.PostgresLogMessage) -> None:
        found = _SCAN.search(str(notice))
        if found:
            scans.add(found[1] or found[2])

    raw.add_log_listener(listen)
    try:
        yield
    finally:
        raw.remove_log_listener(listen)


async def observe_alone(
    raw: asyncpg.Connection, other: asyncpg.Connection, statements: Sequence[str], relation: str
) -> Observed:
    """Run them one by one outside a transaction, and look from `other`."""
    before = await _files(raw)
    began = time.monotonic()
    rows: list[asyncpg.Record] = []
    for statement in statements:
        rows += await _from_beside(raw, other, statement, relation)
    after = await _files(raw)
    locks = _strongest(rows, before)
    return Observed(locks, _rewritten(before, after), (), time.monotonic() - began, seen=bool(rows))


async def _from_beside(
    raw: asyncpg.Connection, other: asyncpg.Connection, statement: str, relation: str
) -> list[asyncpg.Record]:
    """The locks of a statement, gathered until it waits for `other`, which then lets it go on."""
    pid = raw.get_server_pid()
    seen: list[asyncpg.Record] = []
    until = time.monotonic() + _STANDS_STILL
    await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SAVEPOINT held")
    try:
        if relation:
            try:
                await other.execute(f"LOCK TABLE {relation} IN ACCESS SHARE MODE")
            except asyncpg.PostgresError:  # an index, or what the statement is only to make
                await other.execute("ROLLBACK TO held")
        task = asyncio.ensure_future(run_one(raw, statement))
        while not task.done() and time.monotonic() < until:
            seen += [row for row in await other.fetch(_LOCKS, pid) if row[3]]
            if await other.fetchval(_WAITS, pid):
                seen += [row for row in await other.fetch(_LOCKS, pid) if row[3]]
                break
            await asyncio.sleep(_POLL)
    finally:
        await other.execute("ROLLBACK")
    while not task.done():
        seen += [row for row in await other.fetch(_LOCKS, pid) if row[3]]
        await asyncio.wait({task}, timeout=_POLL)
    task.result()
    return seen


async def _files(raw: asyncpg.Connection) -> dict[int, tuple[str, int | None]]:
    return {row[0]: (row[1], row[2]) for row in await raw.fetch(_FILES)}


def _rewritten(
    before: dict[int, tuple[str, int | None]], after: dict[int, tuple[str, int | None]]
) -> tuple[str, ...]:
    """Relations whose file is another one now."""
    return tuple(
        sorted(name for oid, (name, file) in before.items() if oid in after and after[oid][1] != file)
    )


def _strongest(rows: Iterable[asyncpg.Record], before: dict[int, tuple[str, int | None]]) -> tuple[Lock, ...]:
    best: dict[str, str] = {}
    for oid, name, mode, _granted in rows:
        if oid in before:
            best[name] = max(mode, best.get(name, mode), key=STRENGTH.index)
    return tuple(Lock(name, mode) for name, mode in sorted(best.items()))
