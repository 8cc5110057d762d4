from __future__ import annotations

import asyncio
import json

import pytest

from dbtui import beside
from dbtui.engines.elasticsearch import reply
from dbtui.engines.elasticsearch.words import parse
from dbtui.errors import QueryError, QueryTimeout
from dbtui.model.result import Page
from tests.engines.elasticsearch.opened import engine, fetch, rows
from tests.servers.elastic import ElasticServer


def names(page: Page) -> list[str]:
    return [column.name for column in page.columns]


async def test_hits_are_rows_with_a_column_for_each_field(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        page = await rows(made, 'GET shop/_search\n{"query": {"ids": {"values": ["7"]}}}')
        assert names(page) == ["_id", "title", "price", "tags", "who"]
        assert page.rows == (("7", "steel tea", "0.7", '["cup"]', '{"name": "n2", "age": 7}'),)
        through = await rows(made, "GET sales/_search?size=3")
        assert names(through)[0] == "_index" and len(through.rows) == 3
        assert (await rows(made, "GET shop/_doc/7")).rows[0][2] == "steel tea"
        several = await rows(made, 'POST shop/_mget\n{"ids": ["7", "none"]}')
        assert [row[1] for row in several.rows] == ["7", "none"]
        searches = await rows(made, 'POST _msearch\n{"index": "shop"}\n{"size": 0}\n{"index": "none"}\n{}')
        assert [row[names(searches).index("status")] for row in searches.rows] == ["200", "404"]


async def test_buckets_are_rows_where_no_hits_are_asked_for(shop: ElasticServer) -> None:
    inner = {
        "who": {"terms": {"field": "who.name", "size": 1}, "aggs": {"dear": {"max": {"field": "price"}}}}
    }
    body = {"size": 0, "aggs": {"tag": {"terms": {"field": "tags", "order": {"_key": "asc"}}, "aggs": inner}}}
    async with engine(shop.url()) as made:
        page = await rows(made, f"GET shop/_search\n{json.dumps(body)}")
        assert names(page)[:2] == ["aggregation", "outer key"]
        assert [row[1] for row in page.rows] == ["cup", "red", "tea"]
        body = {"size": 0, "aggs": {"dear": {"max": {"field": "price"}}}}
        page = await rows(made, f"GET shop/_search\n{json.dumps(body)}")
        assert (names(page), page.rows) == (["aggregation", "value"], (("dear", "199.9"),))


async def test_tables_documents_text_and_a_bare_status(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        table = await rows(made, "GET _cat/indices/shop?h=index,docs.count,store.size")
        assert names(table) == ["index", "docs.count", "store.size"]
        assert table.rows[0][:2] == ("shop", "2000") and (table.rows[0][2] or "").isdecimal()
        assert names(await rows(made, "GET _cat/indices?format=text")) == ["text"]
        document = await rows(made, "GET shop/_settings?flat_settings=true")
        assert ("shop.settings.index.number_of_shards", "2") in document.rows
        assert (await rows(made, "HEAD shop")).rows == (("200",),)
        assert (await rows(made, "HEAD none")).rows == (("404",),)


def test_answers_of_no_test_server_are_read_as_the_products_write_them() -> None:
    sql = {"columns": [{"name": "a", "type": "long"}, {"name": "b", "type": "keyword"}], "rows": [[1, None]]}
    columns, made = reply.table(parse("POST _sql"), sql)
    assert ([(c.name, c.type, c.numeric) for c in columns], made) == (
        [("a", "long", True), ("b", "keyword", False)],
        [("1", None)],
    )
    esql = {"columns": sql["columns"], "values": [[2, "x"]]}
    assert reply.table(parse("POST _query"), esql)[1] == [("2", "x")]
    wide = {"hits": {"hits": [{"_id": "1", "_source": {f"f{n}": n for n in range(300)}}]}}
    columns, made = reply.table(parse("GET a/_search"), wide)
    assert len(columns) == len(made[0]) == reply.MOST_COLUMNS + 1 and (made[0][-1] or "").startswith(
        '{"f199": 199'
    )
    assert reply.cell("x" * 30_000) == "x" * reply.CELL + "… (30,000 characters)"
    filters = {
        "aggregations": {"f": {"buckets": {"a": {"doc_count": 1}, "b": {"doc_count": 2}}}},
        "hits": {"hits": []},
    }
    assert [row[1] for row in reply.table(parse("GET _search"), filters)[1]] == ["a", "b"]
    assert reply.table(parse("GET x"), 3)[1] == [("3",)]


async def test_an_answer_of_many_rows_comes_by_pages(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.query is not None
        cursor = await made.query.run("GET shop/_search?size=2000")
        pages = [await cursor.fetch()]
        while pages[-1].more:
            pages.append(await cursor.fetch())
        assert [len(page.rows) for page in pages] == [500] * 4
        await cursor.close()


async def test_a_large_answer_is_the_same_and_is_read_beside_the_keys(shop: ElasticServer) -> None:
    request = parse("GET shop/_search?size=2000")
    async with engine(shop.url()) as made:
        async with made._connector.work().use() as connection:
            answer = await connection.send(request, timeout=10.0)
        assert len(answer.body) > beside.SMALL
        once = reply.read(request, answer.body)
        twice = await beside.call(reply.read, request, answer.body)
        assert once == twice and len(once[1]) == 2_000
        page = await rows(made, "GET shop/_search?size=2000")
        assert len(page.rows) == 500


async def test_errors_are_one_line_with_their_place(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        for text, says, at in (
            ('GET shop/_search\n{"query": {"foo": {}}}', "foo", "{}}"),
            ('GET shop/_search\n{"query": {"match": {"title": }}}', "no JSON", "}}}"),
            ("GET none/_search", "no such index", ""),
            ("GET shop/_search?size=99999", "Result window is too large", ""),
            ("GET shop/_search?nonsense=1", "unrecognized parameter", ""),
            ("GET shop/_doc/none", "no such document", ""),
            ("GET _cat/none", "_cat/none", ""),
        ):
            with pytest.raises(QueryError, match=says) as caught:
                await rows(made, text)
            assert "\n" not in str(caught.value)
            if at:
                position = caught.value.position
                assert position is not None and text[position - 1 :].startswith(at), (text, position)


async def test_a_search_that_takes_too_long_or_is_cancelled_ends_at_the_server(shop: ElasticServer) -> None:
    functions = [{"random_score": {"seed": seed, "field": "price"}} for seed in range(4_000)]
    body = json.dumps({"query": {"function_score": {"query": {"match_all": {}}, "functions": functions}}})
    text = f"GET shop/_search\n{body}"
    async with engine(shop.url()) as made:
        assert made.query is not None
        with pytest.raises(QueryTimeout):
            await made.query.run(text, timeout=0.2)
        waiting = asyncio.create_task(made.query.run(text))
        await asyncio.sleep(0.2)
        await made.query.cancel()
        with pytest.raises(QueryError, match="cancelled"):
            await waiting
        for _ in range(200):
            running = shop.ask("GET", "/_tasks?actions=indices:data/read/search")["nodes"]
            if not running:
                break
            await asyncio.sleep(0.05)
        assert not running
        assert (await rows(made, "GET shop/_count")).rows[0] == ("count", "2000")


async def test_an_answer_that_is_too_large_is_dropped_and_says_so(shop: ElasticServer) -> None:
    shop.ask("PUT", "/large", {"mappings": {"dynamic": False}, "settings": {"number_of_replicas": 0}})
    for number in range(10):
        shop.ask("PUT", f"/large/_doc/{number}?refresh=true", {"v": "x" * 4_000_000})
    try:
        async with engine(shop.url()) as made:
            with pytest.raises(QueryError, match="larger than 32 MB"):
                await rows(made, "GET large/_search")
            page = await rows(made, "GET large/_search?size=1")
            assert (page.rows[0][-1] or "").endswith("… (4,000,000 characters)")
    finally:
        shop.drop("large")


async def test_a_red_cluster_says_so_and_goes_on(elastic: ElasticServer) -> None:
    nowhere = {"index.routing.allocation.require._name": "nobody", "number_of_shards": 1}
    elastic.ask("PUT", "/lost?wait_for_active_shards=0&timeout=1ms", {"settings": nowhere})
    try:
        async with engine(elastic.url()) as made:
            assert (await fetch(made, "counters"))["red"] == 1
            with pytest.raises(QueryError, match=r"no shard|shards failed") as caught:
                await rows(made, "GET lost/_search")
            assert "pane 3" in caught.value.hint
            assert made.catalog is not None
            (cluster,) = await made.catalog.children(None)
            lost = next(one for one in await made.catalog.children(cluster) if one.name == "lost")
            assert lost.note == "red"
            await made.catalog.detail(lost)
    finally:
        elastic.drop("lost")
