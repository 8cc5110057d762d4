"""Plans from servers: what is asked, what runs and what not, and what a server cannot explain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dbtui.commands.server_plans import explain_on
from dbtui.errors import NotApproved, QueryError
from dbtui.safety import approve, scope_of
from tests.engines.mongodb.replay import Replay
from tests.engines.mongodb.support import database, opened
from tests.recorded.mongodb import reply
from tests.servers.ferretdb import FerretServer


async def test_a_plan_of_ferretdb_names_index_and_condition(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "customer": n % 100, "total": n} for n in range(1000)])
        shop.orders.create_index("customer", name="by_customer")
        async with opened(ferretdb.url(shop.name)) as engine:
            plan = await explain_on(
                engine, "db.orders.find({customer: 5, total: {$gt: 10}}).sort({total: -1})"
            )
            measured = await explain_on(engine, "db.orders.find({customer: 5})", analyze=True)
            count = await explain_on(engine, '{"count": "orders", "query": {"customer": 5}}')
    assert (plan.format == "mongo-documentdb" and plan.server_version == "7.0.77") or plan.server_version
    assert "by_customer" in {node.index for node in plan.nodes}
    assert f"{shop.name}.orders" in {node.relation for node in plan.nodes}
    said = json.dumps([dict(node.raw) for node in plan.nodes])
    assert "BSONHEX" not in said and '{\\"customer\\": 5}' in said
    assert json.loads(plan.query)["filter"] == {"customer": 5, "total": {"$gt": 10}}
    assert plan.notes == ("estimates only",) and not plan.analyzed
    assert "measures no plans" in " ".join(measured.notes)
    assert count.nodes[0].operation == "Aggregate"


@pytest.mark.parametrize(
    "text",
    ["db.orders.distinct('a')", "db.orders.updateMany({}, {$set: {a: 1}})", "db.orders.deleteMany({})"],
)
async def test_what_ferretdb_cannot_explain_is_said(ferretdb: FerretServer, text: str) -> None:
    async with opened(ferretdb.url("shop")) as engine:
        with pytest.raises(QueryError, match=r"FerretDB 2.* explain for .* is not supported"):
            await explain_on(engine, text)


async def test_no_document_changes_by_being_explained(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "a": n} for n in range(5)])
        async with opened(ferretdb.url(shop.name)) as engine:
            for text in ("db.orders.updateMany({}, {$set: {a: 9}})", "db.orders.aggregate([{$out: 'copy'}])"):
                with pytest.raises((QueryError, NotApproved)):
                    await explain_on(engine, text, analyze=True)
                approval = approve("orders", scope_of(text), "test")
                with pytest.raises(QueryError):
                    await explain_on(engine, text, analyze=True, approval=approval)
        assert [d["a"] for d in shop.orders.find().sort("_id")] == list(range(5))
        assert shop.list_collection_names() == ["orders"]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("db.orders.find({a: 1})", {"find": "orders", "filter": {"a": 1}}),
        ("db.orders.count({a: 1})", {"count": "orders", "query": {"a": 1}}),
        ("db.orders.distinct('a')", {"distinct": "orders", "key": "a", "query": {}}),
        (
            "db.orders.explain('executionStats').aggregate([])",
            {"aggregate": "orders", "pipeline": [], "cursor": {}},
        ),
        ('{"explain": {"find": "orders"}, "verbosity": "allPlansExecution"}', {"find": "orders"}),
        ("db.orders.deleteMany({a: 1})", {"delete": "orders", "deletes": [{"q": {"a": 1}, "limit": 0}]}),
    ],
)
async def test_only_analyze_decides_whether_it_runs(text: str, inside: dict[str, Any]) -> None:
    async with (
        Replay({"explain": reply("explain-classic-7.0-planner")}) as server,
        opened(server.url) as engine,
    ):
        await explain_on(engine, text)
        (asked,) = server.named("explain")
    assert (asked["verbosity"], asked["$db"]) == ("queryPlanner", "shop")
    assert {key: value for key, value in asked["explain"].items() if not key.startswith("$")} == inside


async def test_a_query_is_measured_and_a_change_only_with_an_approval() -> None:
    change = "db.customers.updateMany({age: {$gt: 20}}, {$set: {subscribed: false}})"

    def explain(command: dict[str, Any]) -> dict[str, Any]:
        return reply(f"explain-classic-7.0-{'update' if 'update' in command['explain'] else 'find'}")

    async with Replay({"explain": explain}) as server, opened(server.url) as engine:
        plan = await explain_on(engine, "db.orders.find({customer: 5})", analyze=True)
        assert plan.total_ms == 70.0 and plan.analyzed
        with pytest.raises(NotApproved, match="measured by running it"):
            await explain_on(engine, change, analyze=True)
        with pytest.raises(NotApproved):
            wrong = approve("orders", scope_of("db.other.drop()"), "test")
            await explain_on(engine, change, analyze=True, approval=wrong)
        assert len(server.named("explain")) == 1
        approval = approve("orders", scope_of(change), "test")
        measured = await explain_on(engine, change, analyze=True, approval=approval)
        assert measured.nodes[0].operation == "UPDATE"
        for refused in ("db.orders.insertOne({a: 1})", "db.orders.drop()", "db.hello()"):
            with pytest.raises(QueryError, match="no plan"):
                await explain_on(engine, refused)
