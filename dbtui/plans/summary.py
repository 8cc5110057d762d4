"""What a measured plan says at a glance: the hot path, shares, estimate factors, and where the rest went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from dbtui.documents import as_number
from dbtui.model.plan import Plan, PlanNode


def weights(plan: Plan) -> tuple[float | None, ...]:
    """What heat is drawn by, for each node: the share of self time, else of self blocks (TIMING OFF), else of cost.

    Between 0 and 1; None where the plan has none of them.
    """
    kind, root = weighed_by(plan), plan.nodes[0]
    values: Iterable[float | None]
    if kind == "time":
        whole = max(plan.self_sum_ms or 0.0, plan.total_ms or 0.0)
        values = [node.self_ms for node in plan.nodes]
    elif kind == "blocks":
        whole = (root.blocks or 0) + plan.post_blocks
        values = [node.self_blocks for node in plan.nodes]
    else:
        whole, values = root.total_cost or 0.0, own_costs(plan)
    return tuple(None if value is None or whole <= 0 else min(1.0, value / whole) for value in values)


def own_costs(plan: Plan) -> tuple[float | None, ...]:
    """What each node adds to the cost of what is asked for.

    PostgreSQL (and DocumentDB, which runs on it) prices a node as if all of its rows were wanted: below a Limit that
    costs less, what is there counts in proportion. So the parts of a plan add up to its root.
    """
    if not plan.format.startswith(("postgres", "mongo-documentdb")):
        return tuple(node.self_cost for node in plan.nodes)
    below = [0.0] * len(plan.nodes)
    for node in plan.nodes[1:]:
        if node.parent is not None:
            below[node.parent] += node.total_cost or 0.0
    asked = [1.0] * len(plan.nodes)  # share of a node's rows
    for node in plan.nodes:
        if node.parent is not None:
            above = plan.nodes[node.parent]
            part = (above.total_cost or 0.0) / below[above.id] if below[above.id] else 1.0
            asked[node.id] = asked[above.id] * min(1.0, part)
    return tuple(
        None if node.total_cost is None else max(0.0, node.total_cost - below[node.id]) * asked[node.id]
        for node in plan.nodes
    )


def weighed_by(plan: Plan) -> str:
    """What `weights` are shares of: "time", "blocks" or "cost"."""
    if plan.self_sum_ms is not None:
        return "time"
    if plan.analyzed and any(node.self_blocks for node in plan.nodes):
        return "blocks"
    return "cost"


def hot_path(plan: Plan) -> tuple[int, ...]:
    """Node ids from the root to the hottest leaf: at each node the child with most of the total goes on."""
    children: dict[int, list[PlanNode]] = defaultdict(list)
    for node in plan.nodes[1:]:
        if node.parent is not None:
            children[node.parent].append(node)
    path = [0]
    while below := children.get(path[-1]):
        path.append(max(below, key=lambda node: _total(plan, node)).id)
    return tuple(path)


def _total(plan: Plan, node: PlanNode) -> float:
    kind = weighed_by(plan)
    if kind == "time":
        return node.total_ms or 0.0
    return (node.blocks if kind == "blocks" else node.total_cost) or 0.0


def beside_nodes(plan: Plan) -> Mapping[str, float]:
    """Times in ms that the server reports apart from the nodes, by name.

    Triggers, JIT and serialization lie inside the execution time (BEFORE triggers and parts of JIT also in
    nodes), so they explain `unattributed_ms` but do not add up to it; planning comes before it.
    """
    times: dict[str, float] = {}
    if plan.planning_ms is not None:
        times["planning"] = plan.planning_ms
    triggers = sum(as_number(trigger.get("Time")) for trigger in plan.triggers)
    if plan.triggers:
        times["triggers"] = triggers
    jit = plan.extra.get("JIT")
    if isinstance(jit, Mapping) and isinstance(jit.get("Timing"), Mapping):
        times["JIT"] = as_number(jit["Timing"].get("Total"))
    serialization = plan.extra.get("Serialization")
    if isinstance(serialization, Mapping) and "Time" in serialization:
        times["serialization"] = as_number(serialization["Time"])
    if plan.post_ms:
        times["after the root"] = plan.post_ms
    return times
