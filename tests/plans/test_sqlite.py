"""EXPLAIN QUERY PLAN as it is pasted: trees, rows, old words, and what is no plan."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.plans import parse
from dbtui.plans.formats import sqlite_plan

TREE = """\
QUERY PLAN
|--CO-ROUTINE g
|  |--SCAN o USING COVERING INDEX o_customer
|  `--USE TEMP B-TREE FOR GROUP BY
|--SEARCH c AS buyer USING AUTOMATIC PARTIAL COVERING INDEX (customer=? AND total>?) LEFT-JOIN
|--CORRELATED SCALAR SUBQUERY 3
|  `--SEARCH o USING INDEX o_customer (customer=?)
`--USE TEMP B-TREE FOR LAST TERM OF ORDER BY
"""
ROWS = """\
2|0|0|CO-ROUTINE g
5|2|0|SCAN o USING COVERING INDEX o_customer
9|2|0|USE TEMP B-TREE FOR GROUP BY
30|0|0|SEARCH c AS buyer USING AUTOMATIC PARTIAL COVERING INDEX (customer=? AND total>?) LEFT-JOIN
40|0|0|CORRELATED SCALAR SUBQUERY 3
44|40|0|SEARCH o USING INDEX o_customer (customer=?)
60|0|0|USE TEMP B-TREE FOR LAST TERM OF ORDER BY
"""


def as_json(rows: str) -> str:
    names = ("id", "parent", "notused", "detail")
    return json.dumps([dict(zip(names, line.split("|", 3), strict=True)) for line in rows.splitlines()])


def test_tree_rows_and_json_are_one_plan() -> None:
    tree, rows, document = parse(TREE), parse(ROWS), parse(as_json(ROWS))
    assert (tree.format, rows.format, document.format) == ("sqlite-text", "sqlite-rows", "sqlite-json")
    assert tree.nodes == rows.nodes == document.nodes
    assert tree.original == TREE
    assert [(node.depth, node.parent, node.operation) for node in tree.nodes] == [
        (0, None, "QUERY PLAN"),
        (1, 0, "CO-ROUTINE"),
        (2, 1, "SCAN"),
        (2, 1, "USE TEMP B-TREE"),
        (1, 0, "SEARCH"),
        (1, 0, "CORRELATED SCALAR SUBQUERY"),
        (2, 5, "SEARCH"),
        (1, 0, "USE TEMP B-TREE"),
    ]


def test_figures_that_sqlite_does_not_have_are_not_made_up() -> None:
    plan = parse(TREE)
    assert not plan.analyzed
    assert (plan.total_ms, plan.self_sum_ms, plan.planning_ms) == (None, None, None)
    for node in plan.nodes:
        assert (node.self_ms, node.total_ms, node.self_cost, node.rows, node.loops, node.blocks) == (
            None,
        ) * 6


@pytest.mark.parametrize(
    ("detail", "relation", "index", "raw"),
    [
        ("SCAN t", "t", "", {}),
        ("SCAN TABLE t", "t", "", {}),
        ("SCAN SUBQUERY 1 AS g", "1", "", {"Alias": "g"}),
        ("SCAN CONSTANT ROW", "CONSTANT ROW", "", {}),
        ("SEARCH t USING INTEGER PRIMARY KEY (rowid=?)", "t", "", {"Access": "INTEGER PRIMARY KEY"}),
        ("SEARCH TABLE t AS x USING INDEX i (a=? AND b>?)", "t", "i", {"Alias": "x", "Condition": "(a=? AND b>?)"}),
        ("SEARCH t USING COVERING INDEX my index (a=?)", "t", "my index", {"Covering": True}),
        ("SEARCH t USING AUTOMATIC COVERING INDEX (a=?)", "t", "", {"Automatic": True, "Covering": True}),
        ("SCAN f VIRTUAL TABLE INDEX 0:M2", "f", "", {"Virtual Table Index": "0:M2"}),
        ("SCAN odd name USING COVERING INDEX sqlite_autoindex_t_1", "odd name", "sqlite_autoindex_t_1", {}),
        ("SEARCH t USING PRIMARY KEY (a=?) LEFT-JOIN", "t", "", {"Access": "PRIMARY KEY", "Join": "LEFT-JOIN"}),
        ("SCAN TABLE t (~1000000 rows)", "t", "", {}),
    ],
)  # fmt: skip
def test_words_of_a_step(detail: str, relation: str, index: str, raw: dict[str, object]) -> None:
    (_, node) = parse(f"QUERY PLAN\n`--{detail}").nodes
    assert (node.label, node.relation, node.index) == (detail, relation, index)
    assert raw.items() <= node.raw.items()
    assert node.estimated_rows == (1_000_000 if "~" in detail else None)


def test_pasted_with_what_stands_around_it() -> None:
    assert parse("\ufeff\n" + TREE.replace("\n", "\r\n")).nodes == parse(TREE).nodes
    assert parse(TREE.removeprefix("QUERY PLAN\n")).nodes == parse(TREE).nodes
    assert parse("id|parent|notused|detail\n" + ROWS).nodes == parse(TREE).nodes
    assert parse(ROWS.replace("|", "\t")).nodes == parse(TREE).nodes


def test_rows_before_3_24_have_no_tree() -> None:
    plan = parse(
        "0|0|0|SCAN TABLE t\n0|1|1|SEARCH TABLE u USING INDEX i (a=?)\n0|0|0|USE TEMP B-TREE FOR ORDER BY\n"
    )
    assert [node.depth for node in plan.nodes] == [0, 1, 1, 1]


def test_a_name_over_two_lines_stays_one_step() -> None:
    plan = parse("QUERY PLAN\n|--SCAN new\nline\n`--SCAN t\n")
    assert [node.relation for node in plan.nodes[1:]] == ["new\nline", "t"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": 1, "parent": 0, "detail": "SCAN t"',
        '[{"id": 1, "parent": 0, "detail": "SCAN t"}, {"id": 2}]',
        '[{"id": 1, "parent": 0, "detail": "SCAN t"}, {"id": 1, "parent": 0, "detail": "SCAN u"}]',
        "QUERY PLAN\n|--SCAN t\n|  |  |  `--SCAN u\n",
        "2|0|0|SCAN t\n2|0|0|SCAN t\n",
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(text)
    assert "\n" not in str(refused.value)


def test_plans_of_others_are_left_to_them() -> None:
    for text in (
        "Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)",
        " QUERY PLAN \n------\n Seq Scan on t",
        '[{"Plan": {}}]',
    ):
        assert not sqlite_plan.recognise(text)


def test_depth_and_loops_of_parents_are_no_trap() -> None:
    deep = "\n".join("|  " * depth + "`--SCAN t" for depth in range(sqlite_plan.MAX_DEPTH + 5))
    with pytest.raises(InputError, match="too deeply"):
        parse(deep)
    chain = [{"id": n, "parent": n - 1, "detail": "SCAN t"} for n in range(1, sqlite_plan.MAX_DEPTH + 5)]
    with pytest.raises(InputError, match="too deeply"):
        parse(json.dumps(chain))
    looped = parse('[{"id": 1, "parent": 2, "detail": "SCAN a"}, {"id": 2, "parent": 1, "detail": "SCAN b"}]')
    assert len(looped.nodes) == 3


@given(
    st.lists(st.tuples(st.integers(0, 4), st.text("SCANERH tuUSIGDX()=?~1\"'|`-", max_size=30)), max_size=12)
)
def test_any_tree_keeps_its_steps(steps: list[tuple[int, str]]) -> None:
    """Whatever a step says, it is one node at its depth."""
    lines, above = [], -1
    for depth, words in steps:
        above = min(depth, above + 1)
        lines.append("|  " * above + f"|--SCAN {words}".rstrip())
    if not lines:
        return
    plan = parse("QUERY PLAN\n" + "\n".join(lines))
    assert [node.label for node in plan.nodes[1:]] == [line.split("--", 1)[1] for line in lines]
    assert [node.depth - 1 for node in plan.nodes[1:]] == [
        line.split("--", 1)[0].count("|  ") for line in lines
    ]


@given(st.text('QUERY PLAN\n|`-[]{}",:0123 idparentdetailSCAN', max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    try:
        plan = parse(text)
    except InputError:
        return
    assert plan.nodes
