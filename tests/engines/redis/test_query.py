from __future__ import annotations

import asyncio

import pytest

from dbtui.engines.redis import query, reply, values
from dbtui.errors import QueryError, QueryTimeout
from dbtui.model.catalog import Kind, Node
from tests.engines.redis.opened import engine, reach, rows, value
from tests.servers.redis import RedisServer

DATABASE = 4


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest) -> set[str]:
    """Products whose database has its keys."""
    return set()


@pytest.fixture
def server(redis: RedisServer, filled: set[str]) -> RedisServer:
    if redis.product not in filled:
        filled.add(redis.product)
        with redis.client(DATABASE) as client:
            client.set("text", "one\ntwo")
            client.set("bytes", bytes(range(256)))
            client.set("empty", "")
            client.set("long", "x" + "é" * 50_000)  # a page ends inside a character
            client.rpush("list", *range(2500))
            client.sadd("set", *range(2500))
            client.hset("hash", mapping={f"f{n}": n for n in range(2500)})
            client.hset("small", mapping={"a": "1", "b": b"\xff"})
            client.zadd("zset", {f"m{n}": n / 2 for n in range(2500)})
            for n in range(1200):
                client.xadd("stream", {"n": n, "two words": "a b"}, id=f"{n + 1}-0")
    return redis


SHAPES = [
    ("GET text", ["value"], [("one\ntwo",)]),
    ("GET none", ["value"], [(None,)]),
    ("STRLEN text", ["value"], [("7",)]),
    ("PING", ["value"], [("PONG",)]),
    ("LRANGE list 0 1", ["#", "value"], [("1", "0"), ("2", "1")]),
    ("HGETALL small", ["field", "value"], [("a", "1"), ("b", r'"\xff"')]),
    ("HMGET small a none", ["#", "value"], [("1", "1"), ("2", None)]),
    ("ZRANGE zset 0 1 WITHSCORES", ["member", "score"], [("m0", "0"), ("m1", "0.5")]),
    ("XRANGE stream - + COUNT 1", ["id", "fields"], [("1-0", 'n 0 "two words" "a b"')]),
    ("HSCAN small 0", ["next cursor", "field", "value"], [("0", "a", "1"), ("0", "b", r'"\xff"')]),
    ("SSCAN none 0", ["next cursor", "member"], [("0", None)]),
    ("CONFIG GET maxmemory", ["parameter", "value"], [("maxmemory", "0")]),
    ("SMEMBERS none", ["value"], []),
    ("ECHO é😀", ["value"], [("é😀",)]),
]


@pytest.mark.parametrize(("command", "columns", "cells"), SHAPES)
async def test_answers_are_rows(
    server: RedisServer, command: str, columns: list[str], cells: list[tuple[str | None, ...]]
) -> None:
    async with engine(server.url(DATABASE)) as made:
        page = await rows(made, command)
        assert [column.name for column in page.columns] == columns
        assert list(page.rows) == cells


async def test_the_servers_own_texts_are_tables(server: RedisServer) -> None:
    async with engine(server.url(DATABASE)) as made:
        info = await rows(made, "INFO server")
        assert ("Server", "tcp_port", str(server.port)) in info.rows
        clients = await rows(made, "CLIENT LIST")
        assert "dbtui" in [row[[c.name for c in clients.columns].index("name")] for row in clients.rows]
        assert len((await rows(made, "LOLWUT")).rows) > 1


async def test_a_database_of_its_own_for_each_command(server: RedisServer) -> None:
    async with engine(server.url(DATABASE)) as made:
        assert await value(made, "STRLEN text") == "7"
        assert await value(made, "STRLEN text", "11") == "0"
        assert await value(made, "STRLEN text") == "7"


WHOLE = [
    ("LRANGE list 0 -1", 2500, ("0", "0")),
    ("SMEMBERS set", 2500, None),
    ("HGETALL hash", 2500, None),
    ("hgetall hash", 2500, None),
    ("ZRANGE zset 0 -1 WITHSCORES", 2500, ("0", "m0", "0")),
    ("XRANGE stream - +", 1200, ("1-0", 'n=0 "two words"="a b"')),
]


@pytest.mark.parametrize(("command", "count", "first"), WHOLE)
async def test_large_values_are_read_by_pages(
    server: RedisServer, command: str, count: int, first: tuple[str, ...] | None
) -> None:
    with server.client() as admin:
        admin.config_resetstat()
        async with engine(server.url(DATABASE)) as made:
            cursor = await made.query.run(command)
            page = await cursor.fetch(500)
            found = list(page.rows)
            while page.more:
                page = await cursor.fetch(500)
                found += page.rows
        assert len(found) == len(set(found)) == count
        assert first is None or found[0] == first
        calls = {name: each["calls"] for name, each in admin.info("commandstats").items()}
        whole = command.partition(" ")[0].lower()
        assert calls.get(f"cmdstat_{whole}", 0) != 1, "never as a whole"


async def test_more_than_is_kept_is_said(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    original = query.RedisCursor.__init__

    def small(self: query.RedisCursor, *arguments: object) -> None:
        original(self, *arguments)
        self.max_rows = 700

    monkeypatch.setattr(query.RedisCursor, "__init__", small)
    async with engine(server.url(DATABASE)) as made:
        for command in ("LRANGE list 0 2000", "LRANGE list 0 -1"):
            cursor = await made.query.run(command)
            page = await cursor.fetch(1000)
            assert page.more
            assert 700 <= len(page.rows) <= 1000
            with pytest.raises(QueryError, match="only the first"):
                await cursor.fetch(1000)


async def test_a_huge_string_is_not_read(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_BYTES", 5)
    async with engine(server.url(DATABASE)) as made:
        with pytest.raises(QueryError, match="has 7 bytes") as caught:
            await rows(made, "GET text")
        assert await value(made, caught.value.hint.partition(" reads")[0]) == "one\ntwo"


@pytest.mark.parametrize(
    ("key", "columns", "count", "more"),
    [
        ("text", ["value"], 2, False),
        ("empty", ["value"], 1, False),
        ("bytes", ["position", "bytes"], 16, False),
        ("long", ["value"], 1, True),
        ("list", ["#", "value"], 100, True),
        ("set", ["member"], 100, True),
        ("hash", ["field", "value"], 100, True),
        ("small", ["field", "value"], 2, False),
        ("zset", ["#", "member", "score"], 100, True),
        ("stream", ["id", "fields"], 100, True),
    ],
)
async def test_the_first_page_of_each_type(
    server: RedisServer, key: str, columns: list[str], count: int, more: bool
) -> None:
    async with engine(server.url(DATABASE)) as made:
        node = Node(Kind.KEY, key, (str(DATABASE), key), leaf=True)
        page = await made.catalog.sample(node)
        assert [column.name for column in page.columns] == columns
        assert (len(page.rows), page.more) == (count, more)
        assert values.typed(dict((await made.catalog.detail(node)).facts)["Type"], key.encode())


async def test_all_pages_of_a_string_are_all_of_it(server: RedisServer) -> None:
    async with engine(server.url(DATABASE)) as made, made.query._work.use(str(DATABASE)) as connection:
        at: values.At = 0
        found = ""
        while at is not None:
            part = await values.part(connection, b"long", "string", at, 100)
            found += "".join(row[0] or "" for row in part.rows)
            at = part.next
        assert found == "x" + "é" * 50_000
        with pytest.raises(QueryError, match="type graph are not shown"):
            await values.part(connection, b"long", "graph", 0, 100)


async def test_what_the_server_refuses(server: RedisServer) -> None:
    async with engine(server.url(DATABASE)) as made:
        with pytest.raises(QueryError, match="wrong kind of value") as caught:
            await rows(made, "LLEN text")
        assert "TYPE" in caught.value.hint
        assert caught.value.code == "WRONGTYPE"
        with pytest.raises(QueryError, match="wrong number of arguments"):
            await rows(made, "GET")
        with pytest.raises(QueryError, match="no command"):
            await rows(made, "  ")


async def test_a_command_that_waits_can_be_cancelled_and_has_its_time(server: RedisServer) -> None:
    async with engine(server.url(DATABASE)) as made:
        waiting = asyncio.create_task(made.query.run("XREAD BLOCK 0 STREAMS stream $"))
        await reach(lambda: server.blocked() == 1)
        await made.query.cancel()
        with pytest.raises(QueryError, match="was cancelled"):
            await waiting
        await reach(lambda: server.blocked() == 0)
        with pytest.raises(QueryTimeout):
            await made.query.run("XREAD BLOCK 0 STREAMS stream $", timeout=0.1)
        assert await value(made, "STRLEN text") == "7"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, None),
        (True, "true"),
        (1.5, "1.5"),
        (3.0, "3"),
        (float("inf"), "inf"),
        (b"\xff", r'"\xff"'),
        ([b"a b", 1, None, [b"c"]], '"a b" 1 (nil) [c]'),
        ({b"a": {b"b": 1}}, "a={b=1}"),
        (ValueError("no"), "(error) no"),
    ],
)
def test_parts_of_answers_are_one_line(answer: object, text: str | None) -> None:
    assert reply.cell(answer) == text


def test_answers_of_odd_shapes_are_rows_of_one_width() -> None:
    for answer in ([[1, 2], [3]], [{b"a": 1}, {b"b": 2}], [[], [1]], [1, [2]], {}, [], [None], {b"a": [1]}):
        columns, found = reply.table([b"X"], answer)
        assert all(len(row) == len(columns) for row in found)
