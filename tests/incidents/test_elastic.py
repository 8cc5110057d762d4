from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.engines.elasticsearch.opened import slow_search
from tests.incidents.watch import watched
from tests.servers.elastic import OPENSEARCH2, ElasticServer

PAGES = "pages"


def filled(server: ElasticServer) -> None:
    """An index that a search takes its time with."""
    server.ask("PUT", f"/{PAGES}", {"settings": {"number_of_replicas": 0}})
    lines = [f'{{"index": {{}}}}\n{{"price": {n}, "title": "tea {n}"}}\n' for n in range(1500)]
    server.ask("POST", f"/{PAGES}/_bulk?refresh=true", "".join(lines))


@pytest.fixture
def pages(elastic: ElasticServer) -> Iterator[ElasticServer]:
    filled(elastic)
    yield elastic
    elastic.drop(PAGES)


async def test_a_search_that_does_not_end(pages: ElasticServer) -> None:
    with slow_search(pages, "nightly-report", PAGES):
        async with watched(pages.url(), {"es-long-search": {"seconds": 0.02}}) as incident:
            found = await incident.named("es-long-search")
            assert "nightly-report searches for" in found.message and "GET pages/_search" in found.message
            assert found.object is not None and found.object.endswith("@node-0")


async def test_a_shard_that_no_node_may_hold(elastic: ElasticServer) -> None:
    settings = {"number_of_replicas": 1, "routing.allocation.require.zone": "b"}
    elastic.ask("PUT", "/replicated", {"settings": {"number_of_replicas": 1}})  # a copy has no node either
    elastic.ask("PUT", "/orders?wait_for_active_shards=0", {"settings": settings})
    try:
        async with watched(elastic.url()) as incident:
            async with asyncio.timeout(60):
                while (found := await incident.named("es-cluster-red")).object != "orders":
                    await asyncio.sleep(0.1)
            assert "a part of the data cannot be searched or written" in found.message
            assert "primary shard 0 of orders has no node: node does not match index setting" in found.message
    finally:
        elastic.drop("orders", "replicated")


async def test_a_breaker_that_refuses_what_a_request_would_hold(pages: ElasticServer) -> None:
    limit = "indices.breaker.request.limit"
    pages.ask("PUT", "/_cluster/settings", {"transient": {limit: "1b"}})
    body = {"size": 0, "aggs": {"all": {"terms": {"field": "title.keyword", "size": 1000}}}}
    try:
        async with watched(pages.url(), {"es-breaker-tripped": {"per_minute": 0.1}}) as incident:
            async with asyncio.timeout(30):
                while not any(f.rule == "es-breaker-tripped" for f in incident.watch.findings):
                    refused = pages.ask("POST", f"/{PAGES}/_search?request_cache=false", body)
                    assert "circuit_breaking_exception" in str(refused)
                    incident.session.refresh()
                    await asyncio.sleep(0.3)
            found = await incident.named("es-breaker-tripped")
            assert "by the circuit breaker for what one request holds (request)" in found.message
    finally:
        pages.ask("PUT", "/_cluster/settings", {"transient": {limit: None}})


@pytest.mark.slow
async def test_a_pool_that_a_few_searches_hold() -> None:
    settings = {"thread_pool.search.size": "1", "thread_pool.search.queue_size": "1"}
    with ElasticServer(OPENSEARCH2, settings) as server, ExitStack() as searches:
        filled(server)
        for n in range(6):
            searches.enter_context(slow_search(server, f"report-{n}", PAGES))
        async with watched(server.url()) as incident:
            async with asyncio.timeout(30):
                while "report-" not in (found := await incident.named("es-requests-rejected")).message:
                    await asyncio.sleep(0.1)
            assert "searches; the pool is held: report-" in found.message
