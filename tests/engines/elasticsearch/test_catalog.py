from __future__ import annotations

import json

import pytest

from dbtui.engines.elasticsearch import facts
from dbtui.engines.elasticsearch.folders import FOLDERS
from dbtui.engines.elasticsearch.mapping import fields
from dbtui.engines.elasticsearch.words import parse
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.catalog import Kind
from tests.engines.elasticsearch.opened import engine, node
from tests.servers.elastic import ElasticServer

ODD = "a%2f..%2f_search"  # a legal name, which is a path where it is decoded once too often


async def test_the_cluster_holds_folders_then_indices(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.catalog is not None
        (cluster,) = await made.catalog.children(None)
        assert (cluster.kind, cluster.name) == (Kind.DATABASE, "dbtui-test")
        below = await made.catalog.children(cluster)
        assert [one.name for one in below[: len(FOLDERS)]] == [folder.title for folder in FOLDERS.values()]
        index = next(one for one in below if one.name == "shop")
        assert (index.kind, index.rows, index.note, index.detail) == (Kind.TABLE, 2_000, "yellow", "2 shards")
        told = dict((await made.catalog.detail(cluster)).facts)
        assert told["Nodes"] == "1" and told["Status"] == "yellow"
        assert ("dbtui-test", "shop") in [name.path for name in await made.catalog.names("")]


async def test_an_index_has_fields_settings_and_the_request_that_makes_it(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.catalog is not None
        index = await node(made, "shop")
        parts = await made.catalog.children(index)
        assert [(one.name, one.detail) for one in parts[:-1]] == [
            ("price", "double"), ("tags", "keyword"), ("title", "text"), ("title.raw", "keyword"), ("who", "object"),
            ("who.age", "integer, not indexed"), ("who.name", "keyword"),
        ]  # fmt: skip
        detail = await made.catalog.detail(index)
        told = dict(detail.facts)
        assert (told["Documents"], told["Shards"], told["Replicas"]) == ("2,000", "2", "1")
        assert told["search slow log query.warn"] == "5s" and told["Aliases"] == "sales"
        assert detail.table is not None and len(detail.table.columns) == 7
        field = await made.catalog.detail(parts[0])
        assert field.facts == (("Type", "double"),) and field.table is not None
        request = parse(detail.ddl)
        assert (request.method, request.segments) == ("PUT", ("shop",))
        assert shop.ask("PUT", "/again", json.loads(request.body))["acknowledged"]
        again = shop.ask("GET", "/again/_mapping")["again"]
        assert again == shop.ask("GET", "/shop/_mapping")["shop"]
        shop.drop("again")


async def test_shards_say_where_they_are_and_why_not(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.catalog is not None
        shards = await made.catalog.children(await node(made, "shop", "Shards"))
        assert [(one.name, one.note) for one in shards] == [
            ("0 primary", ""), ("0 replica", "unassigned"), ("1 primary", ""), ("1 replica", "unassigned"),
        ]  # fmt: skip
        assert dict((await made.catalog.detail(shards[0])).facts)["On"] == "node-0"
        told = dict((await made.catalog.detail(shards[1])).facts)
        assert "allocat" in told["Why"] and "already allocated to this node" in told["node-0"]


async def test_a_node_shows_its_load_pools_and_threads(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.catalog is not None
        machine = await node(made, "Nodes", "node-0")
        told = dict((await made.catalog.detail(machine)).facts)
        assert {"Address", "Roles", "Heap", "Disk free", "Breaker parent"} <= set(told)
        reports = await made.catalog.children(machine)
        assert [report.name for report in reports] == [title for title, _ in facts.REPORTS]
        hot, pools, settings = [(await made.catalog.detail(report)).ddl for report in reports]
        assert "node-0" in hot and "interval=500ms" in hot
        assert pools.startswith("name ") and "rejected" in pools.splitlines()[0] and "\nsearch " in pools
        assert "http.port" in settings


async def test_folders_show_what_there_is_and_say_what_is_not(shop: ElasticServer) -> None:
    template = {"index_patterns": ["log-*"], "template": {"settings": {"number_of_shards": 2}}}
    shop.ask("PUT", "/_index_template/logs", template)
    async with engine(shop.url()) as made:
        assert made.catalog is not None
        alias = await node(made, "Aliases", "sales")
        assert (alias.kind, alias.detail) == (Kind.VIEW, "of shop")
        detail = await made.catalog.detail(alias)
        assert detail.table is not None and len(detail.table.columns) == 7
        request = parse(detail.ddl)
        assert request.shown == "POST /_aliases"
        assert json.loads(request.body)["actions"] == [{"add": {"index": "shop", "alias": "sales"}}]
        logs = await node(made, "Index templates", "logs")
        assert logs.detail == "log-*"
        request = parse((await made.catalog.detail(logs)).ddl)
        assert request.shown == "PUT /_index_template/logs"
        assert json.loads(request.body)["index_patterns"] == ["log-*"]
        with pytest.raises(QueryError, match="not on this server"):
            await made.catalog.children(await node(made, "Lifecycle policies"))
        for title in (
            "Data streams",
            "Component templates",
            "Legacy templates",
            "Ingest pipelines",
            "Snapshot repositories",
        ):
            try:
                assert await made.catalog.children(await node(made, title)) == []
            except QueryError as error:
                assert str(error) == "not on this server"
        assert (await made.catalog.children(await node(made, "Ingest pipelines"))) in ([], ())
    shop.ask("DELETE", "/_index_template/logs")


async def test_a_data_stream_has_its_indices_fields_and_documents(opensearch2: ElasticServer) -> None:
    """OpenSearch has them in its smallest packing; Elasticsearch does not."""
    template = {
        "index_patterns": ["events-*"],
        "data_stream": {},
        "template": {"settings": {"number_of_replicas": 0}},
    }
    opensearch2.ask("PUT", "/_index_template/events", template)
    opensearch2.ask("PUT", "/_data_stream/events-a")
    opensearch2.ask(
        "POST", "/events-a/_doc?refresh=true", {"@timestamp": "2026-01-01T00:00:00Z", "what": "sold"}
    )
    try:
        async with engine(opensearch2.url()) as made:
            assert made.catalog is not None
            stream = await node(made, "Data streams", "events-a")
            assert (stream.kind, stream.detail) == (Kind.STREAM, "1 index")
            assert [one.name for one in await made.catalog.children(stream)][:2] == ["@timestamp", "what"]
            detail = await made.catalog.detail(stream)
            assert dict(detail.facts)["Documents"] == "1"
            assert parse(detail.ddl).shown == "PUT /_data_stream/events-a"
            assert (await made.catalog.sample(stream)).rows[0][-2:] == ("2026-01-01T00:00:00Z", "sold")
    finally:
        opensearch2.ask("DELETE", "/_data_stream/events-a")
        opensearch2.ask("DELETE", "/_index_template/events")


def test_what_no_test_server_has_is_read_as_the_products_write_it() -> None:
    def entries(folder: str, answer: object) -> list[tuple[str, str]]:
        return list(FOLDERS[folder].entries(answer))

    streams = {"data_streams": [{"name": "logs", "indices": [{}, {}]}, {"name": "one", "indices": [{}]}]}
    assert entries("/streams", streams) == [("logs", "2 indices"), ("one", "1 index")]
    ilm = {"logs": {"version": 1, "policy": {"phases": {"hot": {}, "delete": {}}}}}
    assert entries("/policies", ilm) == [("logs", "hot, delete")]
    ism = {"policies": [{"_id": "logs", "policy": {"states": [{"name": "hot"}, {"name": "gone"}]}}]}
    assert entries("/policies", ism) == [("logs", "hot, gone")]
    assert entries("/repositories", {"s3": {"type": "s3"}}) == [("s3", "s3")]
    assert entries("/policies", [1]) == entries("/nodes", {}) == []
    first = {"mappings": {"properties": {"x": {"type": "long"}}}}
    second = {"mappings": {"properties": {"x": {"type": "keyword"}, "y": {"type": "alias", "path": "x"}}}}
    found = fields({"a": first, "b": second, "c": None})
    assert [column.type for column in found] == ["long | keyword", "alias, of x"]


def test_a_mapping_as_deep_as_somebody_likes() -> None:
    mapping: dict[str, object] = {"type": "long"}
    for _ in range(3_000):
        mapping = {"properties": {"a": mapping}}
    assert len(fields({"deep": {"mappings": mapping}})) == 3_000


async def test_an_index_named_like_a_path_is_what_it_is_called(shop: ElasticServer) -> None:
    path = f"/{ODD.replace('%', '%25')}"
    assert shop.ask("PUT", path, {"mappings": {"properties": {"f": {"type": "long"}}}})["acknowledged"]
    shop.ask("PUT", f"{path}/_doc/1?refresh=true", {"f": 1})
    try:
        async with engine(shop.url()) as made:
            assert made.catalog is not None
            index = await node(made, ODD)
            assert [one.name for one in await made.catalog.children(index)] == ["f", "Shards"]
            assert len(await made.catalog.children(await node(made, ODD, "Shards"))) == 2
            detail = await made.catalog.detail(index)
            assert parse(detail.ddl).segments == (ODD,)
            assert (await made.catalog.sample(index)).rows == (("1", "1"),)
    finally:
        shop.ask("DELETE", path)


async def test_documents_of_16_mb_and_of_wildly_mixed_types(shop: ElasticServer) -> None:
    mapping = {"dynamic": False, "properties": {"picture": {"type": "binary"}}}
    shop.ask("PUT", "/odd", {"mappings": mapping, "settings": {"number_of_replicas": 0}})
    values: tuple[object, ...] = (
        "text",
        1,
        1.5,
        None,
        True,
        ["a", {"b": 1}],
        {"deep": {"er": []}},
        "",
        "\ud800half",
    )
    for number, value in enumerate(values):
        shop.ask("PUT", f"/odd/_doc/{number}?refresh=true", {"v": value, f"only{number}": number})
    try:
        async with engine(shop.url()) as made:
            assert made.catalog is not None
            index = await node(made, "odd")
            page = await made.catalog.sample(index)
            by_id = {row[0]: row for row in page.rows}
            at = [column.name for column in page.columns].index("v")
            shown = [by_id[str(number)][at] for number in range(len(values))]
            assert shown == [
                "text",
                "1",
                "1.5",
                None,
                "true",
                '["a", {"b": 1}]',
                '{"deep": {"er": []}}',
                '""',
                "\ud800half",  # half a pair, which JSON can hold and UTF-8 cannot
            ]
            shop.ask("PUT", "/odd/_doc/large?refresh=true", {"v": "x" * 15_900_000})
            page = await made.catalog.sample(index)
            assert page.status == "5 documents: more of them would be too large"
            for number in range(len(values)):
                shop.ask("DELETE", f"/odd/_doc/{number}?refresh=true")
            page = await made.catalog.sample(index)
            assert (page.rows[0][0], page.status) == ("large", "1 documents, which are too large to be shown")
    finally:
        shop.drop("odd")


async def test_a_closed_index_and_one_that_is_gone(shop: ElasticServer) -> None:
    shop.ask("PUT", "/shut", {"settings": {"number_of_replicas": 0}})
    shop.ask("POST", "/shut/_close")
    async with engine(shop.url()) as made:
        assert made.catalog is not None
        shut = await node(made, "shut")
        assert shut.note == "closed"
        with pytest.raises(QueryError, match="_open"):
            await made.catalog.sample(shut)
        shop.drop("shut")
        with pytest.raises(QueryError, match="no such index"):
            await made.catalog.detail(shut)


async def test_a_missing_privilege_hides_a_part_and_says_how_much(elasticsearch7: ElasticServer) -> None:
    elasticsearch7.ask("PUT", "/secret", {"settings": {"number_of_replicas": 0}})
    async with engine(elasticsearch7.url(user="reader")) as made:
        assert made.catalog is not None
        (cluster,) = await made.catalog.children(None)
        with pytest.raises(PermissionDenied, match=r"lacks the (cluster|index) privilege"):
            await made.catalog.children(cluster)
        with pytest.raises(PermissionDenied, match="lacks the cluster privilege monitor"):
            await made.catalog.detail(cluster)
    async with engine(elasticsearch7.url(user="looker")) as made:
        assert made.catalog is not None
        told = dict((await made.catalog.detail((await made.catalog.children(None))[0])).facts)
        assert "Indices seen" not in told
    elasticsearch7.drop("secret")
