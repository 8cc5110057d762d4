"""Plans run on engines without SQL: approved, journalled in a file, stopped, gone on with, taken back."""

from __future__ import annotations

import asyncio

import pymongo
import pytest

from dbtui.errors import ConnectError, InputError
from dbtui.migrations.files import migration_file
from dbtui.migrations.losses import losses
from dbtui.migrations.planner import elasticsearch
from dbtui.migrations.rollback import way_back
from dbtui.migrations.survey import surveyed
from dbtui.model.change import ChangePlan
from dbtui.model.run import Run, State
from tests.migrations.runs import Console
from tests.servers.elastic import ElasticServer
from tests.servers.ferretdb import FerretServer
from tests.servers.redis import RedisServer


async def planned(console: Console, text: str) -> ChangePlan:
    return await surveyed(console.engine, [migration_file("change", text)])


async def done(console: Console, plan: ChangePlan) -> Run:
    async with console.runner(plan) as runner:
        return await runner.run()


async def stopped_early(console: Console, plan: ChangePlan) -> Run:
    """Run until the first batch is done."""

    def stop(run: Run) -> None:
        if run.fill is not None and run.fill.rows:
            runner.stop()

    async with console.runner(plan, on_change=stop) as runner:
        return await runner.run()


async def refused_to_another(url: str, console: Console, plan: ChangePlan) -> None:
    async with Console(url) as second, console.runner(plan):
        with pytest.raises(ConnectError, match=r"process \d+ runs a plan on this server"):
            async with second.runner(plan):
                pass


# ---- Redis and Valkey


async def test_keys_by_a_pattern_go_on_after_a_stop(redis: RedisServer) -> None:
    client = redis.client()
    client.flushdb()
    client.mset(
        {f"session:{n}": n for n in range(1_500)} | {f"user:{n}": n for n in range(100)} | {"other": 1}
    )
    async with Console(redis.url()) as console:
        plan = await planned(console, "EXPIRE session:* 3600\nRENAME user:* account:{1}\n")
        run = await stopped_early(console, plan)
        assert run.of(1).state is State.STOPPED, run.lines
        await refused_to_another(redis.url(), console, plan)
        run = await done(console, plan)
    assert run.next is None, run.lines
    assert all(client.ttl(f"session:{n}") > 0 for n in range(1_500))
    assert client.keys("user:*") == [] and client.get("account:42") == b"42" and client.ttl("other") == -1


async def test_a_new_name_that_is_taken_or_matches_again_loses_nothing(redis: RedisServer) -> None:
    client = redis.client()
    client.flushdb()
    client.mset({"user:1": "mine", "account:1": "theirs"})
    async with Console(redis.url()) as console:
        run = await done(console, await planned(console, "RENAME user:* account:{1}"))
        assert run.of(2).state is State.FAILED and "its new one is taken" in run.of(2).detail
        flush = await planned(console, "FLUSHDB")
        assert "about 2 rows" in await losses(console.engine, flush, flush.steps[-1])
        run = await done(console, await planned(console, "RENAME user:* user:v2:{1}"))
        assert "again and again" in run.of(2).detail
    assert client.mget("user:1", "account:1") == [b"mine", b"theirs"]


# ---- MongoDB


@pytest.fixture
def people(ferretdb: FerretServer) -> pymongo.collection.Collection[dict[str, object]]:
    collection: pymongo.collection.Collection[dict[str, object]] = pymongo.MongoClient(
        ferretdb.url()
    ).plans.people
    collection.drop()
    collection.insert_many({"_id": n, "email": f"{n}@x"} for n in range(3_000))
    return collection


async def test_documents_are_changed_by_ranges_and_proved(
    ferretdb: FerretServer, people: pymongo.collection.Collection[dict[str, object]]
) -> None:
    text = """
        db.people.updateMany({plan: {$exists: false}}, {$set: {plan: "free"}});
        db.people.createIndex({email: 1}, {unique: true});
    """
    url = ferretdb.url("plans")
    async with Console(url) as console:
        plan = await planned(console, text)
        run = await stopped_early(console, plan)
        assert run.of(1).state is State.STOPPED, run.lines
        assert 0 < people.count_documents({"plan": "free"}) < 3_000
        await refused_to_another(url, console, plan)
        run = await done(console, plan)
        assert run.next is None, run.lines
        assert run.of(1).detail == "3,000 rows"
        assert people.count_documents({"plan": "free"}) == 3_000
        assert "email_1" in people.index_information()
        async with console.runner(plan) as runner:
            assert await way_back(runner, 1)
    assert "email_1" not in people.index_information()


async def test_duplicates_stop_a_unique_index_before_it_is_built(
    ferretdb: FerretServer, people: pymongo.collection.Collection[dict[str, object]]
) -> None:
    people.insert_one({"_id": 9_000, "email": "1@x"})
    async with Console(ferretdb.url("plans")) as console:
        drop = await planned(console, "db.people.drop()")
        assert "people: about 3.0k rows" in await losses(console.engine, drop, drop.steps[-1])
        run = await done(console, await planned(console, "db.people.createIndex({email: 1}, {unique: true})"))
    assert run.of(1).state is State.FAILED and "no two documents" in run.of(1).detail
    assert list(people.index_information()) == ["_id_"]


async def test_keys_of_several_types_are_refused(
    ferretdb: FerretServer, people: pymongo.collection.Collection[dict[str, object]]
) -> None:
    people.insert_one({"_id": "a"})
    async with Console(ferretdb.url("plans")) as console:
        with pytest.raises(InputError, match="of several types"):
            await done(console, await planned(console, "db.people.updateMany({}, {$set: {n: 1}})"))
    assert people.count_documents({"n": 1}) == 0


# ---- Elasticsearch and OpenSearch


async def test_an_index_is_copied_by_a_task_and_its_alias_swapped(opensearch2: ElasticServer) -> None:
    if not opensearch2.reindexes:
        pytest.skip("no module reindex: run `make servers`")
    opensearch2.drop("copied_v1", "copied_v2")
    opensearch2.ask("PUT", "/copied_v1", {"aliases": {"copied": {}}})
    lines = "".join(f'{{"index": {{"_id": "{n}"}}}}\n{{"n": {n}}}\n' for n in range(60))
    opensearch2.ask("POST", "/copied_v1/_bulk?refresh=true", lines)
    async with Console(opensearch2.url()) as console:
        plan = await planned(console, 'PUT /copied_v1/_settings\n{"index": {"number_of_shards": 2}}')
        assert "copied_v1: about 60 rows" in await losses(console.engine, plan, plan.steps[-1])
        run = await done(console, plan)
    assert run.next is None, run.lines
    assert opensearch2.ask("GET", "/copied/_count")["count"] == 60
    assert list(opensearch2.ask("GET", "/_alias/copied")) == ["copied_v2"]
    assert opensearch2.ask("GET", "/copied_v1")["status"] == 404
    opensearch2.drop("copied_v2")


async def test_a_copy_that_is_stopped_is_ended_on_the_server_and_done_again(
    opensearch2: ElasticServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not opensearch2.reindexes:
        pytest.skip("no module reindex: run `make servers`")
    opensearch2.drop("slow", "slow_v2")
    monkeypatch.setattr(elasticsearch, "_PACE", 20)  # six seconds: it is seen at work
    lines = "".join(f'{{"index": {{}}}}\n{{"n": {n}}}\n' for n in range(120))
    opensearch2.ask("POST", "/slow/_bulk?refresh=true", lines)
    async with Console(opensearch2.url()) as console:
        plan = await planned(
            console,
            'POST /_reindex\n{"source": {"index": "slow", "size": 5}, "dest": {"index": "slow_v2"}}',
        )

        def stop(run: Run) -> None:
            if run.look is not None and run.look.progress is not None and run.look.progress.done:
                runner.stop()

        async with console.runner(plan, on_change=stop) as runner:
            run = await runner.run()
        assert run.of(1).state is State.STOPPED, run.lines
        while opensearch2.ask("GET", "/_tasks?actions=*reindex&group_by=none")["tasks"]:
            await asyncio.sleep(0.1)  # it is told as completed a moment before it leaves the list
        assert (
            opensearch2.ask("POST", "/slow_v2/_refresh")
            and opensearch2.ask("GET", "/slow_v2/_count")["count"] < 120
        )
        run = await done(console, plan)
    assert run.next is None, run.lines
    assert opensearch2.ask("GET", "/slow_v2/_count")["count"] == 120
    opensearch2.drop("slow", "slow_v2")
