from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import redis as driver

from dbtui.engines.redis.engine import RedisEngine
from dbtui.errors import NotApproved, PermissionDenied, QueryError, QueryTimeout, SessionLost
from dbtui.model.activity import Session
from dbtui.model.result import Page
from dbtui.safety import Approval, approve, scope_of
from tests.engines.redis.opened import engine, reach, session_named, user
from tests.servers.redis import RedisServer


def leave(verb: str, session: Session) -> Approval:
    return approve("test", f"{verb}:{session.id}:{session.started}", "it is in the way")


async def write(made: RedisEngine, command: str, timeout: float = 10.0) -> Page:
    return await made.actions.write(command, approve("test", scope_of(command), "wanted"), timeout=timeout)


async def test_terminate_ends_exactly_the_client_that_was_seen(redis: RedisServer) -> None:
    with redis.client(client_name="victim", single_connection_client=True) as victim:
        victim.ping()
        async with engine(redis.url()) as made:
            seen = await session_named(made.monitor, "victim")
            other_address = replace(
                seen, started=seen.started[:-1] + ("1" if seen.started[-1] != "1" else "2")
            )
            other_run = replace(seen, started="0" * 40 + seen.started[40:])
            for another in (other_address, other_run):
                assert not await made.actions.terminate(another, leave("terminate", another))
            assert victim.ping()
            assert await made.actions.terminate(seen, leave("terminate", seen))
            assert not await made.actions.terminate(seen, leave("terminate", seen)), "it is gone"
        with pytest.raises(driver.ConnectionError):
            victim.connection.send_command("PING")
            victim.connection.read_response()


async def test_cancel_unblocks_a_client_that_waits(redis: RedisServer) -> None:
    def wait() -> object:
        with redis.client(client_name="waiter") as waiter:
            return waiter.blpop("none", 0)

    waiting = asyncio.create_task(asyncio.to_thread(wait))
    async with engine(redis.url()) as made:
        seen = await session_named(made.monitor, "waiter", "blocked")
        other = replace(seen, started="x y")
        assert not await made.actions.cancel(other, leave("cancel", other))
        assert not waiting.done()
        assert await made.actions.cancel(seen, leave("cancel", seen))
        assert await waiting is None


async def test_a_client_that_waits_for_nothing_cannot_be_cancelled(redis: RedisServer) -> None:
    with redis.client(client_name="calm") as calm:
        calm.ping()
        async with engine(redis.url()) as made:
            seen = await session_named(made.monitor, "calm")
            with pytest.raises(QueryError, match="waits for nothing") as caught:
                await made.actions.cancel(seen, leave("cancel", seen))
            assert caught.value.hint
        assert calm.ping()


@pytest.mark.parametrize(
    "approval",
    [
        lambda s: approve("test", f"cancel:{s.id}:{s.started}", "another verb"),
        lambda s: approve("test", f"terminate:{s.id}:1", "another start"),
        lambda s: approve("elsewhere", f"terminate:{s.id}:{s.started}", "another server"),
        lambda s: approve("test", f"terminate:{s.id}:{s.started}", "expired", seconds=-1),
        lambda s: approve("test", "lift", "a lift is for commands"),
    ],
)
async def test_nothing_ends_without_exactly_this_approval(redis: RedisServer, approval: object) -> None:
    with redis.client(client_name="safe", single_connection_client=True) as safe:
        safe.ping()
        async with engine(redis.url()) as made:
            seen = await session_named(made.monitor, "safe")
            with pytest.raises(NotApproved):
                await made.actions.terminate(seen, approval(seen))
        assert safe.ping()


async def test_the_missing_rule_is_told(redis: RedisServer) -> None:
    with redis.client(client_name="target") as target, user(redis, "+info", "+client|list") as name:
        target.ping()
        async with engine(redis.url(user=name, password="secret")) as made:
            seen = await session_named(made.monitor, "target")
            with pytest.raises(PermissionDenied) as caught:
                await made.actions.terminate(seen, leave("terminate", seen))
            assert caught.value.remedy == f"ACL SETUSER {name} +client|kill"


async def test_writing_takes_one_approved_command(redis: RedisServer) -> None:
    async with engine(redis.url(6)) as made:
        assert (await write(made, r'SET "bin\xff" "a b"')).status == "OK"
        with redis.client(6) as client:
            assert client.get(b"bin\xff") == b"a b"
            assert (await write(made, "RPUSH numbers 1 2 3")).rows == (("3",),)
            page = await write(made, "LRANGE numbers 0 -1")
            assert [row[-1] for row in page.rows] == ["1", "2", "3"]
            assert page.status == "3 rows"
            with pytest.raises(NotApproved):
                await made.actions.write("SET a 2", approve("test", scope_of("SET a 1"), "another command"))
            assert await made.actions.write("SET a 1", approve("test", "lift", "a lift covers commands"))
            with pytest.raises(QueryError, match="wrong kind"):
                await write(made, "INCR numbers")
            client.flushdb()


@pytest.mark.parametrize(
    "command", ["MULTI", "SUBSCRIBE x", "MONITOR", "CLIENT REPLY OFF", "HELLO 2", "SELECT 1", "RESET", "quit"]
)
async def test_what_makes_no_sense_alone_is_not_run(redis: RedisServer, command: str) -> None:
    async with engine(redis.url()) as made:
        with pytest.raises(QueryError, match="is not run here"):
            await write(made, command)


async def test_a_write_that_is_not_answered(redis: RedisServer) -> None:
    async with engine(redis.url(6)) as made:
        with pytest.raises(QueryTimeout):
            await write(made, "BLPOP none 0", timeout=0.1)
        await reach(lambda: redis.blocked() == 0)
        assert (await write(made, "EXISTS none")).rows == (("0",),)


async def test_a_server_that_is_shut_down_by_what_was_approved(redis: RedisServer) -> None:
    with RedisServer(redis.product) as server:
        async with engine(server.url()) as made:
            with pytest.raises(SessionLost):
                await write(made, "SHUTDOWN NOSAVE")
