from __future__ import annotations

import json

import pytest

from dbtui.engines.redis import keys
from dbtui.engines.redis.engine import RedisEngine
from dbtui.engines.redis.keys import above, level
from dbtui.engines.redis.words import raw_of
from dbtui.errors import QueryError
from dbtui.model.catalog import Kind, Node
from tests.engines.redis.opened import engine, user
from tests.servers.redis import RedisServer

ODD = [
    b"",
    b'"quoted"',
    b"a b",
    b"\xff\xfe\x00",
    b"line\nend",
    "ключ😀".encode(),
    b"\x1b[31mred",
    b"trail:",
    b"::",
]
ODD += [b"../../etc/passwd", b"a/b;c--d", b'"scan 1', b"\xffbytes:and:text"]


async def walk(made: RedisEngine, node: Node) -> list[Node]:
    """All keys below a node."""
    found = []
    for child in await made.catalog.children(node):
        assert child.path[: len(node.path)] == node.path
        found += [child] if child.kind is Kind.KEY else await walk(made, child)
    return found


async def test_databases_with_keys_and_that_of_the_url(redis: RedisServer) -> None:
    with redis.client(7) as client:
        client.set("a", 1)
        client.set("b", 1, ex=1000)
        async with engine(redis.url(9)) as made:
            nodes = {node.path: node for node in await made.catalog.children(None)}
            assert nodes[("7",)].name == "db7"
            assert nodes[("7",)].rows == 2
            assert nodes[("9",)].rows == 0
            assert await made.catalog.children(nodes[("9",)]) == []
            facts = dict((await made.catalog.detail(nodes[("7",)])).facts)
            assert facts["Keys"] == "2"
            assert facts["Expiring"] == "1 (50.0 %)"
            assert facts["When it is full"] == "noeviction"
        client.flushdb()


async def test_every_key_is_found_by_its_path_whatever_its_bytes(redis: RedisServer) -> None:
    with redis.client(7) as client:
        for number, key in enumerate(ODD):
            client.set(key, number)
        async with engine(redis.url(7)) as made:
            (top,) = [n for n in await made.catalog.children(None) if n.path == ("7",)]
            found = await walk(made, top)
            assert sorted(raw_of(node.path[-1]) for node in found) == sorted(ODD)
            assert len({node.path for node in found}) == len(ODD)
            for node in found:
                json.dumps(node.path).encode()  # nothing that no text can hold
                assert all(part.isprintable() for part in (*node.path, node.name))
                assert node.name
                page = await made.catalog.sample(node)
                assert page.rows == ((str(ODD.index(raw_of(node.path[-1]))),),)
                detail = await made.catalog.detail(node)
                assert ("Type", "string") in detail.facts
                cursor = await made.query.run(detail.ddl, database="7")
                assert (await cursor.fetch()).rows == page.rows
            names = await made.catalog.names("7")
            assert {name.path for name in names} == {node.path for node in found}
        client.flushdb()


async def test_namespaces_with_types_times_and_sizes(redis: RedisServer) -> None:
    with redis.client(7) as client:
        client.hset("user:1:profile", mapping={"a": 1})
        client.set("user:1:name", "x", ex=1000)
        client.rpush("user:2:log", 1)
        client.set("user:", "the namespace's own name")
        async with engine(redis.url(7)) as made:
            top = Node(Kind.DATABASE, "db7", ("7",))
            (users,) = await made.catalog.children(top)
            assert (users.kind, users.path, users.rows) == (Kind.NAMESPACE, ("7", "user:"), 4)
            assert users.detail == "4 keys"
            first, second, own = await made.catalog.children(users)
            assert [n.path[-1] for n in (first, second, own)] == ["user:1:", "user:2:", "user:"]
            assert own.kind is Kind.KEY
            named, profile = await made.catalog.children(first)
            assert (named.name, named.path) == ("name", ("7", "user:", "user:1:", "user:1:name"))
            assert named.detail.startswith("string 00:16:")
            assert profile.detail == "hash"
            assert named.size
            assert named.leaf
            facts = dict((await made.catalog.detail(first)).facts)
            assert facts["Keys"] == "2"
            assert facts["Expiring"] == "50.0 %"
            assert "hash 50.0 %" in facts["Types"]
            cursor = await made.query.run((await made.catalog.detail(first)).ddl, database="7")
            assert {row[-1] for row in (await cursor.fetch()).rows} >= {"user:1:name", "user:1:profile"}
        client.flushdb()


async def test_a_budget_of_scanning_that_says_how_far_it_came(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "STEP", 50)
    with redis.client(7) as client:
        client.mset({f"item:{number}": number for number in range(1000)})
        before = client.info("commandstats").get("cmdstat_scan", {}).get("calls", 0)
        async with engine(redis.url(7)) as made:
            top = Node(Kind.DATABASE, "db7", ("7",))
            items, more = await made.catalog.children(top)
            calls = client.info("commandstats")["cmdstat_scan"]["calls"]
            assert calls - before == keys.STEPS
            seen = items.rows
            assert 50 <= seen < 1000
            assert items.detail == f"{seen}+ keys"
            assert more.kind is Kind.FOLDER
            assert more.name == f"{seen} of 1.0k scanned"
            facts = dict((await made.catalog.detail(items)).facts)
            assert facts["Keys"] == f"{seen} among {seen} of 1,000 scanned"
            assert len(await made.catalog.names("7")) == seen
            assert await made.catalog.children(top) == [items, more], "what was scanned is kept"
            assert client.info("commandstats")["cmdstat_scan"]["calls"] == calls
            found = await walk(made, top)
            assert len(found) == len({node.path[-1] for node in found}) == 1000
            assert len(await made.catalog.names("7")) == 1000
            made.catalog.forget()
            assert len(await made.catalog.names("7")) < 1000
            assert "cmdstat_keys" not in client.info("commandstats")
        client.flushdb()


async def test_a_key_that_has_gone(redis: RedisServer) -> None:
    async with engine(redis.url(7)) as made:
        gone = Node(Kind.KEY, "gone", ("7", "gone"), leaf=True)
        for ask in (made.catalog.detail, made.catalog.sample):
            with pytest.raises(QueryError, match="gone is no longer there"):
                await ask(gone)
        with pytest.raises(QueryError, match="has no value"):
            await made.catalog.sample(Node(Kind.NAMESPACE, "a:", ("7", "a:")))


async def test_what_a_user_may_not_see_is_told_with_its_rule(redis: RedisServer) -> None:
    with (
        redis.client(7) as client,
        user(redis, "+scan", "+dbsize", "+select", "+type", "+pttl", "%R~*") as name,
    ):
        client.set("a:1", "x")
        async with engine(redis.url(7, user=name, password="secret")) as made:
            top = Node(Kind.DATABASE, "db7", ("7",))
            (space,) = await made.catalog.children(top)
            (key,) = await made.catalog.children(space)
            assert (key.detail, key.size) == ("string", None)
            facts = dict((await made.catalog.detail(key)).facts)
            assert facts["Memory"] == f"hidden: ACL SETUSER {name} +memory|usage"
            assert facts["Encoding"] == f"hidden: ACL SETUSER {name} +object|encoding"
            facts = dict((await made.catalog.detail(space)).facts)
            assert facts["Memory"] == f"hidden: ACL SETUSER {name} +memory|usage"
        client.flushdb()


def test_levels_of_names() -> None:
    names = [b"a:1", b"a:2:x", b"a:2:y", b"b", b"a:", b":", b"\xff:x"]
    top = level(names)
    assert top.namespaces == ((b":", 1), (b"a:", 4), (b"\xff:", 1))
    assert top.keys == (b"b",)
    inner = level(names, b"a:")
    assert inner.namespaces == ((b"a:2:", 2),)
    assert inner.keys == (b"a:", b"a:1")
    assert above(b"a:2:x") == [b"a:", b"a:2:"]
    deep = b":".join([b"x"] * 100)
    assert len(above(deep)) == keys.DEEPEST
    assert level([deep], above(deep)[-1]).keys == (deep,)
