"""What the tests of this engine share: engines and monitors on a URL, users with few rights, sessions to be watched."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator

from dbtui.config import Target
from dbtui.engines.redis.activity import RedisMonitor
from dbtui.engines.redis.connection import Connector
from dbtui.engines.redis.engine import RedisEngine
from dbtui.model.activity import Activity, Health, Session, Statements
from dbtui.model.result import Page
from dbtui.model.snapshot import Snapshot
from dbtui.secrets import known
from dbtui.urls import split_secret
from tests.servers.redis import RedisServer

_number = itertools.count(1)


def target(url: str, name: str = "test") -> Target:
    clean, secret = split_secret(url)
    return Target(name, clean.partition(":")[0], clean, password=known(secret) if secret else None)


@contextlib.asynccontextmanager
async def engine(url: str) -> AsyncIterator[RedisEngine]:
    made = RedisEngine(target(url))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def monitor(url: str, clock: Clock | None = None) -> AsyncIterator[RedisMonitor]:
    connector = Connector(target(url))
    made = RedisMonitor(connector, steady=clock or Clock())
    await connector.connect()
    try:
        yield made
    finally:
        await connector.close()


async def tick(of: RedisMonitor) -> tuple[Activity, dict[str, float], Health]:
    answer = await of.sources[0].fetch(Snapshot(at=0.0))
    return answer["activity"], answer["counters"], answer["health"]


async def logs(of: RedisMonitor) -> Statements:
    found: Statements = (await of.sources[1].fetch(Snapshot(at=0.0)))["statements"]
    return found


async def session_named(of: RedisMonitor, name: str, state: str = "") -> Session:
    """The session of a client that called itself so, once it is in a state."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        activity, _, _ = await tick(of)
        for session in activity.sessions:
            if session.application == name and state in ("", session.state):
                return session
        await asyncio.sleep(0.01)
    raise AssertionError(f"no session {name} {state}: {activity.sessions}")


async def reach(condition: Callable[[], bool]) -> None:
    """Wait until something is so, at most 10 s."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.01)


async def rows(of: RedisEngine, command: str, database: str = "") -> Page:
    assert of.query is not None
    cursor = await of.query.run(command, database=database)
    page = await cursor.fetch()
    await cursor.close()
    return page


async def value(of: RedisEngine, command: str, database: str = "") -> str | None:
    """The last cell of the first row."""
    return (await rows(of, command, database)).rows[0][-1]


@contextlib.contextmanager
def user(server: RedisServer, *rules: str) -> Iterator[str]:
    """A user with these ACL rules and the password `secret`; its name."""
    name = f"user{next(_number)}"
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", name, "on", ">secret", *rules)
        try:
            yield name
        finally:
            admin.execute_command("ACL", "DELUSER", name)
