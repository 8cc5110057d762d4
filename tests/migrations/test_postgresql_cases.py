"""Verdicts for PostgreSQL: what lint says, and whether the servers do what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from functools import cache

import asyncpg
import pytest

from dbtui.migrations.assess import assess
from dbtui.migrations.files import migration_file
from dbtui.migrations.locks import cell_names
from dbtui.model.migration import Assessed, Engine
from tests.migrations.cases import Case, cases, schema
from tests.servers.postgres import PostgresServer

ALL = cases("postgresql")
_BEFORE = migration_file("schema.sql", schema("postgresql"))
_LATER = migration_file("later.sql", schema("postgresql18"))


def judged(case: Case, version: int) -> Assessed:
    """The case's statement as lint sees it, after the schema that all cases share."""
    return _judged(case.sql, case.zone, version)


@cache
def _judged(sql: str, zone: str, version: int) -> Assessed:
    setting = f"SET timezone = '{zone}';" if zone else ""
    file = migration_file("case.sql", f"{setting}\n{sql};\n")
    before = [_BEFORE, _LATER] if version >= 18 else [_BEFORE]
    return assess([file], Engine.POSTGRESQL, (version,), before)[-1]


@pytest.mark.parametrize("version", [15, 18])
@pytest.mark.parametrize("case", ALL, ids=str)
def test_what_lint_says(case: Case, version: int) -> None:
    if not case.since <= version <= case.until:
        pytest.skip("another version's")
    one = judged(case, version)
    rules = sorted(
        {f.rule for f in one.findings} - {"pg-lock-timeout-missing", "pg-varchar-limit", "pg-timestamp-naive"}
    )
    assert (one.safe, rules, one.statement.error) == (case.safe, sorted(case.rules), "")
    assert {lock.relation: lock.mode for lock in one.effects.locks} == case.locks
    assert set(one.effects.rewrites) == set(case.rewrites)
    assert set(one.effects.scans) == set(case.scans)


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> Iterator[tuple[PostgresServer, str]]:
    """A database with the cases' schema."""
    database = postgres.create_database()
    postgres.psql(schema("postgresql") + (schema("postgresql18") if postgres.version >= 18 else ""), database)
    yield postgres, database
    postgres.drop_database(database)


_STATE = """
SELECT coalesce(json_object_agg(c.oid, json_build_array(c.relname, c.relkind, c.relfilenode)), '{}')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"""
_SCANS = "SELECT coalesce(json_object_agg(relid, seq_scan + coalesce(idx_scan, 0)), '{}') FROM pg_stat_xact_user_tables"
_LOCKS = """
SELECT coalesce(json_agg(json_build_array(relation, mode)), '[]') FROM pg_locks
WHERE pid = pg_backend_pid() AND relation IS NOT NULL"""
_STRENGTH = ["AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
             "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]  # fmt: skip


def observed(server: PostgresServer, database: str, case: Case) -> tuple[dict[str, str], set[str], set[str]]:
    """Locks, rewrites and scans that the statement really takes, by a transaction that is rolled back."""
    zone = f"SET LOCAL timezone = '{case.zone}';" if case.zone else ""
    script = f"BEGIN; {zone} {_STATE}; {_SCANS};\n{case.sql};\n{_LOCKS}; {_STATE}; {_SCANS}; ROLLBACK;"
    lines = [line for line in server.psql(script, database).splitlines() if line.startswith(("{", "["))]
    before, scans_before, locks, after, scans_after = (json.loads(line) for line in (*lines[:2], *lines[-3:]))
    held: dict[str, str] = {}
    for oid, mode in locks:
        name, kind, _ = before.get(str(oid), ("", "", 0))
        if kind in ("r", "p", "v", "m") or name in case.locks:
            held[name] = max(held.get(name, mode), mode, key=_STRENGTH.index)
    rewritten = {
        before[oid][0]
        for oid, (_, kind, file) in after.items()
        if oid in before and kind in ("r", "m") and file != before[oid][2]
    }
    scanned = {
        before[oid][0]
        for oid, count in scans_after.items()
        if oid in before and count > scans_before.get(oid, 0)
    }
    return held, rewritten, scanned


@pytest.mark.parametrize("case", [c for c in ALL if not c.real and not c.alone], ids=str)
def test_what_the_server_does(case: Case, shop: tuple[PostgresServer, str]) -> None:
    server, database = shop
    if not case.since <= server.version <= case.until or "pg-needs-newer-server" in case.rules:
        pytest.skip("another version's, or refused by this one")
    locks, rewrites, scans = observed(server, database, case)
    assert locks == case.locks
    if case.observe != "locks":
        assert rewrites == set(case.rewrites)
    if not case.observe:
        assert scans == set(case.scans)


@pytest.mark.parametrize("case", [c for c in ALL if c.alone], ids=str)
async def test_the_lock_that_it_waits_for(case: Case, shop: tuple[PostgresServer, str]) -> None:
    server, database = shop
    table = "part" if "part" in case.locks else "t"
    weakest = "ACCESS SHARE" if case.locks[table] == "AccessExclusiveLock" else "SHARE UPDATE EXCLUSIVE"
    holder = await asyncpg.connect(server.url(database))
    waiter = await asyncpg.connect(server.url(database))
    try:
        await holder.execute(f"BEGIN; LOCK TABLE {table} IN {weakest} MODE")
        running = asyncio.create_task(waiter.execute(case.sql))
        mode = await _waiting_for(holder, waiter.get_server_pid(), table, running)
        await holder.execute(f"SELECT pg_terminate_backend({waiter.get_server_pid()}, 5000)")
        with pytest.raises((asyncpg.PostgresError, ConnectionError)):
            await running
    finally:
        await holder.close()
        await waiter.close()
    assert mode == case.locks[table]


async def _waiting_for(
    holder: asyncpg.Connection, pid: int, table: str, running: asyncio.Task[str]
) -> str | None:
    while not running.done():
        mode = await holder.fetchval(
            "SELECT mode FROM pg_locks WHERE pid = $1 AND relation = $2::text::regclass AND NOT granted",
            pid,
            table,
        )
        if mode is not None:
            return str(mode)
        await asyncio.sleep(0.01)
    return None


def test_every_cell_of_the_matrix_has_a_case() -> None:
    used = {
        cell
        for version in (15, 18)
        for case in ALL
        if case.since <= version <= case.until
        for cell in judged(case, version).effects.cells
    }
    assert set(cell_names("postgresql")) - used == set()
