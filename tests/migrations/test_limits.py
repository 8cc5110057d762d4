"""Limits of a run: as a person says them, and what a run does at them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from dbtui.engines.base import Follows
from dbtui.errors import UsageError
from dbtui.migrations.limits import Limits, limits_of, limits_text
from dbtui.migrations.runner import Runner
from dbtui.model.run import State
from tests.migrations.runs import QUICK, Console, expand, fill, plan, table, yes
from tests.migrations.runs_elsewhere import table as table_of
from tests.migrations.runs_elsewhere import whole_of
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer


def test_what_is_said_is_changed_and_the_rest_stays() -> None:
    made = limits_of("lag=2.5 lag-mb=16 sessions=40  replica=db-02 replica=mysql://db-03/")
    assert made == replace(
        Limits(), lag=2.5, lag_bytes=16 * 2**20, active=40, replicas=("db-02", "mysql://db-03/")
    )
    assert limits_of(limits_text(made)) == made
    assert limits_of("") == Limits()


@pytest.mark.parametrize("said", ["lag", "lag=", "lag=soon", "lag=-1", "sessions=inf", "speed=1", "replica="])
def test_what_is_no_limit_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match="is no limit"):
        limits_of(said)


async def test_ddl_is_taken_back_while_the_server_is_too_busy(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(1), database)
    slow = replace(
        expand(), statements=("SELECT pg_sleep(60)",), postconditions=(), retries=0, lock_timeout=0.0
    )
    busy = await asyncpg.connect(postgres18.url(database))
    try:
        task = asyncio.ensure_future(busy.execute("select pg_sleep(60)"))
        async with Console(postgres18.url(database)) as console:
            limits = replace(QUICK, critical_active=1)
            async with console.runner(plan(slow), limits=limits) as runner:
                run = await runner.run()
            task.cancel()
    finally:
        busy.terminate()
    assert run.of(1).state is State.WITHDRAWN, run.lines
    assert "sessions were at work" in run.of(1).detail


async def test_a_backfill_that_may_not_go_on_stops_itself_in_the_end(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(3_000), database)
    limits = replace(QUICK, active=-1, holding=1.0)
    async with Console(postgres18.url(database)) as console:
        async with console.runner(plan(expand(), fill(batch=10)), limits=limits) as runner:
            run = await runner.run()
        assert run.of(2).state is State.STOPPED and "it held for" in run.of(2).detail, run.lines
        async with console.runner(plan(expand(), fill(batch=10))) as runner:
            assert (await runner.run()).next is None


async def test_a_replica_that_is_named_and_does_not_follow_holds_a_backfill(
    mysql: MysqlProtocolServer,
) -> None:
    database = mysql.create_database()
    mysql.sql(*table_of(mysql.engine, 3_000), database=database)
    made = whole_of(mysql.engine, 10)
    async with Console(mysql.url(database)) as console, Console(mysql.url()) as other:
        assert isinstance(other.engine, Follows)
        assert await other.engine.behind() is None
        runner = Runner(
            console.engine, console.target, made, approve=yes, replicas=(other.engine,),
            limits=replace(QUICK, holding=1.0),
        )  # fmt: skip
        async with runner:
            run = await runner.run()
    assert run.of(2).state is State.STOPPED and "a replica does not follow" in run.of(2).detail, run.lines
