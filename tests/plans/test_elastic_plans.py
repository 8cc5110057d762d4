"""Profiles of Elasticsearch and OpenSearch: shapes that a test server does not make, and what is no profile."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans import parse


def part(kind: str, ms: float, *children: dict[str, Any], **breakdown: float) -> dict[str, Any]:
    """A part of a profile; `breakdown` in milliseconds."""
    made: dict[str, Any] = {"type": kind, "description": f"of {kind}", "time_in_nanos": round(ms * 1e6)}
    made["breakdown"] = {name: round(value * 1e6) for name, value in breakdown.items()}
    return made | ({"children": list(children)} if children else {})


def collector(name: str, reason: str, ms: float, *children: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "reason": reason, "time_in_nanos": round(ms * 1e6), "children": list(children)}


def profile(took: float, *shards: dict[str, Any]) -> str:
    return json.dumps(
        {"took": took, "hits": {"total": {"value": 5}, "hits": []}, "profile": {"shards": shards}}
    )


def shard(number: int, query: dict[str, Any], collecting: dict[str, Any], **more: Any) -> dict[str, Any]:
    search = {"query": [query], "rewrite_time": 1_000_000, "collector": [collecting]}
    return {"id": f"[n1][shop][{number}]", "searches": [search], "aggregations": [], **more}


def selves(plan: Plan) -> dict[str, float]:
    return {node.operation: round(node.self_ms or 0.0, 6) for node in plan.nodes}


def test_what_lies_inside_of_a_collector_counts_once() -> None:
    """Scoring is in the clocks of the query and of the top hits, collecting in that of its aggregator and collector."""
    hits = collector("TopHits", "search_top_hits", 6)
    inner = collector("Buckets: [t]", "aggregation", 9)
    terms = part("Terms", 12, part("Avg", 2), collect=7, build_leaf_collector=1, build_aggregation=4)
    text = profile(
        60,
        shard(
            0,
            part("Bool", 20, part("Term", 5), part("Range", 3), score=4, next_doc=10),
            collector("Multi", "search_multi", 18, hits, inner),
            aggregations=[terms],
            fetch=part("fetch", 5, part("FetchSourcePhase", 1)),
        ),
    )
    plan = parse(text)
    assert selves(plan) == {
        "search": 0, "shard": 0, "rewrite": 1, "Bool": 12, "Term": 5, "Range": 3, "Multi": 3, "TopHits": 2,
        "Buckets": 1, "Terms": 10, "Avg": 2, "fetch": 4, "FetchSourcePhase": 1,
    }  # fmt: skip
    assert (plan.total_ms, plan.self_sum_ms, plan.unattributed_ms) == (60, 44, 16)
    assert plan.nodes[0].rows == 5


def test_the_sum_follows_the_slowest_shard() -> None:
    hits = collector("TopHits", "search_top_hits", 1)
    plan = parse(profile(50, shard(0, part("Term", 10), hits), shard(1, part("Term", 30), hits)))
    assert (plan.self_sum_ms, plan.unattributed_ms) == (32, 18)
    network = shard(
        0, part("Term", 10), hits, inbound_network_time_in_millis=3, outbound_network_time_in_millis=4
    )
    assert parse(profile(50, network)).self_sum_ms == 19


def test_clocks_that_are_reckoned_are_shortened_to_what_is_around_them() -> None:
    query = part("Bool", 20, part("Term", 50), part("Range", 30))
    plan = parse(profile(30, shard(0, query, collector("TopHits", "search_top_hits", 1))))
    assert (selves(plan)["Bool"], selves(plan)["Term"], selves(plan)["Range"]) == (0, 12.5, 7.5)
    plan = parse(profile(9, shard(0, part("Term", 97), collector("TopHits", "search_top_hits", 2))))
    assert plan.self_sum_ms == pytest.approx(10) and plan.unattributed_ms == 0
    assert any("reckoned" in note for note in plan.notes)


def test_searches_for_vectors_and_statistics_of_terms_come_before() -> None:
    knn = {
        "query": [part("DocAndScore", 3, score=1)],
        "rewrite_time": 0,
        "collector": [collector("Top", "x", 1)],
    }
    dfs = {"statistics": part("statistics", 2), "knn": [knn]}
    plan = parse(profile(20, shard(0, part("Term", 4), collector("Top", "search_top_hits", 1), dfs=dfs)))
    assert [node.operation for node in plan.nodes][:6] == [
        "search", "shard", "statistics", "rewrite", "DocAndScore", "Top",
    ]  # fmt: skip
    assert plan.self_sum_ms == 12


def test_the_profile_alone_or_without_a_time_is_read_as_well() -> None:
    whole = json.loads(profile(20, shard(0, part("Term", 4), collector("Top", "search_top_hits", 1))))
    bare = parse(json.dumps({"profile": whole["profile"]}))
    assert (bare.total_ms, bare.self_sum_ms, bare.unattributed_ms) == (6, 6, 0)
    assert parse(json.dumps(whole["profile"])).self_sum_ms == 6
    assert parse(json.dumps(whole, indent=2)).self_sum_ms == 6


def test_java_objects_show_their_class_alone() -> None:
    odd = part("Score", 4) | {"description": "f [{org.elasticsearch.a.Random@1f2e}{org.x.Y$1@ab}]"}
    named = collector("MultiBucketCollector: [org.x.Multi$1@55cc8b28]", "aggregation", 1)
    plan = parse(profile(20, shard(0, odd, named)))
    labels = [node.label for node in plan.nodes]
    assert "Score f [{Random}{Y}]" in labels and "MultiBucketCollector aggregation" in labels


def test_queries_that_were_not_run() -> None:
    found = [
        {"index": "a", "valid": True, "explanation": "+x:1"},
        {"index": "b", "valid": False, "error": "no"},
    ]
    plan = parse(json.dumps({"_shards": {}, "valid": False, "explanations": found}))
    assert plan.format == "elasticsearch-validate" and not plan.analyzed
    assert [node.label for node in plan.nodes] == ["search", "query +x:1 on a", "invalid query no on b"]


@pytest.mark.parametrize(
    "text",
    [
        '{"took": 1, "profile": {"shards": []}, "x": "searches", "searches": []}',
        '{"took": 1, "profile": {"shards": [{"searches": [',
        '{"valid": true, "explanations": []}',
        '{"took": 1, "profile": {"shards": [{"searches": [{"query": ' + '[{"children":' * 5_000,
    ],
)
def test_what_is_no_profile_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_profile_that_is_nested_too_deeply() -> None:
    query = part("Leaf", 1)
    for _ in range(3_000):
        query = {"type": "Bool", "time_in_nanos": 1, "children": [query]}
    with pytest.raises((InputError, RecursionError)):
        parse(profile(1, shard(0, copy.copy(query), collector("Top", "search_top_hits", 1))))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["query", "children", "collector", "time_in_nanos", "type", "breakdown", "searches", "fetch"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["id", "searches", "aggregations", "fetch", "dfs"]), _VALUES))
)
def test_any_profile_is_a_plan_that_adds_up_or_an_error(shards: list[dict[str, Any]]) -> None:
    text = json.dumps({"took": 7, "profile": {"shards": shards}, "x": "searches", "searches": 1})
    try:
        plan = parse(text)
    except InputError:
        return
    assert all((node.self_ms or 0.0) >= 0 for node in plan.nodes)
    if plan.self_sum_ms is not None and plan.unattributed_ms is not None:
        assert plan.self_sum_ms + plan.unattributed_ms == pytest.approx(
            plan.total_ms, abs=plan.rounding_ms + 1e-6
        )
