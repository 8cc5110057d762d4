"""The object tree on a real server, the shape of documents, and what only MongoDB's own server says."""

from __future__ import annotations

from typing import Any

import pytest

from dbtui.engines.mongodb import shape
from dbtui.engines.mongodb.engine import MongoEngine
from dbtui.engines.mongodb.facts import top_facts
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.catalog import Detail, Kind, Node
from tests.engines.mongodb.replay import Replay, cursor, refused
from tests.engines.mongodb.support import database, opened
from tests.recorded.mongodb import reply
from tests.servers.ferretdb import FerretServer

ODD_NAMES = ["a/b.c", "with space", "Ünï😀", "system-like", "x" * 100, "-", "{}", '"quoted"', "don't"]


def node_of(database_name: str, name: str, kind: Kind = Kind.TABLE) -> Node:
    return Node(kind, name, (database_name, name))


async def detail_of(engine: MongoEngine, node: Node) -> Detail:
    assert engine.catalog is not None
    return await engine.catalog.detail(node)


async def test_the_tree_from_the_top(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many(
            [{"_id": n, "customer": {"name": "x"}, "lines": [{"sku": n}]} for n in range(30)]
        )
        shop.orders.create_index([("customer.name", 1), ("_id", -1)], name="by_customer")
        shop.orders.create_index("sku", unique=True, partialFilterExpression={"sku": {"$exists": True}})
        async with opened(ferretdb.url(shop.name)) as engine:
            tree = engine.catalog
            assert tree is not None
            top = await tree.children(None)
            own = next(node for node in top if node.name == shop.name)
            assert own.kind is Kind.DATABASE
            listed = await tree.children(own)
            assert [(n.name, n.kind) for n in listed] == [("orders", Kind.TABLE)]
            parts = await tree.children(listed[0])
            assert [(n.name, n.detail) for n in parts] == [
                ("_id", "int"), ("customer", "object"), ("lines", "array"), ("Indexes", ""),
            ]  # fmt: skip
            indexes = await tree.children(parts[-1])
            assert {n.name: n.detail for n in indexes}["by_customer"] == "customer.name, _id -1"
            assert [n.path for n in await tree.names(shop.name)] == [(shop.name, "orders")]
            assert await tree.children(parts[0]) == ()


async def test_the_detail_of_a_collection(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "total": n} for n in range(10)])
        shop.orders.create_index("total", expireAfterSeconds=3600, sparse=True)
        async with opened(ferretdb.url(shop.name)) as engine:
            detail = await detail_of(engine, node_of(shop.name, "orders"))
            facts = dict(detail.facts)
            assert facts["documents"] == "10" and facts["sampled"] == "10 documents"
            assert detail.table is not None
            assert [(c.name, c.type) for c in detail.table.columns] == [("_id", "int"), ("total", "int")]
            by_total = next(index for index in detail.table.indexes if index.name == "total_1")
            assert by_total.columns == ("total",) and not by_total.unique and by_total.scans is not None
            assert "TTL 3600 s" in by_total.method and "sparse" in by_total.method
            assert by_total.size
            assert detail.ddl.startswith('db.createCollection("orders"')
            assert 'createIndex({"total": 1}' in detail.ddl and '"expireAfterSeconds": 3600' in detail.ddl
            index = Node(Kind.INDEX, "total_1", (shop.name, "orders", "indexes", "total_1"))
            assert dict((await detail_of(engine, index)).facts)["used"].endswith("since the server's start")
            whole = await detail_of(engine, Node(Kind.DATABASE, shop.name, (shop.name,)))
            assert dict(whole.facts)["collections"] == "1"
            gone = node_of(shop.name, "gone")
            with pytest.raises(QueryError, match="no longer there"):
                await detail_of(engine, gone)


async def test_sample_rows_are_asked_for_and_bounded(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n} for n in range(30)])
        async with opened(ferretdb.url(shop.name)) as engine:
            assert engine.catalog is not None
            page = await engine.catalog.sample(node_of(shop.name, "orders"), 10)
            assert (len(page.rows), page.more, page.status) == (10, True, "10 documents")
            with pytest.raises(QueryError, match="no rows"):
                await engine.catalog.sample(Node(Kind.DATABASE, shop.name, (shop.name,)))


async def test_names_that_look_like_something_else(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        made = []
        for name in ODD_NAMES:
            try:
                shop[name].insert_one({"_id": 1, "a.b": 1, "": 2, "$x": 3} if name == "{}" else {"_id": 1})
                shop[name].create_index("a", name="an/index: with a path")
            except Exception:  # what a server refuses to hold needs no reading
                continue
            made.append(name)
        assert len(made) > 3
        async with opened(ferretdb.url(shop.name)) as engine:
            assert engine.catalog is not None
            own = Node(Kind.DATABASE, shop.name, (shop.name,))
            listed = {node.name: node for node in await engine.catalog.children(own)}
            for name in made:
                detail = await detail_of(engine, listed[name])
                assert detail.table is not None
                assert "an/index: with a path" in {index.name for index in detail.table.indexes}
                assert len((await engine.catalog.sample(listed[name])).rows) == 1


def test_the_shape_of_documents() -> None:
    documents: list[dict[str, Any]] = [{"a": n, "b": {"c": "x"}, "d": [1, "y"]} for n in range(98)]
    documents += [{"a": "text", "e": None}, {"a": None, "b": {"c": 1, "z": {"q": 1}}, "d": [{"f": 1}] * 300}]
    made = shape.infer(documents)
    described = {column.name: column.type for column in made.columns()}
    assert described == {
        "a": "int 98 %, null 1 %, string 1 %",
        "b": "object · in 99 %",
        "b.c": "string 99 %, int 1 % · in 99 %",
        "b.z": "object · in 1 %",
        "b.z.q": "int · in 1 %",
        "d": "array, up to 300 items · in 99 %",
        "d[]": "int 50 %, string 50 % · in 98 %",
        "d[].f": "int · in 1 %",
        "e": "null · in 1 %",
    }
    assert list(described)[:4] == ["a", "b", "b.c", "b.z"]
    assert all(column.nullable for column in made.columns())


def test_documents_with_thousands_of_fields_end_somewhere() -> None:
    made = shape.infer([{f"k{n}": {"x": n} for n in range(5000)}, {"deep": _deep(50)}])
    assert len(made.fields) <= shape.MOST_FIELDS and made.cut


def _deep(levels: int) -> dict[str, Any]:
    return {"a": _deep(levels - 1)} if levels else {}


def test_what_top_says_of_a_collection() -> None:
    assert top_facts(reply("top-6.0-mongod"), "shop.orders") == [
        ("reading", "8.00 s in 4.0k operations"),
        ("writing", "931 ms in 100 operations"),
    ]
    assert top_facts(reply("top-6.0-mongod"), "shop.none") == []


async def test_without_the_role_the_users_own_databases_are_listed() -> None:
    def databases(command: dict[str, Any]) -> dict[str, Any]:
        if not command.get("authorizedDatabases"):
            return refused(13, "not authorized on admin to execute command { listDatabases: 1 }")
        return {"databases": [{"name": "shop"}], "ok": 1.0}

    async with Replay({"listDatabases": databases}) as server, opened(server.url) as engine:
        assert engine.catalog is not None
        assert [node.name for node in await engine.catalog.children(None)] == ["shop"]


async def test_a_missing_role_is_named() -> None:
    no = refused(13, "not authorized on shop to execute command { aggregate: 1 }")
    async with (
        Replay({"listCollections": cursor([{"name": "orders", "type": "collection"}]), "aggregate": no, "find": no,
                "listIndexes": no}) as server,
        opened(server.url) as engine,
    ):  # fmt: skip
        assert engine.query is not None
        with pytest.raises(PermissionDenied) as raised:
            cursor_ = await engine.query.run("db.orders.find()")
            await cursor_.fetch()
        assert raised.value.remedy == (
            'db.getSiblingDB("admin").grantRolesToUser("ops", [{"role": "read", "db": "admin"}])'
        )


async def test_sizes_of_shards_are_added_up() -> None:
    def aggregate(command: dict[str, Any]) -> dict[str, Any]:
        stage = next(iter(command["pipeline"][0]))
        if stage == "$collStats":
            part = {"size": 100, "count": 10, "storageSize": 50, "indexSizes": {"_id_": 7}}
            return cursor([{"shard": f"s{n}", "storageStats": part} for n in (1, 2)])
        if stage == "$indexStats":
            return cursor(
                [{"name": "_id_", "accesses": {"ops": 5}}, {"name": "_id_", "accesses": {"ops": 8}}]
            )
        return cursor([{"_id": 1}])

    answers = {
        "listCollections": cursor([{"name": "orders", "type": "collection", "options": {"capped": True}}]),
        "listIndexes": cursor([{"v": 2, "key": {"_id": 1}, "name": "_id_"}]),
        "aggregate": aggregate,
        "top": reply("top-6.0-mongod"),
    }
    async with Replay(answers) as server, opened(server.url) as engine:
        detail = await detail_of(engine, node_of("shop", "orders"))
    facts = dict(detail.facts)
    assert (facts["documents"], facts["data"], facts["shards"]) == ("20", "200 B", "2")
    assert facts["reading"].startswith("8.00 s")
    assert (
        detail.table is not None
        and detail.table.indexes[0].scans == 13
        and detail.table.indexes[0].size == 14
    )


async def test_views_and_validators_of_recorded_servers() -> None:
    """FerretDB 2.7 takes views and validators for collections without either."""
    rules = {"$jsonSchema": {"required": ["total"], "properties": {"total": {"bsonType": "int"}}}}
    listed = cursor(
        [
            {"name": "system.views", "type": "collection", "options": {}},
            {"name": "paid", "type": "view",
             "options": {"viewOn": "orders", "pipeline": [{"$match": {"paid": True}}]}},
            {"name": "orders", "type": "collection",
             "options": {"validator": rules, "validationLevel": "moderate", "validationAction": "warn"}},
            {"name": "ticks", "type": "timeseries", "options": {"timeseries": {"timeField": "t"}}},
        ]
    )  # fmt: skip
    answers = {
        "listCollections": listed,
        "listIndexes": cursor([{"v": 2, "key": {"_id": 1}, "name": "_id_"}]),
        "aggregate": cursor([{"_id": 1, "total": 5}]),
        "find": cursor([{"_id": 1, "total": 5, "paid": True}]),
    }
    async with Replay(answers) as server, opened(server.url) as engine:
        assert engine.catalog is not None
        nodes = await engine.catalog.children(Node(Kind.DATABASE, "shop", ("shop",)))
        assert [(n.name, n.kind, n.detail) for n in nodes] == [
            ("orders", Kind.TABLE, ""),
            ("paid", Kind.VIEW, "of orders"),
            ("ticks", Kind.TABLE, "time series"),
            ("system.views", Kind.TABLE, ""),
        ]
        orders = await detail_of(engine, nodes[0])
        view = await detail_of(engine, nodes[1])
        assert not [n for n in await engine.catalog.children(nodes[1]) if n.kind is Kind.FOLDER]
        assert not [c for c in server.named("aggregate") if c["aggregate"] == "paid"]  # a view is not sampled
    assert orders.table is not None and view.table is not None
    (constraint,) = orders.table.constraints
    assert "$jsonSchema" in constraint.definition and "moderate, warn" in constraint.definition
    assert not constraint.validated
    assert '"validationLevel": "moderate"' in orders.ddl
    assert view.ddl.startswith('db.createView("paid", "orders", [')
    assert [column.name for column in view.table.columns] == ["_id", "total", "paid"]
