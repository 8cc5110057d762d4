"""Each pane of the console on a cluster."""

from __future__ import annotations

import pytest

from dbtui.tui.widgets.object_tree import ObjectTree
from tests.engines.elasticsearch.opened import slow_search
from tests.servers.elastic import ElasticServer
from tests.tui.console import console, target_of

# One product will do: what differs between them is in the answers, not in the panes.
pytestmark = pytest.mark.parametrize("elastic", ["opensearch2"], indirect=True)


async def test_live_statements_tree_and_plan(shop: ElasticServer) -> None:
    with slow_search(shop, "nightly"):
        async with console(target_of(shop.url()), interval=0.5) as c:
            await c.sees(
                shop.product, "Shard searches", "Heap", "Unassigned shards".lower(), "Task", "nightly"
            )
            await c.sees("GET shop/_search")
            await c.press("X")
            await c.hears("x cancels it")
            await c.press("e")
            await c.sees("not run", "function score")
            await c.press("a")
            await c.sees("Run it to measure it?")
            await c.sees_no_more("triggers")
            await c.press("escape")
            await c.press("2")
            await c.sees("query phase of searches", "no texts")
            await c.press("3")
            await c.sees("Nodes", "Lifecycle policies", "shop")
            tree = c.app.screen.query_one(ObjectTree)
            tree.reveal(("here", "dbtui-test", "shop"))
            await c.sees("Documents", "Fields", "title.raw", "integer, not indexed")
            await c.press("s")
            await c.sees("cup tea")
            tree.reveal(("here", "dbtui-test", "/policies", "none"))
            await c.sees("not on this server")


async def test_the_editor_takes_requests_as_they_are(shop: ElasticServer) -> None:
    async with console(target_of(shop.url()), interval=2.0) as c:
        for request, seen in (
            ("GET _cat/indices/shop?h=index,docs.count", "2000"),
            ('GET shop/_search\n{"size": 0, "aggs": {"t": {"terms": {"field": "tags"}}}}', "doc_count"),
            ("GET none/_search", "no such index"),
            ("PUT console/_doc/1\n{}", "L lifts it"),
        ):
            await c.edit(request)
            await c.press("ctrl+r")
            await c.sees(seen)
        await c.edit('GET shop/_search\n{"query": {"match": {"title": "tea"}}}')
        await c.press("ctrl+g")
        await c.sees("title:tea")
    async with console(target_of(shop.url(), read_only=False), interval=2.0) as c:
        await c.edit('PUT console/_doc/1?refresh=true\n{"a": 1}')
        await c.press("ctrl+r")
        await c.until(lambda: shop.ask("GET", "/console/_count").get("count") == 1)
    shop.drop("console")


async def test_half_a_letter_is_shown_and_copied(shop: ElasticServer) -> None:
    shop.ask("PUT", "/console/_doc/1?refresh=true", {"v": "\ud800half"})
    async with console(target_of(shop.url()), interval=2.0) as c:
        await c.edit("GET console/_search")
        await c.press("ctrl+r")
        await c.sees("\ufffdhalf")
        await c.press("escape", "y")
        await c.until(lambda: c.app.clipboard == "1\t?half")
    shop.drop("console")
