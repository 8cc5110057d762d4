"""Whatever the text, the reader gives a plan whose figures add up, or refuses it in one line."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.plans.formats.postgres_document import label
from tests.plans.test_formats import JIT, PLAIN, WRAPPED

SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KINDS = (
    "Seq Scan",
    "Sort",
    "Hash Join",
    "Gather",
    "Nested Loop",
    "CTE Scan",
    "Aggregate",
    "Limit",
    "Quantum Scan",
)
NAMES = st.sampled_from(
    ["", "CTE x", "CTE y", "InitPlan 1", "InitPlan 1 (returns $0)", "InitPlan 10", "SubPlan 1"]
)
FIGURES = st.one_of(
    st.integers(0, 10**7),
    st.floats(0, 1e9).map(lambda value: round(value, 3)),
    st.sampled_from([0, 0.001, -1, 10**14]),
)


@st.composite
def nodes(draw: st.DrawFn, children: st.SearchStrategy[Any] | None = None) -> dict[str, Any]:
    """A node with any figures, honest or not."""
    node: dict[str, Any] = {"Node Type": draw(st.sampled_from(KINDS))}
    if node["Node Type"] == "CTE Scan":
        node["CTE Name"] = draw(st.sampled_from(["x", "y"]))
    name = draw(NAMES)
    if name:
        node["Subplan Name"] = name
        node["Parent Relationship"] = "SubPlan" if name.startswith("Sub") else "InitPlan"
    if draw(st.booleans()):
        node["Filter"] = draw(
            st.sampled_from(["(a > $0)", "(a > $10)", "(a > (InitPlan 1).col1)", "(InitPlan 10)"])
        )
    node |= {"Actual Loops": draw(st.integers(0, 50)), "Actual Rows": draw(FIGURES)}
    node |= {"Actual Total Time": draw(st.floats(0, 1e4).map(lambda value: round(value, 3)))}
    for key in ("Shared Hit Blocks", "Temp Read Blocks", "Shared I/O Read Time"):
        if draw(st.booleans()):
            node[key] = draw(st.integers(0, 10**6))
    node["Plans"] = draw(st.lists(children, max_size=4)) if children is not None else []
    return node


TREES = st.recursive(nodes(), nodes, max_leaves=25)


@SETTINGS
@given(TREES)
def test_any_tree_adds_up(tree: dict[str, Any]) -> None:
    plan = parse(json.dumps([{"Plan": tree}]))
    assert_sound(plan)
    root = plan.nodes[0]
    assert plan.nodes[0].relationship == ""
    own = sum(node.self_ms or 0 for node in plan.nodes)
    at_least = (root.total_ms or 0) + plan.post_ms
    assert own >= at_least - 1e-6 * max(1, own) - plan.rounding_ms
    assert [node.id for node in plan.nodes] == list(range(len(plan.nodes)))


def assert_sound(plan: Plan) -> None:
    for node in plan.nodes:
        for value in (
            node.self_ms,
            node.total_ms,
            node.self_blocks,
            node.self_cost,
            *node.self_counters.values(),
        ):
            assert value is None or (math.isfinite(value) and value >= 0)
    if plan.self_sum_ms is not None:
        assert plan.self_sum_ms == pytest.approx(sum(node.self_ms or 0 for node in plan.nodes))
        assert plan.total_ms is not None and plan.unattributed_ms is not None and plan.unattributed_ms >= 0
    assert pickle.loads(pickle.dumps(plan)) == plan


@st.composite
def honest(draw: st.DrawFn) -> dict[str, Any]:
    """A node whose figures contain its children's, as a server without rounding would report them."""
    children = draw(st.lists(st.deferred(honest), max_size=3)) if draw(st.integers(0, 2)) else []
    own = draw(st.integers(0, 1000))
    blocks = draw(st.integers(0, 1000))
    if children:
        children[0]["Parent Relationship"] = "Outer"
    node = {
        "Node Type": draw(st.sampled_from(["Sort", "Append", "Hash"])),
        "Parent Relationship": "Member",
        "Actual Loops": 1,
        "Actual Rows": 1,
        "Actual Total Time": own + sum(child["Actual Total Time"] for child in children),
        "Shared Read Blocks": blocks + sum(child["Shared Read Blocks"] for child in children),
        "Own": [own, blocks],
    }
    return {**node, "Plans": children} if children else node


@SETTINGS
@given(honest(), st.sampled_from(["json", "text", "yaml"]))
def test_what_is_a_nodes_own_is_found_again(tree: dict[str, Any], notation: str) -> None:
    written = {"json": json.dumps([{"Plan": tree}]), "text": as_text(tree), "yaml": as_yaml({"Plan": tree})}[
        notation
    ]
    plan = parse(written)
    assert plan.format == f"postgres-{notation}"
    assert [[node.self_ms, node.self_blocks or 0] for node in plan.nodes] == own_figures(tree)
    assert plan.self_sum_ms == tree["Actual Total Time"]


def own_figures(tree: dict[str, Any]) -> list[list[int]]:
    return [tree["Own"], *(pair for child in tree.get("Plans", []) for pair in own_figures(child))]


def as_text(tree: dict[str, Any], column: int = 0) -> str:
    """The text form of a tree."""
    time, arrow = tree["Actual Total Time"], " " * (column - 4) + "->  " if column else ""
    lines = [
        f"{arrow}{label(tree)}  (cost=0.00..1.00 rows=1 width=4) (actual time=0.000..{time}.000 rows=1 loops=1)"
    ]
    if tree["Shared Read Blocks"]:
        lines.append(f"{' ' * (column + 2)}Buffers: shared read={tree['Shared Read Blocks']}")
    lines += [as_text(child, column + 6) for child in tree.get("Plans", [])]
    return "\n".join(lines)


def as_yaml(value: Any, column: int = 0) -> str:
    """The YAML form of a document, laid out as the server lays it out."""
    space = " " * column
    if isinstance(value, dict):
        lines = []
        for key, item in value.items():
            if isinstance(item, dict | list):
                lines.append(f"{space}{key}: \n{as_yaml(item, column + 2)}")
            else:
                lines.append(f"{space}{key}: {json.dumps(item)}")
        return "\n".join(lines)
    items = []
    for item in value:
        written = (
            as_yaml(item, column + 2) if isinstance(item, dict | list) else f"{space}  {json.dumps(item)}"
        )
        items.append(f"{space}- {written[column + 2 :]}")
    return "\n".join(items)


@SETTINGS
@given(st.text(max_size=300))
def test_any_text_is_a_plan_or_is_refused(text: str) -> None:
    try:
        assert_sound(parse(text))
    except InputError as error:
        assert "\n" not in error.message


SAMPLES = [
    *WRAPPED.values(),
    PLAIN + JIT,
    as_yaml({"Plan": {"Node Type": "Sort", "Plans": [{"Node Type": "Result"}]}}),
]
XML = (
    "<explain><Query><Plan><Node-Type>Sort</Node-Type>"
    "<Plans><Plan><Node-Type>Hash</Node-Type></Plan></Plans></Plan></Query></explain>"
)
PIECES = st.sampled_from(
    [
        *"\n\t \"'()[]{}|+-:,>│",
        "->  ",
        "(cost=",
        "  ->  Hash  (",
        "Plans:",
        "1e999",
        "\x00",
        "\ud800",
        "é",
        "</Plan>",
    ]
)


@SETTINGS
@given(
    st.sampled_from(
        [*SAMPLES, XML, json.dumps([{"Plan": {"Node Type": "Sort", "Plans": [{"Node Type": "Hash"}]}}])]
    ),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4),
)
def test_a_damaged_plan_is_a_plan_or_is_refused(text: str, damages: list[tuple[float, int, str]]) -> None:
    for where, cut, piece in damages:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + cut :]
    try:
        assert_sound(parse(text))
    except InputError as error:
        assert "\n" not in error.message


@pytest.mark.parametrize("name", ["Plans", "Workers"])
def test_a_line_called_like_a_part_of_the_tree_is_passed_over(name: str) -> None:
    lines = [
        "Sort  (cost=1.00..2.00 rows=1 width=4)",
        f"  {name}: 3",
        "  ->  Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)",
    ]
    plan = parse("\n".join([*lines, "        Worker 0:  actual time=0.1..0.2 rows=1 loops=1"]))
    assert [node.label for node in plan.nodes] == ["Sort", "Seq Scan on t"]


MILLION = 1_000_000
HEAD = "Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n"
HOSTILE = {
    "one long line": "a" * MILLION,
    "digits": HEAD + "  ->  Sort  (cost=" + "9" * MILLION,
    "points": HEAD + "  ->  Sort  (cost=0.00." + "." * MILLION,
    "spaces": HEAD + "  Filter: x" + " " * MILLION + "y",
    "leading spaces": HEAD + " " * MILLION + "x",
    "quotes": HEAD + "  Filter: " + "'" * (MILLION + 1),
    "open quotes": HEAD + "  Filter: '\"\n" * (MILLION // 13),
    "brackets": HEAD + "  Output: " + "(" * MILLION,
    "commas": HEAD + "  Output: " + "," * MILLION,
    "names": HEAD + "  ->  Seq Scan on " + 'a."' * (MILLION // 3),
    "arrows": HEAD + "  ->  x\n" * (MILLION // 40),
    "headers": HEAD + "CTE x\nInitPlan 1\n" * (MILLION // 17),
    "workers": HEAD + "  Worker 0:  x\n" * (MILLION // 15),
    "continuations": HEAD + "  Filter: x\n" + "y\n" * (MILLION // 8),
    "settings": HEAD + "Settings: " + "a = '" * (MILLION // 5),
    "setting names": HEAD + "Settings: " + "a" * MILLION,
    "fields": HEAD + "  Sort Method: x\n  Full-sort Groups: 1  " + "A b" * (MILLION // 3),
    "pairs": HEAD + "  Buffers: shared " + "hit" * (MILLION // 3),
    "triggers": HEAD + "Trigger " + "for constraint on " * (MILLION // 18) + ": time=1 calls=1",
    "bars": "|" * MILLION,
    "rules": HEAD + "-" * MILLION + "[" + "-" * MILLION,
    "prompts": HEAD + "a" * MILLION + "=# ",
    "row counts": HEAD + "(" * MILLION,
    "logs": "LOG:  duration: 1" + "1" * MILLION + " ms  plan:\n" + HEAD,
    "log quotes": '"duration: 1 ms  plan:\n' + '""' * (MILLION // 2),
    "syslog": "duration: 1 ms  plan:\n" + "a[1]: [1-" * (MILLION // 9),
    "yaml keys": "- Plan:\n    Node Type: x\n    " + "a" * MILLION,
    "yaml dashes": "- Plan:\n    Node Type: x\n    " + "- " * (MILLION // 2),
    "yaml lines": "- Plan:\n    Node Type: x\n" + "    a:\n" * (MILLION // 7),
    "json strings": '[{"Plan": {"Node Type": "' + "\\\\" * (MILLION // 2) + '"}}]',
    "json tail": '[{"Plan": {"Node Type": "x"}}]' + " " * MILLION + "x",
    "xml starts": "<explain>" * (MILLION // 9),
    "xml attributes": "<explain " + "a='b' " * (MILLION // 6) + ">",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_megabytes_cost_no_more_than_honest_ones(name: str) -> None:
    """A quadratic pattern would take hours on each."""
    try:
        assert_sound(parse(HOSTILE[name]))
    except InputError as error:
        assert "\n" not in error.message


@pytest.mark.parametrize("subplan", ["InitPlan {}", "CTE {}", "InitPlan {} (returns ${})"])
def test_thousands_of_init_plans_are_measured(subplan: str) -> None:
    children = [
        {"Node Type": "CTE Scan", "CTE Name": str(n), "Parent Relationship": "InitPlan", "Actual Loops": 1}
        | {
            "Actual Total Time": 1,
            "Subplan Name": subplan.format(n, n),
            "Filter": f"(${n + 1} > (InitPlan {n + 1}).col1)",
        }
        for n in range(3000)
    ]
    root = {"Node Type": "Result", "Plans": children, "Actual Loops": 1, "Actual Total Time": 3000}
    assert_sound(parse(json.dumps([{"Plan": root}])))
