from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pymongo
import pytest
import redis as driver

from dbtui.commands.server_plans import explain_on
from dbtui.errors import QueryError
from dbtui.live.blocking import forest
from tests.engines.mongodb.replay import Replay, cursor
from tests.engines.mongodb.support import database
from tests.incidents.watch import watched
from tests.recorded.mongodb import reply
from tests.servers.ferretdb import FerretServer
from tests.servers.redis import RedisServer
from tests.servers.sqlite import SqliteFile


async def test_a_hot_key(redis: RedisServer) -> None:
    client = redis.client()
    client.config_set("slowlog-log-slower-than", 0)
    client.rpush("cart:1", *range(20_000))
    for n in range(40):
        client.lrange("cart:1", 0, -1)
        client.get(f"session:{n}")
    async with watched(redis.url()) as incident:
        found = await incident.named("redis-hot-key")
        assert found.object == "cart:1" and found.evidence["command"] == "LRANGE"
    client.config_set("slowlog-log-slower-than", 10_000)
    client.delete("cart:1")
    client.slowlog_reset()
    client.close()


async def test_a_script_that_keeps_everybody_waiting() -> None:
    with RedisServer("redis", {"busy-reply-threshold": "100"}) as server:
        loop = server.client()

        def spin() -> None:
            with suppress(driver.exceptions.ResponseError, driver.exceptions.ConnectionError):
                loop.eval("while true do end", 0)

        thread = threading.Thread(target=spin)
        async with watched(server.url()) as incident:
            thread.start()
            found = await incident.named("redis-blocked-by-script")
            assert "kept everybody waiting" in found.message
            killer = server.client()
            killer.script_kill()
            killer.close()
        thread.join()
        loop.close()


async def test_a_collection_scan_as_mongod_tells_it() -> None:
    operations = reply("current_op-7.0-mongod")
    async with Replay({"aggregate": cursor(operations)}) as server, watched(server.url) as incident:
        found = await incident.named("mongo-collection-scan")
        assert "reads a whole collection" in found.message and found.evidence["plan"] == "COLLSCAN"


# Of each document, for some milliseconds; it never holds.
_LONG = {"$reduce": {"input": {"$range": [0, 500]}, "initialValue": "", "in": {"$concat": ["$$value", "$s"]}}}
NEVER = {"$expr": {"$gt": [{"$strLenCP": _LONG}, 1_000_000]}}


@contextmanager
def running(shop: Any, *commands: dict[str, Any]) -> Iterator[None]:
    """Commands that run at once, 6 s at most, begun in this order."""

    def run(command: dict[str, Any]) -> None:
        with suppress(pymongo.errors.PyMongoError):
            shop.command({**command, "maxTimeMS": 6_000})

    threads = [threading.Thread(target=run, args=(command,)) for command in commands]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    yield
    for thread in threads:
        thread.join()


def updating(found: dict[str, Any]) -> dict[str, Any]:
    return {"update": "orders", "updates": [{"q": found, "u": {"$inc": {"n": 1}}, "multi": True}]}


async def test_a_collection_scan_on_ferretdb_which_tells_no_plan(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "s": f"name {n}"} for n in range(20_000)])
        scan = {"find": "orders", "filter": NEVER}
        async with watched(ferretdb.url(shop.name)) as incident:
            with running(shop, scan):
                found = await incident.named("mongo-collection-scan")
            assert '{"find": "orders", …} (no index but that on _id)' in found.message
            assert found.evidence["plan"] == "COLLSCAN: no index but that on _id"
        shop.orders.create_index("s")  # whether it is used cannot be seen: nothing is claimed
        async with watched(ferretdb.url(shop.name), {"mongo-long-operation": {"seconds": 2.0}}) as incident:
            with running(shop, scan):
                await incident.named("mongo-long-operation")
                assert "mongo-collection-scan" not in [one.rule for one in incident.watch.findings]


async def test_writers_on_ferretdb_that_wait_for_a_long_update(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "s": f"name {n}", "n": 0} for n in range(20_000)])
        long, short = updating({"$or": [{"_id": 0}, NEVER]}), updating({"_id": 0})
        async with watched(ferretdb.url(shop.name)) as incident:
            with running(shop, long, short, short):
                async with asyncio.timeout(20):
                    while (found := await incident.named("any-blocked-sessions")).evidence["waiting"] != 2:
                        await asyncio.sleep(0.1)
                activity = incident.session.snapshot.activity.value
                assert activity is not None
                root = next(line for line in forest(activity.sessions) if line.waiting)
                assert (root.depth, root.session.id) == (0, found.object)
                assert "running for" in found.message and '{"update": "orders", …}' in found.message
                assert len(root.session.id) <= 10 and f"pg_cancel_backend({root.session.id})" in found.advice
                with pytest.raises(QueryError, match="its first field alone"):
                    await explain_on(incident.session.engine, root.session.query, database=shop.name)


async def test_a_report_on_ferretdb_that_reads_everything_again_and_again(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "s": n % 2} for n in range(4000)])
        join = {"from": "orders", "localField": "s", "foreignField": "s", "as": "x"}

        def report() -> None:
            with suppress(pymongo.errors.PyMongoError):
                list(shop.orders.aggregate([{"$lookup": join}, {"$unwind": "$x"}], maxTimeMS=2000))

        thread = threading.Thread(target=report)
        async with watched(ferretdb.url(shop.name), {"mongo-long-operation": {"seconds": 0.1}}) as incident:
            thread.start()
            found = await incident.named("mongo-long-operation")
            assert f"on {shop.name}" in found.message and '{"aggregate": "orders", …}' in found.message
        thread.join()


async def test_a_writer_that_holds_the_file(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("create table t (n)")
    with sqlite_file.held("begin immediate", "insert into t values (1)") as pid:
        async with watched(sqlite_file.url) as incident:
            found = await incident.named("lite-writer-holds")
            assert found.object == str(pid) and "nobody else can write" in found.message


async def test_a_reader_that_keeps_the_wal(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("pragma journal_mode = wal", "create table t (b)", "insert into t values (1), (2), (3)")
    with sqlite_file.held("begin", "select * from t") as pid:
        sqlite_file.sql(*["insert into t values (randomblob(100000))"] * 5)
        async with watched(sqlite_file.url, {"lite-wal-grows": {"bytes": 200_000}}) as incident:
            found = await incident.named("lite-wal-grows")
            assert f"process {pid}" in found.message and found.object == str(pid)
