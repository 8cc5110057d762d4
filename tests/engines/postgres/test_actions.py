from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import asyncpg
import pytest

from dbtui.engines.postgres.actions import PostgresActions
from dbtui.errors import NotApproved, PermissionDenied, QueryError, QueryTimeout
from dbtui.model.activity import Session
from dbtui.safety import Approval, approve, scope_of
from tests.engines.postgres.sessions import client, count, new_role, working
from tests.servers.postgres import PostgresServer


async def seen(connection: asyncpg.Connection) -> Session:
    """A session as the monitor knows it."""
    pid, started = await connection.fetchrow(
        "select pid, (extract(epoch from backend_start) * 1000000)::int8::text"
        " from pg_stat_activity where pid = pg_backend_pid()"
    )
    return Session(str(pid), started, "u", "d", "a", "", "client backend", "active", "", "", "")


def leave(verb: str, session: Session, started: str | None = None) -> Approval:
    return approve("test", f"{verb}:{session.id}:{started or session.started}", "it blocks others")


async def test_cancel_stops_the_statement_and_keeps_the_session(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, _), client(postgres) as victim:
        session = await seen(victim)
        running = asyncio.create_task(victim.execute("select pg_sleep(60)"))
        await asyncio.sleep(0.1)
        assert await PostgresActions(connector).cancel(session, leave("cancel", session))
        with pytest.raises(asyncpg.QueryCanceledError):
            await running
        assert await victim.fetchval("select 1") == 1


async def test_terminate_ends_the_session(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, _), client(postgres) as victim:
        session = await seen(victim)
        assert await PostgresActions(connector).terminate(session, leave("terminate", session))
        with pytest.raises(
            (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
        ):
            await victim.fetchval("select 1")
        assert not await PostgresActions(connector).terminate(session, leave("terminate", session)), (
            "it is gone"
        )


async def test_another_session_with_the_same_process_id_is_left_alone(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, _), client(postgres) as victim:
        now = await seen(victim)
        before = Session(now.id, "1", "u", "d", "a", "", "client backend", "active", "", "", "")
        assert not await PostgresActions(connector).terminate(before, leave("terminate", before))
        assert await victim.fetchval("select 1") == 1


@pytest.mark.parametrize(
    "approval",
    [
        lambda s: approve("test", f"cancel:{s.id}:{s.started}", "another verb"),
        lambda s: approve("test", f"terminate:{s.id}:1", "another start"),
        lambda s: approve("elsewhere", f"terminate:{s.id}:{s.started}", "another server"),
        lambda s: approve("test", f"terminate:{s.id}:{s.started}", "expired", seconds=-1),
        lambda s: approve("test", "lift", "a lift is for statements"),
    ],
)
async def test_a_signal_needs_exactly_its_approval(
    postgres18: PostgresServer, approval: Callable[[Session], Approval]
) -> None:
    async with working(postgres18) as (connector, _), client(postgres18) as victim:
        session = await seen(victim)
        with pytest.raises(NotApproved):
            await PostgresActions(connector).terminate(session, approval(session))
        assert await victim.fetchval("select 1") == 1


async def test_a_missing_privilege_names_its_remedy(postgres: PostgresServer) -> None:
    role, other = new_role(postgres), new_role(postgres)
    postgres.psql(f'grant pg_read_all_stats to "{role}"')
    async with working(postgres, user=role) as (connector, _), client(postgres, user=other) as victim:
        session = await seen(victim)
        actions = PostgresActions(connector)
        with pytest.raises(PermissionDenied) as denied:
            await actions.cancel(session, leave("cancel", session))
        assert denied.value.remedy == f'GRANT pg_signal_backend TO "{role}";'
        postgres.psql(denied.value.remedy)
        assert await actions.cancel(session, leave("cancel", session))


async def test_a_superusers_session_is_for_superusers(postgres: PostgresServer) -> None:
    role = new_role(postgres)
    postgres.psql(f'grant pg_read_all_stats, pg_signal_backend to "{role}"')
    async with working(postgres, user=role) as (connector, _), client(postgres) as victim:
        session = await seen(victim)
        with pytest.raises(PermissionDenied) as denied:
            await PostgresActions(connector).terminate(session, leave("terminate", session))
        assert denied.value.remedy == ""
        assert "superuser" in denied.value.hint


async def test_a_hidden_start_is_not_guessed(postgres: PostgresServer) -> None:
    role = new_role(postgres)
    async with working(postgres, user=role) as (connector, _):
        hidden = Session("1", "", "u", "d", "a", "", "client backend", "", "", "", "", hidden=True)
        with pytest.raises(PermissionDenied) as denied:
            await PostgresActions(connector).cancel(hidden, approve("test", "cancel:1:", "x"))
    assert denied.value.remedy == f'GRANT pg_read_all_stats TO "{role}";'


@pytest.fixture(scope="module")
def one_table(postgres: PostgresServer) -> str:
    name = postgres.create_database()
    postgres.psql(
        "create type mood as enum ('ok'); create table t (i int primary key, m mood, n numeric)", name
    )
    return name


@pytest.fixture
def database(postgres: PostgresServer, one_table: str) -> str:
    postgres.psql("truncate t", one_table)
    return one_table


async def write(server: PostgresServer, database: str, sql: str, **more: float) -> object:
    async with working(server) as (connector, _):
        before = count(server)
        page = await PostgresActions(connector).write(
            sql, approve("test", scope_of(sql), "wanted"), database=database, **more
        )
        assert count(server) <= before, "the act session is closed"
    return page


async def test_a_write_is_done_and_its_rows_come_back(postgres: PostgresServer, database: str) -> None:
    async with working(postgres) as (connector, _):
        actions = PostgresActions(connector)
        sql = "insert into t values (1, 'ok', 'NaN'), (2, null, null) returning *, row(i, m), true"
        page = await actions.write(sql, approve("test", scope_of(sql), "seed"), database=database)
        assert page.status == "INSERT 0 2"
        assert page.rows == (("1", "ok", "NaN", "(1,ok)", "t"), ("2", None, None, "(2,)", "t"))
        assert [c.type for c in page.columns] == ["int4", "mood", "numeric", "record", "bool"]
        sql = "update t set n = 3;"
        page = await actions.write(
            sql, approve("test", "lift", "a lift covers statements"), database=database
        )
        assert (page.status, page.rows, page.more) == ("UPDATE 2", (), False)
    assert postgres.psql("select sum(n) from t", database) == "6"


@pytest.mark.parametrize(
    "sql",
    [
        "vacuum t",
        "create index concurrently on t (n)",
        "create table u (i int)",
        "do $$ begin end $$",
        "analyze",
    ],
)
async def test_statements_that_want_no_transaction_or_any(
    postgres: PostgresServer, database: str, sql: str
) -> None:
    await write(postgres, database, sql)


async def test_a_write_needs_exactly_its_approval(postgres18: PostgresServer) -> None:
    sql = "create table never_made (i int)"
    async with working(postgres18) as (connector, _):
        actions = PostgresActions(connector)
        for approval in (
            approve("test", scope_of(sql + " "), "another text"),
            approve("elsewhere", scope_of(sql), "another server"),
            approve("test", scope_of(sql), "expired", seconds=-1),
        ):
            with pytest.raises(NotApproved):
                await actions.write(sql, approval)
    assert postgres18.psql("select to_regclass('never_made') is null") == "t"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("insert into t values (1); insert into t values (2)", "2 statements"),
        ("commit", "COMMIT is not run here"),
        ("copy t from stdin", "not run here"),
        ("insert into t values ('x')", "invalid input syntax"),
        ("insert into t values (1) returning 1 / 0", "division by zero"),
    ],
)
async def test_what_a_write_refuses_leaves_nothing(
    postgres: PostgresServer, database: str, sql: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        await write(postgres, database, sql)
    assert postgres.psql("select count(*) from t", database) == "0"


async def test_a_write_waits_neither_long_nor_for_locks(postgres: PostgresServer, database: str) -> None:
    with pytest.raises(QueryTimeout):
        await write(postgres, database, "insert into t select 1 from pg_sleep(60)", timeout=0.3)
    async with client(postgres, database) as other:
        await other.execute("begin; lock table t")
        with pytest.raises(QueryTimeout, match="lock"):
            await write(postgres, database, "alter table t add column z int", timeout=0.5)
    assert postgres.psql("select count(*) from t", database) == "0"


async def test_what_is_at_stake_is_looked_up(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql("create table t (n int)", database)
    async with working(postgres, database=database) as (connector, _), client(postgres, database) as holder:
        session = await seen(holder)
        actions = PostgresActions(connector)
        await holder.execute("begin; lock t in share mode")
        before = await actions.stakes(session)
        assert before.wrote is False and before.locks == ("ShareLock on t",) and before.cancel_frees
        await holder.execute("insert into t values (1)")
        after = await actions.stakes(replace(session, state="idle in transaction"))
        assert after.wrote and after.locks == ("ShareLock on t", "RowExclusiveLock on t")
        assert after.cancel_frees is False and "dead rows" in after.notes[0]
