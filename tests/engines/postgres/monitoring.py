"""What the tests of the monitor share: a monitor on a URL, sessions to be watched, and raw bytes as statements."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import asyncpg

from dbtui.config import Target
from dbtui.engines.postgres.activity import PostgresMonitor
from dbtui.engines.postgres.connection import Connector
from dbtui.model.activity import Activity, Health, Session, Statements
from dbtui.model.snapshot import Section, Snapshot
from tests.servers.postgres import PostgresServer

T = TypeVar("T")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def target(url: str, name: str = "test") -> Target:
    return Target(name=name, scheme="postgresql", url=url)


@asynccontextmanager
async def monitor_of(url: str, clock: Clock | None = None) -> AsyncIterator[PostgresMonitor]:
    connector = Connector(target(url))
    monitor = PostgresMonitor(connector, steady=clock or Clock())
    await connector.connect()
    try:
        yield monitor
    finally:
        await connector.close()


async def sample(monitor: PostgresMonitor) -> tuple[Activity, dict[str, float]]:
    answer = await monitor.sources[0].fetch(Snapshot(at=0.0))
    return answer["activity"], answer["counters"]


async def locks(monitor: PostgresMonitor, activity: Activity) -> dict[str, tuple[str, ...]]:
    seen = Snapshot(at=0.0, activity=Section(activity, 0.0))
    assert monitor.sources[1].wanted(seen)
    answer: dict[str, tuple[str, ...]] = (await monitor.sources[1].fetch(seen))["locks"]
    return answer


async def statements(monitor: PostgresMonitor) -> Statements:
    found: Statements = (await monitor.sources[2].fetch(Snapshot(at=0.0)))["statements"]
    return found


async def health(monitor: PostgresMonitor) -> tuple[Health, dict[str, float]]:
    answer = await monitor.sources[3].fetch(Snapshot(at=0.0))
    return answer["health"], answer["counters"]


async def eventually(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """What `look` finds once it is `wanted`; the last find after ten seconds."""
    for _ in range(100):
        found = await look()
        if wanted(found):
            return found
        await asyncio.sleep(0.1)
    return found


@asynccontextmanager
async def client(
    server: PostgresServer, name: str, database: str = "postgres", user: str = "postgres"
) -> AsyncIterator[asyncpg.Connection]:
    """A session with an application name."""
    connection = await asyncpg.connect(
        host=str(server.socket),
        port=server.port,
        user=user,
        database=database,
        server_settings={"application_name": name},
    )
    try:
        yield connection
    finally:
        connection.terminate()


@contextmanager
def raw_statement(server: PostgresServer, database: str, sql: bytes, name: str) -> Iterator[None]:
    """A session that runs bytes that no encoding accounts for, until the block ends."""
    process = subprocess.Popen(
        [
            server.client("psql"),
            "-XAtq",
            "-h",
            server.socket,
            "-p",
            str(server.port),
            "-U",
            "postgres",
            "-d",
            database,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={"PGAPPNAME": name, "PATH": os.environ["PATH"]}
        | {k: v for k, v in os.environ.items() if "DBTUI" in k},
    )
    assert process.stdin is not None
    try:
        process.stdin.write(sql + b";\n")
        process.stdin.close()
        yield
    finally:
        server.psql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
        )
        process.wait(10)


def by_application(activity: Activity, name: str) -> Session:
    found = [s for s in activity.sessions if s.application == name]
    assert len(found) == 1, f"{len(found)} sessions of {name}"
    return found[0]
