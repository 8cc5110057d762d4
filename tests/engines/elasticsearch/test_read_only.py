"""What only reads, by verb and path; and that nothing else gets through to a server."""

from __future__ import annotations

import pytest

from dbtui.engines.elasticsearch.query import READ_ONLY
from dbtui.engines.elasticsearch.read_only import why_not
from dbtui.engines.elasticsearch.words import own, parse
from dbtui.errors import NotApproved, QueryError
from tests.engines.elasticsearch.opened import engine, rows
from tests.servers.elastic import ElasticServer

READS = (
    "GET /", "GET _cat/indices?v", "HEAD shop", "GET shop", "GET shop/_search", "POST shop/_search",
    "POST _search", "POST _all/_search", "GET a,b*/_count", "POST _msearch", "POST shop/_validate/query",
    "GET shop/_doc/1", "GET shop/_doc/a%2Fb", "GET shop/_source/1", "POST shop/_field_caps?fields=*",
    "POST _analyze", "GET _tasks", "GET _nodes/hot_threads", "GET _cluster/settings?include_defaults",
    "POST _cluster/allocation/explain", "POST _query", "POST _sql", "GET _ilm/policy",
    "GET shop/_ilm/explain", "GET _security/_authenticate", "GET _plugins/_ism/explain/shop",
    "GET shop/_mapping/field/a", "POST %3Clog-%7Bnow%2Fd%7D%3E/_search",
)  # fmt: skip
ACTS = (
    "PUT shop", "DELETE shop", "POST shop", "PATCH shop", "POST /", "POST shop/_doc", "PUT shop/_doc/1",
    "POST shop/_doc/1", "POST shop/_update/1", "POST shop/_create/1", "DELETE shop/_doc/1", "POST _bulk",
    "POST shop/_bulk", "POST _reindex", "POST shop/_update_by_query", "POST shop/_delete_by_query",
    "GET _refresh", "GET shop/_refresh", "POST shop/_refresh", "GET _flush", "GET shop/_flush",
    "GET shop/_flush/synced", "POST shop/_forcemerge", "POST shop/_cache/clear", "POST shop/_close",
    "POST shop/_open", "PUT shop/_settings", "PUT _cluster/settings", "POST _cluster/reroute",
    "POST _tasks/a:1/_cancel", "POST _tasks/_cancel", "POST shop/_search/scroll", "GET _search/scroll",
    "POST _search/scroll", "GET shop/_search?scroll=1m", "POST shop/_pit?keep_alive=1m",
    "POST shop/_async_search", "GET shop/_doc/1?refresh=true", "GET _security/enroll/kibana",
    "GET _security/enroll/node", "POST _security/api_key", "POST _security/oauth2/token",
    "GET _plugins/_knn/warmup/shop", "POST _plugins/_sql", "POST _snapshot/r/_verify",
    "POST _snapshot/r/s/_restore", "PUT _snapshot/r/s", "POST _ilm/start", "POST shop/_rollover",
    "POST shop/_split/x", "PUT _ingest/pipeline/p", "POST _scripts/s", "PUT _index_template/t",
    "POST _nodes/reload_secure_settings", "POST shop/type/1", "GET shop/type/1", "POST _license",
    "DELETE _all", "POST shop/_search/_x", "GET _unknown", "POST shop%2F_delete_by_query/_search",
    "POST shop/_disk_usage", "PUT shop/_search", "DELETE shop/_search", "POST _mapping", "POST _cat/indices",
    "POST _nodes",
)  # fmt: skip


@pytest.mark.parametrize("text", READS)
def test_questions_are_let_through(text: str) -> None:
    assert why_not(parse(text)) == ""


@pytest.mark.parametrize("text", ACTS)
def test_what_acts_is_not(text: str) -> None:
    assert why_not(parse(text)) != ""


def state(server: ElasticServer) -> tuple[object, ...]:
    """What a write would change."""
    server.ask("POST", "/_refresh")
    indices = server.ask("GET", "/_cat/indices?format=json&h=index,status,docs.count,docs.deleted&s=index")
    return (indices, server.ask("GET", "/shop/_settings"), server.ask("GET", "/_index_template"))


async def test_no_way_around_leads_to_a_write(shop: ElasticServer) -> None:
    """Each of these would write if it got through, or if the server or HTTP took its path for another."""
    before = state(shop)
    tries = (
        *(text for text in ACTS if not text.startswith("POST shop/_search")),
        'POST shop/_search/../_doc\n{"title": "x"}',
        'POST shop/_search%2F..%2F_doc\n{"title": "x"}',
        'POST shop/%5fdoc\n{"title": "x"}',
        'POST //shop//_doc\n{"title": "x"}',
        'POST shop/_doc?x=/_search\n{"title": "x"}',
        'POST shop/_doc#/_search\n{"title": "x"}',
        'GET shop/_search\r\nX: y\r\n\r\nPOST shop/_doc\n{"title": "x"}',
        'POST shop/_doc;_search\n{"title": "x"}',
        "GET shop/_search\nDELETE shop",
    )
    async with engine(shop.url()) as made:
        for text in tries:
            with pytest.raises(QueryError):
                await rows(made, text)
        for request in (
            own("DELETE", "shop"),
            own("POST", "_tasks", "_cancel"),
            own("GET", "shop", "_refresh"),
        ):
            async with made._connector.work().use() as connection:
                with pytest.raises(NotApproved):
                    await connection.send(request, timeout=5.0)
    assert state(shop) == before


async def test_what_may_be_posted_changes_nothing_on_any_version(shop: ElasticServer) -> None:
    """Also where a version does not know the endpoint, and could take it for a document's type."""
    before = state(shop)
    async with engine(shop.url()) as made:
        for endpoint in (
            "_knn_search",
            "_terms_enum",
            "_search_shards",
            "_rank_eval",
            "_mtermvectors",
            "_explain/1",
        ):
            try:
                await rows(made, f'POST shop/{endpoint}\n{{"title": "x"}}')
            except QueryError as error:
                assert error.code != READ_ONLY
        for endpoint in ("_query", "_sql", "_sql/translate", "_render/template"):
            try:
                await rows(made, f'POST {endpoint}\n{{"title": "x"}}')
            except QueryError as error:
                assert error.code != READ_ONLY
    assert state(shop) == before


async def test_a_refusal_says_what_to_do(opensearch2: ElasticServer) -> None:
    async with engine(opensearch2.url()) as made:
        with pytest.raises(
            QueryError, match="GET _refresh is not among what is known to only read"
        ) as caught:
            await rows(made, "GET _refresh")
        assert caught.value.code == READ_ONLY
        assert made.query is not None
        assert not made.query.only_reads("DELETE shop")
        assert made.query.only_reads("GET shop") and made.query.only_reads("no request")
