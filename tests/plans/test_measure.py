"""Where time and blocks go, on plans small enough to be worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dbtui.model.plan import Plan
from dbtui.plans import parse


def node(kind: str, ms: float, blocks: int = 0, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = {
        "Node Type": kind,
        "Actual Total Time": ms,
        "Actual Loops": 1,
        "Actual Rows": 1,
        "Shared Hit Blocks": blocks,
    }
    named = {key.replace("_", " "): value for key, value in more.items()}
    return {"Parent Relationship": "Outer", **result, **named, "Plans": list(children)}


def measured(root: dict[str, Any], **document: Any) -> Plan:
    named = {key.replace("_", " "): value for key, value in document.items()}
    return parse(json.dumps([{"Plan": root, **named}]))


def own(plan: Plan) -> list[tuple[float, int]]:
    return [(round(item.self_ms or 0, 3), item.self_blocks or 0) for item in plan.nodes]


def test_loops_multiply_times_but_not_blocks() -> None:
    inner = node("Index Scan", 0.1, 40, Actual_Loops=20)
    plan = measured(node("Nested Loop", 5, 50, node("Seq Scan", 1, 10), inner))
    assert own(plan) == [(2.0, 0), (1.0, 10), (2.0, 40)]


def test_processes_are_the_loops_of_the_gather_and_not_the_workers_that_were_planned() -> None:
    """Two workers were launched and the leader took part: three; the hash below ran in one of them only."""
    hashed = node("Hash", 3, 5, Actual_Loops=1)
    join = node("Hash Join", 10, 20, node("Seq Scan", 6, 15, Actual_Loops=3), hashed, Actual_Loops=3)
    plan = measured(node("Gather", 12, 20, join, Workers_Launched=4))
    assert [item.processes for item in plan.nodes] == [1, 3, 3, 3]
    assert own(plan) == [(2.0, 0), (3.0, 0), (6.0, 15), (1.0, 5)]


def test_a_gather_in_a_loop() -> None:
    gather = node("Gather", 2, 8, node("Seq Scan", 1.5, 8, Actual_Loops=30), Actual_Loops=10)
    plan = measured(node("Nested Loop", 21, 8, gather))
    assert own(plan) == [(1.0, 0), (5.0, 0), (15.0, 8)]
    assert plan.nodes[2].processes == 3


def test_subplans_inherit_processes_and_init_plans_do_not() -> None:
    subplan = node(
        "Aggregate", 0.01, 100, Actual_Loops=300, Parent_Relationship="SubPlan", Subplan_Name="SubPlan 2"
    )
    init = node("Aggregate", 4, 7, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 1 (returns $0)")
    scan = node("Seq Scan", 3, 110, subplan, Actual_Loops=3, Filter="(a > $0)")
    plan = measured(node("Gather", 9, 117, init, scan, Params_Evaluated=["$0"]))
    assert own(plan) == [(2.0, 0), (4.0, 7), (2.0, 10), (1.0, 100)]


def test_an_init_plan_is_charged_to_the_one_node_that_evaluated_it() -> None:
    """Both scans mention it, one of them has its blocks; the tenth is not mistaken for the first."""
    first = node("Result", 1, 3, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 1")
    tenth = node("Result", 5, 9, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 10")
    left = node("Seq Scan", 7, 11, Filter="(x > (InitPlan 10).col1)")
    right = node("Seq Scan", 2, 4, Filter="(x > (InitPlan 1).col1)", Output=["(InitPlan 10).col1"])
    plan = measured(node("Nested Loop", 10, 15, first, tenth, left, right))
    assert own(plan) == [(1.0, 0), (1.0, 3), (5.0, 9), (2.0, 2), (1.0, 1)]


def test_an_init_plan_that_nobody_mentions_is_charged_where_it_fits() -> None:
    init = node("Aggregate", 8, 30, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 1 (returns $0)")
    plan = measured(node("Sort", 12, 35, init, node("Append", 11, 35, node("Seq Scan", 10, 35))))
    assert own(plan) == [(1.0, 0), (8.0, 30), (1.0, 0), (2.0, 5)]


def test_a_cte_is_taken_from_its_readers_by_what_is_theirs() -> None:
    cte = node("Seq Scan", 6, 60, Parent_Relationship="InitPlan", Subplan_Name="CTE c")
    one = node("CTE Scan", 6, 60, CTE_Name="c")
    two = node("CTE Scan", 2, 0, CTE_Name="c")
    plan = measured(node("Hash Join", 9, 60, cte, one, two))
    assert own(plan) == [(1.0, 0), (6.0, 60), (1.5, 0), (0.5, 0)]
    assert plan.post_ms == 0


def test_a_cte_scan_reads_the_nearest_cte_of_its_name() -> None:
    inner_cte = node("Seq Scan", 2, 2, Parent_Relationship="InitPlan", Subplan_Name="CTE c")
    inner = node("Aggregate", 5, 2, inner_cte, node("CTE Scan", 4, 2, CTE_Name="c"))
    outer_cte = node("Seq Scan", 3, 3, Parent_Relationship="InitPlan", Subplan_Name="CTE c")
    plan = measured(node("Append", 10, 5, outer_cte, inner, node("CTE Scan", 4, 3, CTE_Name="c")))
    assert own(plan) == [(1.0, 0), (3.0, 3), (1.0, 0), (2.0, 2), (2.0, 0), (1.0, 0)]


def test_what_ran_after_the_root_is_shown_apart() -> None:
    cte = node("ModifyTable", 50, 500, Parent_Relationship="InitPlan", Subplan_Name="CTE w")
    plan = measured(node("Limit", 2, 20, cte, node("CTE Scan", 1, 20, CTE_Name="w")), Execution_Time=52.5)
    assert own(plan) == [(1.0, 0), (50.0, 500), (0.0, 0)]
    assert (plan.post_ms, plan.post_blocks) == (49.0, 480)
    assert (plan.self_sum_ms, plan.total_ms, plan.unattributed_ms) == (51.0, 52.5, 1.5)


def test_rounding_is_taken_from_the_children_and_the_rest_from_the_ancestors() -> None:
    """20 000 loops of 0.001 ms may be 10 ms less: 4 ms too many are rounding, 1 ms of a child of one loop is not."""
    cached = node("Index Scan", 0.001, 0, Actual_Loops=20000)
    plan = measured(node("Memoize", 16, 0, cached))
    assert own(plan) == [(0.0, 0), (16.0, 0)]
    plan = measured(node("Sort", 20, 9, node("Limit", 10, 5, node("Seq Scan", 11, 6))))
    assert [item.self_ms for item in plan.nodes] == pytest.approx([9, 0, 11], abs=0.001)
    assert [item.self_blocks for item in plan.nodes] == [3, 0, 6]


def test_a_root_that_cannot_cover_its_children_widens_the_rounding() -> None:
    plan = measured(node("Limit", 10, 0, node("Seq Scan", 14, 0)))
    assert [item.self_ms for item in plan.nodes] == pytest.approx([0, 14], abs=0.001)
    assert plan.rounding_ms == pytest.approx(4.0, abs=0.01)


def test_never_executed_nodes_have_nothing() -> None:
    never = node("Index Scan", 0, 0, Actual_Loops=0)
    plan = measured(node("Nested Loop", 1, 1, node("Seq Scan", 0.5, 1), never))
    assert own(plan)[2] == (0.0, 0) and not plan.nodes[2].executed
    below = measured(node("Gather", 1, 0, node("Seq Scan", 0, 0, Actual_Loops=0)))
    assert below.nodes[1].processes == 1


def test_other_counters_have_a_self_part_too() -> None:
    sort = node("Sort", 9, 5, node("Seq Scan", 4, 5), Temp_Read_Blocks=40)
    plan = measured(node("Limit", 9.5, 5, sort, Temp_Read_Blocks=40, **{"Shared I/O Read Time": 1.5}))
    assert plan.nodes[0].self_counters["Temp Read Blocks"] == 0
    assert plan.nodes[1].self_counters["Temp Read Blocks"] == 40
    assert plan.nodes[0].self_counters["Shared I/O Read Time"] == 1.5


def test_self_cost_is_never_negative() -> None:
    plan = parse(
        json.dumps(
            [
                {
                    "Plan": {
                        "Node Type": "Limit",
                        "Total Cost": 2,
                        "Plans": [{"Node Type": "Sort", "Total Cost": 9}],
                    }
                }
            ]
        )
    )
    assert [item.self_cost for item in plan.nodes] == [0.0, 9.0]
    assert not plan.analyzed and plan.total_ms is None and plan.self_sum_ms is None
