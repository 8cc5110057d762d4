from __future__ import annotations

import json
import re

import pytest

from dbtui.commands.server_plans import explain_on
from dbtui.errors import QueryError
from dbtui.live.masking import masker
from dbtui.plans import parse
from dbtui.plans.compare import shape
from dbtui.plans.masking import masked
from dbtui.rules.plan import findings
from tests.engines.elasticsearch.opened import engine
from tests.servers.elastic import ElasticServer

QUERY = {"bool": {"must": [{"match": {"title": "tea pot"}}], "filter": [{"range": {"price": {"gte": 20}}}]}}
SEARCH = f"GET shop/_search\n{json.dumps({'query': QUERY, 'size': 3})}"
DEAREST = {"p": {"max": {"field": "price"}}}
TAGS = {"t": {"terms": {"field": "tags"}, "aggs": DEAREST}}
PHRASE = {"window_size": 10, "query": {"rescore_query": {"match_phrase": {"title": "tea pot"}}}}
SHAPES: tuple[dict[str, object], ...] = (
    {"query": QUERY, "size": 3},
    {"query": QUERY, "size": 0, "aggs": TAGS},
    {"sort": [{"price": "desc"}], "query": {"prefix": {"title": "t"}}},
    {"query": {"constant_score": {"filter": {"terms": {"tags": ["tea", "cup"]}}}}, "track_total_hits": True},
    {"post_filter": {"term": {"tags": "tea"}}, "aggs": {"g": {"global": {}, "aggs": DEAREST}}},
    {"query": {"match_none": {}}},
    {"collapse": {"field": "who.name"}, "query": QUERY},
    {"rescore": PHRASE, "query": QUERY},
    {"query": {"function_score": {"query": {"match_all": {}}, "functions": [{"random_score": {}}] * 50}}},
)


async def test_without_running_the_rewritten_query_is_shown(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        plan = await explain_on(made, SEARCH)
        assert plan.format == "elasticsearch-validate" and not plan.analyzed
        assert "title:tea" in plan.nodes[0].label and plan.nodes[0].relation == "shop"
        assert plan.server_version == shop.release.version and plan.query == SEARCH
        assert any("not run" in note for note in plan.notes)
        kept = masked(plan, masker("elasticsearch"))
        assert (
            kept is not None and shape(parse(kept)) == shape(plan) and "title:?" in kept and "tea" not in kept
        )


@pytest.mark.parametrize("number", range(len(SHAPES)))
async def test_self_times_of_a_profile_add_up(shop: ElasticServer, number: int) -> None:
    body = json.dumps(SHAPES[number])
    async with engine(shop.url()) as made:
        plan = await explain_on(made, f"GET shop/_search?request_cache=false\n{body}", analyze=True)
    assert plan.format == "elasticsearch-profile" and plan.analyzed
    assert plan.nodes[0].operation == "search"
    shards = [node for node in plan.nodes if node.operation == "shard"]
    assert shards and {node.relation for node in shards} == {"shop"}
    assert all(node.self_ms is not None and node.self_ms >= 0 for node in plan.nodes)
    assert plan.self_sum_ms is not None and plan.unattributed_ms is not None and plan.total_ms is not None
    assert plan.self_sum_ms + plan.unattributed_ms == pytest.approx(plan.total_ms, abs=plan.rounding_ms)
    children: dict[int, float] = {}
    for node in plan.nodes[1:]:
        if node.relationship != "Shard":
            assert node.parent is not None
            children[node.parent] = children.get(node.parent, 0.0) + (node.total_ms or 0.0)
    for node in plan.nodes:
        if node.operation != "search":
            assert node.total_ms == pytest.approx((node.self_ms or 0.0) + children.get(node.id, 0.0))
    kept = masked(plan, masker("elasticsearch"))
    assert kept is not None and not {"tea", "pot"} & set(re.findall(r"\w+", kept))
    again = parse(kept)
    assert [(n.operation, n.relation, n.self_ms) for n in again.nodes] == [
        (n.operation, n.relation, n.self_ms) for n in plan.nodes
    ]
    findings(plan)


async def test_what_has_no_plan_says_so(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        for text, says in (
            ("GET shop/_count", "is no search"),
            ("query phase of searches · shop", "no request"),
            ("DELETE shop/_search", "is no search"),
            ("GET shop/_search\n[1]", "is an object"),
            ('GET shop/_search\n{"query": {"foo": {}}}', "foo"),
            ("GET none/_search", "no such index"),
        ):
            with pytest.raises(QueryError, match=says) as caught:
                await explain_on(made, text)
            assert "\n" not in str(caught.value)
