"""The figures of plans that real servers made add up, and every notation of EXPLAIN says the same."""

from __future__ import annotations

import pytest

from dbtui.model.plan import Plan, PlanNode
from dbtui.plans import parse
from tests.plans.conftest import Explained
from tests.plans.shapes import SHAPES

MEASURED = (
    "analyze, buffers, verbose, wal, settings, format json",
    "analyze, buffers, verbose, format text",
    "analyze, buffers, format yaml",
    "analyze, buffers off, summary off, format xml",
)
UNTIMED = (
    "analyze, buffers, timing off, format json",
    "analyze, buffers, timing off, costs off, summary off",
)


@pytest.mark.parametrize("options", MEASURED)
def test_self_times_and_blocks_add_up(explained: Explained, options: str) -> None:
    assert len(SHAPES) >= 80
    for name, text in explained.shapes(options).items():
        plan = parse(text)
        assert _wrong_times(plan) == "", name
        assert _wrong_blocks(plan) == "", name


@pytest.mark.parametrize("options", UNTIMED)
def test_without_timing_blocks_add_up_and_times_are_none(explained: Explained, options: str) -> None:
    for name, text in explained.shapes(options).items():
        plan = parse(text)
        assert plan.analyzed, name
        assert plan.self_sum_ms is None and all(node.self_ms is None for node in plan.nodes), name
        assert _wrong_blocks(plan) == "", name


def _wrong_times(plan: Plan) -> str:
    root = plan.nodes[0].total_ms
    if root is None or plan.self_sum_ms is None or plan.total_ms is None or plan.unattributed_ms is None:
        return "no times"
    if any(node.self_ms is None or node.self_ms < 0 for node in plan.nodes):
        return "a negative self time"
    if abs(sum(node.self_ms or 0 for node in plan.nodes) - root - plan.post_ms) > plan.rounding_ms:
        return f"{plan.self_sum_ms} is not the root's {root} + {plan.post_ms}"
    if abs(plan.self_sum_ms + plan.unattributed_ms - plan.total_ms) > plan.rounding_ms + 1e-9:
        return f"{plan.self_sum_ms} + {plan.unattributed_ms} is not {plan.total_ms}"
    if (
        plan.rounding_ms > 2 + 0.02 * root
    ):  # two milliseconds: a busy machine stops between two clock readings
        return f"a rounding of {plan.rounding_ms} for {root}"
    return ""


def _wrong_blocks(plan: Plan) -> str:
    root = plan.nodes[0].blocks
    if root is None:
        return ""
    if any(node.self_blocks is not None and node.self_blocks < 0 for node in plan.nodes):
        return "negative blocks"
    if any(value < 0 for node in plan.nodes for value in node.self_counters.values()):
        return "a negative counter"
    own = sum(node.self_blocks or 0 for node in plan.nodes)
    return (
        ""
        if own == root + plan.post_blocks
        else f"{own} blocks are not the root's {root} + {plan.post_blocks}"
    )


def test_all_notations_give_the_same_plan(explained: Explained) -> None:
    texts = explained.notations("verbose")
    for name in SHAPES:
        plans = {notation: parse(shapes[name]) for notation, shapes in texts.items()}
        expected = [_essence(node) for node in plans["json"].nodes]
        for notation, plan in plans.items():
            assert plan.format == f"postgres-{notation}"
            assert [_essence(node) for node in plan.nodes] == expected, (name, notation)
        for notation in ("yaml", "xml"):
            assert [n.raw for n in plans[notation].nodes] == [n.raw for n in plans["json"].nodes], name
        for from_text, from_json in zip(plans["text"].nodes, plans["json"].nodes, strict=True):
            assert _contradictions(from_text, from_json) == {}, name


def _essence(node: PlanNode) -> tuple[object, ...]:
    return (
        *(node.id, node.parent, node.depth, node.label, node.operation, node.relation, node.index),
        *(node.relationship, node.subplan, node.startup_cost, node.total_cost),
        *(node.estimated_rows, node.estimated_width),
    )


def _contradictions(from_text: PlanNode, from_json: PlanNode) -> dict[str, object]:
    """What the text form says otherwise; two keys are its own."""
    unsaid = {"Sampling", "Function Name"}
    return {
        key: (value, from_json.raw.get(key))
        for key, value in from_text.raw.items()
        if from_json.raw.get(key) != value and key not in unsaid
    }


def test_costs_off_is_read_by_the_names_of_operations(explained: Explained) -> None:
    both = explained.variants("costs off", "costs off, format json").values()
    for name in SHAPES:
        labels = [[node.label for node in parse(text[name]).nodes] for text in both]
        assert labels[0] == labels[1], name


def test_measured_properties_are_of_one_kind_in_all_notations(explained: Explained) -> None:
    """Spills, caches, sorts, filters and buffers stand under the same keys, numbers as numbers."""
    texts = explained.notations("analyze, buffers, timing off, summary off")
    seen: set[str] = set()
    for name in SHAPES:
        from_json = parse(texts["json"][name])
        for notation in ("text", "yaml", "xml"):
            plan = parse(texts[notation][name])
            for node, other in zip(plan.nodes, from_json.nodes, strict=True):
                seen |= node.raw.keys()
                wrong = {
                    key for key, value in node.raw.items() if not _same_kind(value, other.raw.get(key, value))
                }
                assert wrong == set(), (name, notation)
    assert {
        "Sort Space Type",
        "Original Hash Batches",
        "HashAgg Batches",
        "Cache Hits",
        "Full-sort Groups",
    } <= seen
    assert {"Exact Heap Blocks", "Rows Removed by Filter", "Temp Written Blocks", "Heap Fetches"} <= seen


def _same_kind(value: object, other: object) -> bool:
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys()
    numbers = (int, float)
    return type(value) is type(other) or (type(value) in numbers and type(other) in numbers)


def test_a_writing_cte_that_nobody_reads_to_its_end_ran_after_the_root(explained: Explained) -> None:
    plan = parse(explained.texts([(MEASURED[0], *SHAPES["cte that writes, unread"])])[0])
    assert plan.post_ms > (plan.nodes[0].total_ms or 0)
    assert plan.post_blocks > 1000


def test_workers_share_the_wall_time(explained: Explained) -> None:
    plan = parse(explained.texts([(MEASURED[0], *SHAPES["parallel seq scan"])])[0])
    scan = next(node for node in plan.nodes if node.operation == "Seq Scan")
    assert scan.processes == scan.loops
    assert scan.total_ms == pytest.approx(scan.actual_ms)


def test_triggers_jit_and_serialization_stand_apart(explained: Explained) -> None:
    plan = parse(explained.texts([("analyze, format text", *SHAPES["update with triggers"])])[0])
    assert {trigger["Trigger Name"] for trigger in plan.triggers} == {"audited_before", "audited_after"}
    cascade = parse(explained.texts([("analyze, format text", *SHAPES["delete cascade"])])[0])
    assert cascade.triggers[0]["Calls"] == 39
    assert (cascade.unattributed_ms or 0) > 0.5 * float(cascade.triggers[0]["Time"])
    if explained.version >= 18:
        request = ("analyze, serialize text, memory, format {}", "", "select * from orders")
        for notation in ("text", "json"):
            plan = parse(explained.texts([(request[0].format(notation), *request[1:])])[0])
            assert plan.extra["Serialization"]["Time"] > 0
            assert plan.extra["Serialization"]["Format"] == "text"
            assert plan.extra["Planning"]["Memory Used"] > 0


def test_estimates_have_no_figures_of_a_run(explained: Explained) -> None:
    for name, text in explained.shapes("buffers, format json").items():
        plan = parse(text)
        assert not plan.analyzed and plan.total_ms is None, name
        for node in plan.nodes:
            figures = (node.rows, node.loops, node.self_ms, node.total_ms, node.blocks, node.self_blocks)
            assert figures == (None,) * 6, (name, node.label)
