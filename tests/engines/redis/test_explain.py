"""What is told of a command in place of a plan."""

from __future__ import annotations

import json

import pytest

from dbtui.engines.redis.engine import RedisEngine
from dbtui.errors import PermissionDenied, QueryError
from dbtui.live.masking import masker
from dbtui.model.plan import RawPlan
from dbtui.plans import parse
from dbtui.plans.masking import masked
from tests.engines.redis.opened import engine, user
from tests.servers.redis import RedisServer


async def explained(made: RedisEngine, command: str) -> RawPlan:
    assert made.explain is not None
    return await made.explain.explain(command)


async def test_a_command_has_its_complexity_its_counters_and_its_keys(redis: RedisServer) -> None:
    with redis.client(5) as client:
        client.zadd("best", {"a": 1, "b": 2})
        client.zrange("best", 0, 1)
        async with engine(redis.url(5)) as made:
            raw = await explained(made, "ZRANGE best 0 -1")
            told = json.loads(raw.text)
            assert told["keys"] == [{"key": "best", "type": "zset", "size": 2, "of": "members"}]
            assert told["counted"]["calls"] >= 1
            labels = [node.label for node in parse(raw.text).nodes]
            assert labels[0] == "ZRANGE" and labels[1] == "complexity O(log(N)+M)"
            assert labels[-1] == "key best: zset, 2 members"
            assert raw.notes == ()
            kept = masked(parse(raw.text), masker("redis"))
            assert kept is not None and "best" not in kept
            assert [node.operation for node in parse(kept).nodes] == [
                n.operation for n in parse(raw.text).nodes
            ]
        client.flushdb()


async def test_nothing_is_run_for_it(redis: RedisServer) -> None:
    with redis.client(5) as client:
        client.set("kept", "x")
        async with engine(redis.url(5)) as made:
            raw = await explained(made, r'DEL kept "\xff" none')
            assert [key["type"] for key in json.loads(raw.text)["keys"]] == ["string", "none", "none"]
            assert "keys" not in json.loads((await explained(made, "CONFIG GET maxmemory")).text)
        assert client.get("kept") == b"x"
        client.flushdb()


async def test_what_cannot_be_told_says_why(redis: RedisServer) -> None:
    async with engine(redis.url()) as made:
        with pytest.raises(QueryError, match="no command GETT"):
            await explained(made, "GETT a")
        with pytest.raises(QueryError):
            await explained(made, "FT.SEARCH shop tea DIALECT 2")  # no search module in the tests' servers
        assert made.explain is not None
        with pytest.raises(QueryError, match="measure no plans"):
            await made.explain.explain("GET a", analyze=True)
    with user(redis, "+@read") as name:
        async with engine(redis.url(user=name, password="secret")) as made:
            with pytest.raises(PermissionDenied) as refused:
                await explained(made, "GET a")
    assert "+command" in refused.value.remedy
