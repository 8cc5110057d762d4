"""What the tests of this engine share: a connector with its work session, a monitor, and sessions to be seen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

import pymysql

from dbtui.config import Secret, Target
from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.work import Work
from dbtui.model.activity import Activity, Session, Statements
from dbtui.model.snapshot import Section, Snapshot
from tests.servers.mysql import MysqlProtocolServer

T = TypeVar("T")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def target(url: str, password: str | None = None) -> Target:
    async def source() -> Secret:
        return Secret(password or "")

    scheme = url.partition(":")[0]
    return Target(name="test", scheme=scheme, url=url, password=source if password is not None else None)


@asynccontextmanager
async def working(
    server: MysqlProtocolServer, database: str = "", user: str | None = None
) -> AsyncIterator[tuple[Connector, Work[Connection]]]:
    """A connector and its work session; as `user` with the tests' password, else as root."""
    place = server.url(database, user=user)
    connector = Connector(target(place, server.password if user else None))
    await connector.connect()
    try:
        yield connector, connector.work()
    finally:
        await connector.close()


@asynccontextmanager
async def monitoring(
    server: MysqlProtocolServer, user: str | None = None, clock: Clock | None = None
) -> AsyncIterator[MysqlMonitor]:
    async with working(server, user=user) as (connector, _):
        yield MysqlMonitor(connector, steady=clock or Clock())


async def sample(monitor: MysqlMonitor) -> tuple[Activity, dict[str, float]]:
    answer = await monitor.sources[0].fetch(Snapshot(at=0.0))
    return answer["activity"], answer["counters"]


async def locks(
    monitor: MysqlMonitor, activity: Activity, counters: dict[str, float]
) -> dict[str, tuple[str, ...]]:
    seen = Snapshot(at=0.0, activity=Section(activity, 0.0), counters=Section(counters, 0.0))
    assert monitor.sources[1].wanted(seen)
    answer: dict[str, tuple[str, ...]] = (await monitor.sources[1].fetch(seen))["locks"]
    return answer


async def statements(monitor: MysqlMonitor) -> Statements:
    found: Statements = (await monitor.sources[2].fetch(Snapshot(at=0.0)))["statements"]
    return found


async def until(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """What `look` finds at last; fails with `what` after 10 s."""
    for _ in range(500):
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(what)


async def seen(monitor: MysqlMonitor, id_: int, ready: Callable[[Session], bool] = lambda _: True) -> Session:
    """The session of a connection id as the monitor sees it, once it is as wanted."""

    async def look() -> Session | None:
        activity, _ = await sample(monitor)
        return next((s for s in activity.sessions if s.id == str(id_) and ready(s)), None)

    return await until(look, f"session {id_} was never seen as wanted")


@contextmanager
def client(
    server: MysqlProtocolServer, database: str = "", **more: Any
) -> Iterator[pymysql.Connection[pymysql.cursors.Cursor]]:
    """Another session, which may do anything."""
    connection = server.connect(database, **more)
    try:
        yield connection
    finally:
        with suppress(pymysql.err.Error):
            connection.close()


@contextmanager
def running(
    connection: pymysql.Connection[pymysql.cursors.Cursor], sql: str | bytes
) -> Iterator[list[BaseException]]:
    """A statement that runs in a thread while the block does; what it failed with comes into the list."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            connection.query(sql)
        except (pymysql.err.Error, OSError, AttributeError) as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield failures
    finally:
        thread.join(20)
