"""Many servers at once: each line is its own, and a server that never answers delays nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dbtui.cli import main
from dbtui.commands.fleet import as_text, chosen
from dbtui.config import Saved, Target, resolve, save
from dbtui.errors import UsageError
from dbtui.live.fleet import Fleet, Glimpse, Line
from dbtui.model.server import Environment
from dbtui.model.snapshot import Link
from tests.servers.mysql import MysqlServer
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Takes connections and never says a word; its port."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in held:
        writer.close()
    server.close()


def target(name: str, url: str) -> Target:
    return Target(name, url.partition("://")[0], url, Environment.DEVELOPMENT)


@asynccontextmanager
async def watching(*targets: Target, interval: float = 0.3) -> AsyncIterator[Fleet]:
    fleet = Fleet(targets, interval=interval)
    fleet.start()
    try:
        yield fleet
    finally:
        await fleet.stop()


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not wanted():
            await asyncio.sleep(0.05)


async def test_fifty_lines_go_on_beside_one_that_never_answers(postgres18: PostgresServer) -> None:
    async with silent_server() as port:
        silent = target("silent", f"postgresql://postgres@127.0.0.1:{port}/postgres")
        refused = target("refused", "postgresql://postgres@127.0.0.1:1/postgres")
        others = [target(f"db-{n:02}", postgres18.url()) for n in range(48)]
        async with watching(silent, refused, *others, interval=1.0) as fleet:
            await until(lambda: all(line.taken_at for line in fleet.lines[2:]))
            before = [line.taken_at for line in fleet.lines[2:]]
            await until(
                lambda: all(
                    line.taken_at and line.taken_at > was
                    for line, was in zip(fleet.lines[2:], before, strict=True)
                    if was
                )
            )
            assert fleet.lines[0].taken_at is None and fleet.lines[0].link is Link.CONNECTING
            assert fleet.lines[1].trouble
            assert {line.trouble for line in fleet.lines[2:]} == {""}


async def test_a_line_tells_of_each_engine(
    postgres18: PostgresServer, mysql9: MysqlServer, redis8: RedisServer
) -> None:
    servers = [target("pg", postgres18.url()), target("my", mysql9.url()), target("kv", redis8.url())]
    async with watching(*servers) as fleet:
        await until(lambda: all(line.load is not None and line.errors is not None for line in fleet.lines))
        postgres, mysql, redis = fleet.lines
        assert (postgres.product, mysql.product, redis.product) == ("PostgreSQL", "MySQL", "Redis")
        assert all(
            line.connections and line.limit and line.age(line.taken_at or 0) == 0 for line in fleet.lines
        )
        assert postgres.role == "primary" and postgres.waiting == 0
        await until(lambda: fleet.lines[1].load == 0)  # though its own threads and this question run


async def test_a_line_asks_for_no_statements(postgres18: PostgresServer) -> None:
    from dbtui.engines import create

    engine = create(resolve(postgres18.url()))
    glimpse = Glimpse(engine.monitor)
    assert not any("statements" in source.sections for source in glimpse.sources)
    assert any("health" in source.sections and source.every >= 30 for source in glimpse.sources)
    await engine.close()


async def test_a_line_names_what_is_wrong(postgres18: PostgresServer) -> None:
    import asyncpg

    database = postgres18.create_database()
    postgres18.psql("create table t (n int); insert into t values (1)", database)

    async def session(name: str) -> Any:
        return await asyncpg.connect(
            host=str(postgres18.socket), port=postgres18.port, user="postgres", database=database,
            server_settings={"application_name": name},
        )  # fmt: skip

    root, waiter = await session("till"), await session("web")
    await root.execute("begin; update t set n = 2")
    waiting = asyncio.create_task(waiter.execute("update t set n = 3"))
    changes = {"any-blocked-sessions": {"seconds": 0.1}}
    fleet = Fleet([target("pg", postgres18.url())], changes=changes, interval=0.2)
    fleet.start()
    try:
        await until(lambda: any(f.rule == "any-blocked-sessions" for f in fleet.lines[0].findings))
        assert "till" in fleet.lines[0].findings[0].message and fleet.lines[0].longest > 0
    finally:
        await fleet.stop()
        root.terminate()
        await asyncio.wait({waiting})
        waiting.exception()
        waiter.terminate()


def test_one_round_as_text_and_json(postgres18: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    save(Saved("orders", postgres18.url(), Environment.PRODUCTION, tags=("eu",)))
    save(Saved("gone", "postgresql://nobody@127.0.0.1:1/x", Environment.STAGING, tags=("us",)))
    assert main(["fleet", "--tag", "eu", "--format", "json"]) == 0
    (server,) = json.loads(capsys.readouterr().out)["servers"]
    assert (server["name"], server["environment"], server["link"]) == ("orders", "production", "live")
    assert server["connections"] >= 1 and server["age_s"] < 30
    assert main(["fleet", "--timeout", "3"]) == 1, "one of them does not answer"
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["SERVER", "ENV", "PRODUCT"] and len(lines) == 2
    assert any(line.startswith("gone") and "127.0.0.1" in line for line in lines)


def test_servers_are_chosen_by_name_and_tag() -> None:
    with pytest.raises(UsageError):
        chosen([], [])
    save(Saved("a", "postgresql://x@h/a", tags=("eu",)))
    save(Saved("b", "postgresql://x@h/b"))
    assert [one.name for one in chosen([], [])] == ["a", "b"]
    assert [one.name for one in chosen(["b"], ["eu"])] == ["b", "a"]
    assert [one.name for one in chosen(["a"], ["eu"])] == ["a"]


def test_hostile_text_reaches_no_terminal() -> None:
    nasty = Line(target("x", "postgresql://h/x"), Link.LOST, "gone \x1b]0;owned\x07", product="\x9b2J")
    assert "\x1b" not in as_text([nasty]) and "\x9b" not in as_text([nasty])
