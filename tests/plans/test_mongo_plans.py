"""Plans of MongoDB, its shards and DocumentDB: every figure of a recording, and sums that add up."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.live.masking import masker
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.plans.formats import mongo
from dbtui.plans.formats.mongo_bson import readable
from dbtui.plans.masking import masked
from dbtui.plans.summary import own_costs
from tests.recorded.mongodb import FOLDER, text

PLANS = sorted(file.stem for file in FOLDER.glob("explain-*.json"))


def tree(plan: Plan) -> list[tuple[int, str]]:
    return [(node.depth, node.operation) for node in plan.nodes]


def self_times(plan: Plan) -> dict[str, float | None]:
    return {f"{node.subplan or ''}{node.operation}": node.self_ms for node in plan.nodes}


@pytest.mark.parametrize("name", PLANS)
def test_every_recorded_plan_adds_up(name: str) -> None:
    plan = parse(text(name))
    assert plan.original == text(name)
    kept = masked(plan, masker("mongodb"))
    assert (
        kept is not None and tree(parse(kept)) == tree(plan) and self_times(parse(kept)) == self_times(plan)
    )
    for node in plan.nodes:
        assert node.self_ms is None or node.self_ms >= 0
    if plan.self_sum_ms is not None:
        assert plan.total_ms is not None and plan.unattributed_ms is not None
        assert abs(plan.self_sum_ms + plan.unattributed_ms - plan.total_ms) <= plan.rounding_ms + 1e-9


def test_a_classic_find_has_self_times_rows_and_what_it_examined() -> None:
    plan = parse(text("explain-classic-7.0-find"))
    assert plan.format == "mongo-classic"
    assert tree(plan) == [(0, "SORT"), (1, "FETCH"), (2, "IXSCAN")]
    # The index scan shows 52 ms inside a fetch of 50: the clocks tick in milliseconds, so the fetch counts as 52.
    assert self_times(plan) == {"SORT": 9.0, "FETCH": 0.0, "IXSCAN": 52.0}
    assert (plan.total_ms, plan.unattributed_ms, plan.planning_ms) == (70.0, 9.0, 2.0)
    scan = plan.nodes[2]
    assert scan.label == "IXSCAN customer_1 { customer: 1 } on shop.orders"
    assert (scan.index, scan.rows, scan.raw["keysExamined"]) == ("customer_1", 900.0, 900)
    assert plan.nodes[1].raw["filter"] == '{"status": {"$eq": "paid"}}'
    assert plan.notes == ("1 other plan rejected",)
    assert plan.server_version == "7.0.12"
    assert json.loads(plan.query)["find"] == "orders"


def test_a_plan_that_was_not_run_has_no_figures() -> None:
    plan = parse(text("explain-classic-7.0-planner"))
    assert tree(plan) == [(0, "COLLSCAN")]
    assert not plan.analyzed and plan.total_ms is None and plan.nodes[0].rows is None


def test_an_update_counts_what_it_would_change() -> None:
    plan = parse(text("explain-classic-7.0-update"))
    assert plan.nodes[0].raw["nWouldModify"] == 416
    assert self_times(plan) == {"UPDATE": 9.0, "FETCH": 1.0, "IXSCAN": 3.0}


def test_express_stages_have_no_clock() -> None:
    plan = parse(text("explain-express-8.0-find"))
    assert plan.nodes[0].label == "EXPRESS_IXSCAN a_1_b_1 { a: 1, b: 1 } on shop.orders"
    assert plan.nodes[0].executed and plan.nodes[0].self_ms is None and plan.total_ms == 0.0


def test_small_stages_of_the_slot_based_engine_count_for_the_logical_one() -> None:
    plan = parse(text("explain-sbe-7.0-find"))
    assert plan.format == "mongo-sbe"
    assert tree(plan) == [(0, "LIMIT"), (1, "FETCH"), (2, "IXSCAN")]
    # limit 40-40; nlj 40-30-8, limit 8-7, seek 7; filter 30-28, project 28-25, ixseek 25
    assert self_times(plan) == {"LIMIT": 0.0, "FETCH": 10.0, "IXSCAN": 30.0}
    fetch, scan = plan.nodes[1], plan.nodes[2]
    assert (fetch.raw["docsExamined"], scan.raw["keysExamined"]) == (6.0, 479.0)
    assert (fetch.rows, scan.rows) == (6.0, 6.0)
    assert (plan.total_ms, plan.self_sum_ms, plan.unattributed_ms) == (41.0, 40.0, 1.0)


def test_the_stages_of_an_aggregation_stand_on_the_cursor() -> None:
    plan = parse(text("explain-aggregate-6.0-lookup"))
    assert plan.format == "mongo-aggregate"
    assert tree(plan) == [(0, "$group"), (1, "$lookup"), (2, "$cursor"), (3, "COLLSCAN")]
    assert self_times(plan) == {"$group": 12.0, "$lookup": 56.0, "$cursor": 4.0, "COLLSCAN": 20.0}
    assert plan.nodes[1].index == "_id_" and plan.nodes[1].raw["totalDocsExamined"] == 5000
    assert plan.nodes[1].label == "$lookup from customers as who"
    assert plan.total_ms == 95.0


def test_stages_without_a_clock_get_no_self_time_of_their_own() -> None:
    plan = parse(text("explain-aggregate-4.2-no-clocks"))
    assert tree(plan) == [(0, "$sort"), (1, "$cursor"), (2, "COLLSCAN")]
    assert (plan.nodes[2].self_ms, plan.total_ms, plan.unattributed_ms) == (2907.0, 21317.0, 18410.0)


def test_shards_run_at_once_and_the_slowest_counts() -> None:
    plan = parse(text("explain-sharded-6.0-find"))
    assert plan.format == "mongo-sharded"
    assert [n.subplan for n in plan.nodes if n.operation == "shard"] == ["shard01", "shard02"]
    merge = plan.nodes[0]
    assert (merge.operation, merge.total_ms, merge.self_ms) == ("SHARD_MERGE_SORT", 33.0, 3.0)
    slow = [n for n in plan.nodes if n.id >= next(n.id for n in plan.nodes if n.subplan == "shard02")]
    assert [n.self_ms for n in slow] == [2.0, 16.0, 0.0, 12.0]
    assert plan.self_sum_ms == 33.0
    assert plan.nodes[2].relation == "shop.users"


def test_an_aggregation_over_shards_has_the_merger_on_top() -> None:
    plan = parse(text("explain-sharded-6.0-aggregate"))
    assert tree(plan)[:5] == [(0, "$sort"), (1, "$group"), (2, "SHARD_MERGE"), (3, "shard"), (4, "$group")]
    merge = plan.nodes[2]
    assert (merge.rows, merge.raw["mergeType"]) == (18.0, "mongos")
    assert plan.total_ms == 60.0 == plan.self_sum_ms


def test_what_mongosh_prints_is_the_same_plan() -> None:
    recorded = json.loads(text("explain-classic-7.0-find"))
    recorded["operationTime"] = "TIME"
    printed = re.sub(r'"([A-Za-z]\w*)":', r"\1:", json.dumps(recorded, indent=2)).replace('"', "'")
    printed = printed.replace("'TIME'", "Timestamp({ t: 1772359200, i: 1 })").replace("900,", "Long('900'),")
    assert "explainVersion: '1'" in printed
    plan = parse(printed)
    assert self_times(plan) == {"SORT": 9.0, "FETCH": 0.0, "IXSCAN": 52.0}
    assert plan.nodes[2].raw["keysExamined"] == 900


DOCUMENTDB = {
    "queryPlanner": {
        "Plan": {
            "Plans": [
                {
                    "Relation Name": "documents_2",
                    "Plan Rows": 1.0,
                    "Node Type": "Bitmap Heap Scan",
                    "Alias": "collection",
                    "Filter": "(document OPERATOR(documentdb_api_catalog.@>) "
                    "'BSONHEX1000000010746f74616c000a00000000'::documentdb_core.bson)",
                    "Total Cost": 8.66,
                    "Parent Relationship": "child",
                }
            ],
            "namespaceName": "shop.orders",
            "Node Type": "Custom Scan",
            "Custom Plan Provider": "DocumentDBApiExplainQueryScan",
            "Total Cost": 8.67,
            "IndexDetails": [{"indexName": "customer_1", "indexBounds": ['["customer": [5, 5]]']}],
        }
    },
    "explainVersion": "1",
    "command": {"find": "orders", "$db": "shop"},
    "serverInfo": {"version": "7.0.77"},
}


def test_a_plan_of_documentdb_names_the_collection_and_its_values() -> None:
    plan = parse(json.dumps(DOCUMENTDB))
    assert plan.format == "mongo-documentdb"
    assert [n.label for n in plan.nodes] == [
        "Custom Scan (DocumentDBApiExplainQueryScan)",
        "Bitmap Heap Scan on shop.orders",
    ]
    assert plan.nodes[1].raw["Filter"] == '(document > {"total": 10})'
    assert plan.nodes[1].relation == "shop.orders"
    assert plan.nodes[0].self_cost == pytest.approx(0.01)
    kept = masked(plan, masker("mongodb"))
    assert kept is not None and tree(parse(kept)) == tree(plan) and "BSONHEX" not in kept


def test_below_a_limit_the_costs_of_documentdb_add_up_to_what_is_asked_for() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "documents_2", "Total Cost": 112.0, "Plan Rows": 1500}
    custom = {"Node Type": "Custom Scan", "Total Cost": 112.0, "Plan Rows": 1500, "Plans": [scan]}
    whole = {"Node Type": "Limit", "Total Cost": 0.37, "Plan Rows": 5, "Plans": [custom]}
    plan = parse(json.dumps({"queryPlanner": {"Plan": whole}, "explainVersion": "1"}))
    assert plan.format == "mongo-documentdb"
    assert own_costs(plan) == pytest.approx((0.0, 0.0, 0.37))


@pytest.mark.parametrize(
    "said",
    [
        '{"queryPlanner": {}}',
        '{"queryPlanner": {"winningPlan": 3}}',
        '{"explainVersion": "1", "stages": []}',
        '{"explainVersion": "1", "stages": [{"nReturned": 5}]}',
        '{"explainVersion": "1", "ok": 1}',
        '{"queryPlanner": {"winningPlan": {"stage": "COLLSCAN"',
        '[{"queryPlanner": {"winningPlan": {"stage": "A"}}}, {"queryPlanner": {"winningPlan": {"stage": "B"}}}]',
        '{"queryPlanner": {"winningPlan": {"stage": "A"}}, "executionStats": {"executionStages": '
        '{"stage": "A", "executionTimeMillisEstimate": 1e300}}}',
    ],
)
def test_what_is_no_plan_is_said_in_one_line(said: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(said)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("levels", [500, 20_000])
def test_depth_has_a_limit(levels: int) -> None:
    deep = '{"stage": "A", "inputStage": ' * levels + '{"stage": "Z"}' + "}" * levels
    with pytest.raises(InputError, match="nested deeper"):
        parse('{"queryPlanner": {"winningPlan": ' + deep + "}}")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["stage", "inputStage", "inputStages", "shards", "queryPlan", "winningPlan", "$cursor",
                         "executionStats", "executionStages", "nReturned", "executionTimeMillisEstimate", "Plan",
                         "planNodeId", "opens", "stages", "works", "Plans", "Node Type", "$group"]),
        inner, max_size=5),
    max_leaves=25,
))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_any_document_is_a_plan_or_a_refusal(inner: object) -> None:
    for document in ({"queryPlanner": inner}, {"explainVersion": "2", "stages": inner, "shards": inner}):
        try:
            plan = mongo.read(json.dumps(document))
        except InputError:
            continue
        assert plan.nodes


@given(st.binary(max_size=60))
def test_any_constant_is_read_or_left_alone(data: bytes) -> None:
    constant = f"'BSONHEX{data.hex()}'::documentdb_core.bson"
    assert isinstance(readable(constant), str)


def test_constants_of_each_type_are_readable() -> None:
    from datetime import UTC, datetime

    import bson

    document = {
        "s": "ü", "d": 1.5, "i": 5, "l": bson.Int64(2**40), "n": None, "b": True, "a": [1, {"x": "y"}],
        "o": bson.ObjectId("65e1f0000000000000000001"), "t": datetime(2026, 3, 1, tzinfo=UTC),
        "r": bson.Regex("^a", "i"), "m": bson.MinKey(), "x": bson.Binary(b"\x01\x02"),
    }  # fmt: skip
    shown = readable(f"'BSONHEX{bson.encode(document).hex()}'::documentdb_core.bson")
    assert shown == (
        '{"s": "ü", "d": 1.5, "i": 5, "l": 1099511627776, "n": null, "b": true, "a": [1, {"x": "y"}], '
        '"o": ObjectId("65e1f0000000000000000001"), "t": ISODate("2026-03-01T00:00:00.000Z"), "r": /^a/i, '
        '"m": MinKey, "x": "\\x0102"}'
    )
