"""Plans for Elasticsearch and MongoDB's protocol, step by step on real servers: what is asked is answered there."""

from __future__ import annotations

import asyncio

from dbtui.engines.base import Engine
from dbtui.migrations.conditions import holds
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner.documents import make_for
from dbtui.model.change import ChangeStep, Kind
from dbtui.safety import approve, scope_of
from tests.migrations.runs import Console
from tests.servers.elastic import ElasticServer
from tests.servers.ferretdb import FerretServer


async def run(console: Console, text: str, database: str = "") -> None:
    engine: Engine = console.engine
    assert engine.actions is not None
    await engine.actions.write(text, approve("test", scope_of(text), "a test"), database=database)


async def becomes(console: Console, step: ChangeStep, database: str = "") -> bool:
    """Whether all postconditions hold within some seconds: the server's own tasks take a moment."""
    for _ in range(60):
        answers = [await holds(console.engine, one, database) for one in step.postconditions]
        if all(answers):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_elasticsearch_moves_an_index_behind_its_alias(elastic: ElasticServer) -> None:
    """All but the copying: the servers of the tests come without the module that answers _reindex."""
    made = make_for(
        "elasticsearch", [MigrationFile("c", 'PUT /moved_v1/_settings\n{"index": {"number_of_shards": 2}}')]
    )
    elastic.drop("moved_v1", "moved_v2")
    async with Console(elastic.url()) as console:
        await run(console, 'PUT /moved_v1\n{"aliases": {"moved": {}}}')
        await run(console, 'PUT /moved_v1/_doc/1?refresh=true\n{"a": 1}')
        for step in made.steps:
            if step.kind is Kind.APPLICATION:
                continue
            if step.kind is Kind.CHECK:
                assert await becomes(console, step), step.title
                continue
            assert not step.postconditions or not all(
                [await holds(console.engine, one, "") for one in step.postconditions]
            ), step.title
            for text in step.statements:
                copies = text.startswith("POST /_reindex")
                await run(console, 'PUT /moved_v2/_doc/1?refresh=true\n{"a": 1}' if copies else text)
            assert await becomes(console, step), step.title
        cursor = await console.engine.query.run("GET /_cat/aliases/moved?h=index")  # type: ignore[union-attr]
        page = await cursor.fetch()
        assert page.rows[0][0] == "moved_v2"
    elastic.drop("moved_v2")


async def test_mongodb_builds_and_proves(ferretdb: FerretServer) -> None:
    database = "plans"
    text = "db.people.createIndex({email: 1}, {unique: true}); db.people.deleteMany({email: 'x'})"
    made = make_for("mongodb", [MigrationFile("c", text)])
    check, build, _ = made.steps
    async with Console(ferretdb.url(database)) as console:
        await run(console, 'db.people.insertOne({email: "x"})', database)
        await run(console, 'db.people.insertOne({email: "x"})', database)
        assert not await holds(console.engine, check.preconditions[0], database)
        await run(console, 'db.people.deleteMany({email: "x"})', database)
        await run(console, 'db.people.insertOne({email: "y"})', database)
        assert await holds(console.engine, check.preconditions[0], database)
        await run(console, build.statements[0], database)
        assert await becomes(console, build, database)
        await run(console, build.down[0], database)
        assert not await holds(console.engine, build.postconditions[0], database)
