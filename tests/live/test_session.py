from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui import engines
from dbtui.config import Target, state_folder
from dbtui.engines.base import Maintains
from dbtui.errors import NotApproved, QueryError
from dbtui.live.session import ConsoleSession, Lift
from dbtui.model.activity import Session
from dbtui.model.snapshot import Link, Snapshot
from tests.engines.postgres.monitoring import Clock, client
from tests.live.test_sampler import watching
from tests.servers.postgres import PostgresServer


def audited() -> list[dict[str, str]]:
    file = Path(state_folder()) / "audit.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def idle(server: PostgresServer, clock: Clock | None = None, *, read_only: bool = True) -> ConsoleSession:
    """A session that was not started: lift and actions need no sampling."""
    target = Target(name="shop", scheme="postgresql", url=server.url(), read_only=read_only)
    seen: list[Snapshot] = []
    more = {"clock": clock} if clock else {}
    return ConsoleSession(engines.create(target), target, interval=1.0, on_snapshot=seen.append, **more)  # type: ignore[arg-type]


async def opened(server: PostgresServer) -> ConsoleSession:
    session = idle(server)
    await session.engine.open()
    return session


async def find(watch_until: object, name: str) -> Session:
    snapshot = await watch_until(  # type: ignore[operator]
        lambda s: (
            s.activity.value is not None and any(x.application == name for x in s.activity.value.sessions)
        ),
        fresh=False,
    )
    return next(x for x in snapshot.activity.value.sessions if x.application == name)


async def test_cancel_stops_the_statement_and_leaves_the_session(postgres: PostgresServer) -> None:
    async with client(postgres, "victim") as victim, watching(postgres.url()) as (session, watch):
        task = asyncio.ensure_future(victim.execute("SELECT pg_sleep(60)"))
        seen = await find(watch.until, "victim")
        outcome = await session.cancel(seen, "too long")
        assert outcome.done and seen.id in outcome.message
        with pytest.raises(Exception, match="canceling statement"):
            await task
        assert await victim.fetchval("SELECT 1") == 1
    (line,) = audited()
    assert (line["action"], line["reason"], line["result"], line["role"]) == (
        "cancel",
        "too long",
        "done",
        "postgres",
    )


async def test_terminate_ends_only_the_session_that_was_seen(postgres: PostgresServer) -> None:
    async with client(postgres, "victim") as victim, watching(postgres.url()) as (session, watch):
        seen = await find(watch.until, "victim")
        another = await session.terminate(replace(seen, started="1"), "a later session took the id")
        assert not another.done and await victim.fetchval("SELECT 1") == 1
        outcome = await session.terminate(seen, "stuck")
        assert outcome.done
        await watch.until(lambda s: not any(x.id == seen.id for x in s.activity.value.sessions))
        gone = await session.terminate(seen, "again")
        assert not gone.done
    assert [line["result"] for line in audited()] == ["target gone", "done", "target gone"]


async def test_a_missing_privilege_ends_in_a_message(postgres: PostgresServer) -> None:
    postgres.psql("DROP ROLE IF EXISTS onlooker; CREATE ROLE onlooker LOGIN; GRANT pg_monitor TO onlooker")
    async with (
        client(postgres, "victim") as victim,
        watching(postgres.url(user="onlooker")) as (session, watch),
    ):
        seen = await find(watch.until, "victim")
        outcome = await session.terminate(seen, "no right")
        assert not outcome.done and outcome.message.startswith(f"terminate {seen.id}: ")
        assert await victim.fetchval("SELECT 1") == 1
    assert audited()[0]["result"].startswith("failed: ")


async def test_nothing_is_written_without_a_lift(postgres: PostgresServer) -> None:
    session = await opened(postgres)
    with pytest.raises(NotApproved, match="read-only"):
        await session.write("CREATE TABLE never (n int)")
    assert postgres.psql("SELECT to_regclass('never') IS NULL") == "t"
    await session.stop()


async def test_a_lift_for_one_statement_covers_one(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    session = await opened(postgres)
    lift = session.lift_read_only("a fix", once=True)
    assert isinstance(lift, Lift) and lift.once and session.lift is lift
    page = await session.write("CREATE TABLE made (n int)", database=database)
    assert page.status == "CREATE TABLE" and session.lift is None
    with pytest.raises(NotApproved):
        await session.write("DROP TABLE made", database=database)
    assert postgres.psql("SELECT count(*) FROM made", database) == "0"
    await session.stop()
    assert [line["action"] for line in audited()] == ["lift read-only", "read-only again", "write"]
    assert audited()[-1]["target"] == "CREATE TABLE made (n int)" and audited()[-1]["reason"] == "a fix"
    postgres.drop_database(database)


async def test_a_lift_for_ten_minutes_falls_back_by_itself(postgres: PostgresServer) -> None:
    clock = Clock(time.time())
    session = idle(postgres, clock)
    lift = session.lift_read_only("deploy")
    assert lift.until == clock.now + 600 and not lift.once
    clock.now += 599
    assert session.lift is lift and session.approve("SELECT 1").reason == "deploy"
    clock.now += 1
    assert session.lift is None
    with pytest.raises(NotApproved):
        session.approve("SELECT 1")
    assert [line["result"] for line in audited()] == ["lifted", "expired"]
    await session.stop()


async def test_a_lift_that_ends_is_told_to_the_screen(postgres: PostgresServer) -> None:
    seen: list[Snapshot] = []
    target = Target(name="shop", scheme="postgresql", url=postgres.url())
    session = ConsoleSession(engines.create(target), target, interval=1.0, on_snapshot=seen.append)
    session.lift_read_only("short", seconds=0.05)
    async with asyncio.timeout(5):
        while not seen:
            await asyncio.sleep(0.01)
    assert session.lift is None and audited()[-1]["result"] == "expired"
    await session.stop()


async def test_a_lift_is_dropped_and_replaced(postgres: PostgresServer) -> None:
    session = idle(postgres)
    session.lift_read_only("one")
    session.lift_read_only("two")
    session.drop_lift()
    session.drop_lift()
    assert session.lift is None
    session.lift_read_only("three")
    await session.stop()
    assert [line["result"] for line in audited()] == [
        "lifted",
        "replaced",
        "lifted",
        "dropped",
        "lifted",
        "dropped",
    ]


async def test_upkeep_needs_no_lift_and_is_in_nobodys_way(postgres: PostgresServer) -> None:
    session = await opened(postgres)
    actions = session.engine.actions
    assert isinstance(actions, Maintains)
    running = asyncio.create_task(session.maintain(actions, "SELECT pg_sleep(60)", "a long one", ""))
    seen = "select pid from pg_stat_activity where query = 'SELECT pg_sleep(60)'"
    while not postgres.psql(seen):
        await asyncio.sleep(0.05)
    with pytest.raises(NotApproved):
        await session.write("CREATE TEMPORARY TABLE other (n int)")
    session.lift_read_only("beside it")
    assert (await session.write("CREATE TEMPORARY TABLE other (n int)")).status == "CREATE TABLE"
    running.cancel()
    await asyncio.wait({running})
    async with asyncio.timeout(10):
        while postgres.psql(seen):
            await asyncio.sleep(0.05)
    await session.stop()
    assert ("SELECT pg_sleep(60)", "stopped") in [(line["target"], line["result"]) for line in audited()]


async def test_a_connection_that_is_not_read_only_writes_with_a_reason(postgres: PostgresServer) -> None:
    session = idle(postgres, read_only=False)
    await session.engine.open()
    await session.write("CREATE TEMPORARY TABLE brief (n int)", "because")
    with pytest.raises(QueryError):
        await session.write("CREATE TABLE", "because")
    await session.stop()
    assert [line["result"].partition(":")[0] for line in audited()] == ["CREATE TABLE", "failed"]


async def test_stopping_before_anything_answered() -> None:
    with PostgresServer(18) as server, server.stalled():
        async with watching(server.url()) as (session, _):
            await asyncio.sleep(0.1)
            async with asyncio.timeout(3.0):
                await session.stop()
            assert session.snapshot.link is Link.CONNECTING
